package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// random returns bytes of every value, the same at each run.
func random(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// What comes back is what the service makes of what was sent, byte for byte, whatever the bytes.
func TestPipeIsBinarySafe(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	for _, size := range []int{0, 1, chunkSize, 2<<20 + 1} {
		in := random(size)
		var out bytes.Buffer
		err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, bytes.NewReader(in), &out)
		if err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if !bytes.Equal(out.Bytes(), upper(in)) {
			t.Errorf("%d bytes: got %d other bytes", size, out.Len())
		}
	}
}

// Reading never waits for writing. This server takes nothing more until its answer is taken, and
// the buffers between the two are smaller than the stream: a client that sends all before it reads
// would wait for ever.
func TestPipeIsFullDuplex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := random(1 << 20)
		var out bytes.Buffer
		o := options(1, patient)
		err := pipe(t.Context(), o, inMemory(every(serveUpper)), bytes.NewReader(in), &out)
		if err != nil || !bytes.Equal(out.Bytes(), upper(in)) {
			t.Errorf("got %d of %d bytes, error %v", out.Len(), len(in), err)
		}
	})
}

// A server that takes everything before it answers anything is fine, too: input and half-close do
// not wait for answers.
func TestPipeHalfCloses(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) {
		defer c.Close()
		all, _ := io.ReadAll(c)
		c.Write(upper(all))
	})
	var out strings.Builder
	in := strings.NewReader("all of it\n")
	err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, in, &out)
	if err != nil || out.String() != "ALL OF IT\n" {
		t.Errorf("got %q and %v", out.String(), err)
	}
}

// A server that leaves early is an error that says how far it came.
func TestPipeServerLeavesEarly(t *testing.T) {
	in := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		name    string
		answers int64
		reset   bool
		say     string
	}{
		{"closed before all is answered", 400, false, "closed by the server after 400 of 1000"},
		{"reset", 400, true, "reset by peer after "},
		{"closed at once", 0, false, " of 1000 bytes"}, // or reset: it had not read all
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := listen(t, func(c *net.TCPConn) {
				defer c.Close()
				io.ReadFull(c, make([]byte, max(int(tt.answers), 1)))
				c.Write(make([]byte, tt.answers))
				if tt.reset {
					c.SetLinger(0)
					return
				}
				c.CloseWrite()
				io.Copy(io.Discard, c)
			})
			var out bytes.Buffer
			o := Options{Addr: addr, Timeout: patient}
			err := Pipe(t.Context(), o, strings.NewReader(in), &out)
			wantErr(t, err, ErrLost, addr, tt.say, " of 1000 bytes")
			if !tt.reset && out.Len() != int(tt.answers) {
				t.Errorf("got %d bytes, want the %d that came", out.Len(), tt.answers)
			}
		})
	}
}

// A server that has answered everything so far, but closes before the input ends, left early.
func TestPipeServerLeavesBetween(t *testing.T) {
	addr := listen(t, leaver(5, false))
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "hello")
	var out strings.Builder
	err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, r, &out)
	wantErr(t, err, ErrLost, "closed by the server after 5 bytes, before the end of the input")
	if out.String() != "HELLO" {
		t.Errorf("got %q, want HELLO", out.String())
	}
}

// More bytes than were sent are an error, and are not waited for until they end.
func TestPipeSurplus(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) {
		defer c.Close()
		for {
			if _, err := c.Write([]byte("noise ")); err != nil {
				return
			}
		}
	})
	err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, strings.NewReader(""),
		io.Discard)
	wantErr(t, err, ErrSurplus, addr)
}

// The time-out is for a server that owes bytes, or the end, and moves nothing.
func TestPipeStalls(t *testing.T) {
	quiet := func(c peer) {
		io.ReadFull(c, make([]byte, 3))
		c.Write([]byte("ABC"))
		io.Copy(io.Discard, c)
		pause(time.Minute)
		c.Close()
	}
	deaf := func(c peer) {
		pause(time.Minute)
		c.Close()
	}
	for _, tt := range []struct {
		name  string
		serve func(peer)
		in    string
		say   string
	}{
		{"answers missing", quiet, "abcdef", "no byte moved in 10 s, after 3 of 6 bytes"},
		{"end missing", quiet, "abc", "not closed in 10 s, although all of 3 bytes came back"},
		{"nothing read", deaf, "abcdef", "no byte moved in 10 s, after 0 of 6 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				o := options(1, 10*time.Second)
				err := pipe(t.Context(), o, inMemory(every(tt.serve)), strings.NewReader(tt.in),
					io.Discard)
				wantTimeout(t, err, "waiting for server: ", tt.say)
				if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
					t.Errorf("it took %v, want 10 s", took)
				}
				pause(time.Hour)
			})
		})
	}
}

// An input that is idle, an output that is slow, and a server that is slow but not idle never time
// out.
func TestPipeIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			for range 5 {
				pause(time.Hour)
				io.WriteString(w, "hello ")
			}
			pause(time.Hour)
			w.Close()
		}()
		var out strings.Builder
		slow := writer(func(p []byte) (int, error) {
			pause(time.Hour)
			return out.Write(p)
		})
		dial := inMemory(every(func(c peer) {
			buf := make([]byte, 1)
			for {
				if _, err := c.Read(buf); err != nil {
					c.Close()
					return
				}
				pause(9 * time.Second)
				c.Write(upper(buf))
			}
		}))
		err := pipe(t.Context(), options(1, 10*time.Second), dial, r, slow)
		if want := strings.Repeat("HELLO ", 5); err != nil || out.String() != want {
			t.Errorf("got %q and %v, want %q", out.String(), err, want)
		}
	})
}

// writer is an io.Writer that is a function.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// An output that fails ends the client, and is named, although the input goes on.
func TestPipeOutputFails(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "hello")
	full := writer(func([]byte) (int, error) { return 0, syscall.EPIPE })
	err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, r, full)
	wantErr(t, err, syscall.EPIPE, "writing the output: ")
}

// An input that fails is an error, and what it gave until then is answered.
func TestPipeInputFails(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	unplugged := errors.New("unplugged")
	r, w := io.Pipe()
	go func() {
		io.WriteString(w, "hello")
		w.CloseWithError(unplugged)
	}()
	var out strings.Builder
	err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, r, &out)
	wantErr(t, err, unplugged, "reading the input: ")
	if out.String() != "HELLO" {
		t.Errorf("got %q, want HELLO", out.String())
	}
}

// Cancelling ends the client whatever it is waiting for: here the input, and an output that is
// stuck.
func TestPipeIsCancelled(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "hello")
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("terminated")
	stuck := make(chan struct{})
	defer close(stuck)
	err := Pipe(ctx, Options{Addr: addr, Timeout: patient}, r, writer(func(p []byte) (int, error) {
		cancel(cause)
		<-stuck
		return len(p), nil
	}))
	wantErr(t, err, cause)
}

// Connecting is within the time-out, too.
func TestConnectingTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(ctx context.Context, _ string) (conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		err := pipe(t.Context(), options(1, 10*time.Second), never, nil, nil)
		wantTimeout(t, err, "connecting to server: not connected in 10 s")

		// Cancelling is told from it, and what was opened before is closed.
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("terminated")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		opened := inMemory(every(serveNothing))
		first := true
		err = prompt(ctx, options(2, 10*time.Second), func(ctx context.Context, addr string) (
			conn, error,
		) {
			if first {
				first = false
				return opened(ctx, addr)
			}
			return never(ctx, addr)
		}, Terminal{})
		wantErr(t, err, cause)
	})
}
