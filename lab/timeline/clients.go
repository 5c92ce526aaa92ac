package timeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/trace"
)

// session is what the clients have seen, by the clock.
type session struct {
	begun   int64
	clients []visit
}

// visit is what one client has seen.
type visit struct {
	peer            netip.AddrPort
	connected, left int64
	sent, answered  [requests]int64
}

// play has the clients come, ask and leave, and waits for all of them.
func play(ctx context.Context, cfg Config, clock trace.Clock, addr string) (*session, error) {
	// A server may serve one client after the other.
	longest := patience + time.Duration(cfg.Clients)*requests*(cfg.Wait+cfg.Think)*2
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	ctx, cancel := context.WithTimeoutCause(ctx, longest,
		fmt.Errorf("not every request is answered after %v", longest))
	defer cancel()
	s := &session{clients: make([]visit, cfg.Clients)}
	var all sync.WaitGroup
	s.begun = clock.Now()
	for i := range s.clients {
		all.Go(func() {
			err := pause(ctx, lead+time.Duration(i)*cfg.Gap)
			if err == nil {
				err = s.clients[i].pay(ctx, clock, addr, cfg.Think, i+1)
			}
			if err != nil { // and then nothing comes of the others
				fail(fmt.Errorf("client %d: %w", i+1, err))
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return s, nil
}

// pay is the whole life of a client.
func (v *visit) pay(ctx context.Context, clock trace.Clock, addr string, think time.Duration,
	number int) (err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	v.connected = clock.Now()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		v.left = clock.Now()
		conn.Close()
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	local := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	v.peer = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	for i := range requests {
		text := fmt.Appendf(nil, "request %d of client %d", i+1, number)
		v.sent[i] = clock.Now()
		if _, err := conn.Write(text); err != nil {
			return err
		}
		answer := make([]byte, len(text))
		if _, err := io.ReadFull(conn, answer); err != nil {
			return fmt.Errorf("no answer: %w", err)
		}
		v.answered[i] = clock.Now()
		if want := bytes.ToUpper(text); !bytes.Equal(answer, want) {
			return fmt.Errorf("wrong answer %q, want %q", answer, want)
		}
		if err := pause(ctx, think); err != nil {
			return err
		}
	}
	return nil
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
