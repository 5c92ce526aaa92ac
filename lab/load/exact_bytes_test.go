package load_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/load"
)

func TestEveryShapeOfRequestIsAnswered(t *testing.T) {
	addr := serve(t, upper)
	tests := []struct{ conns, size, depth int }{
		{1, 1, 1},
		{1, 1, 1000},
		{3, 7, 5},
		{10, 64, 1},
		{10, 1000, 16},
		{2, 12_041, 3}, // the payload's own period
		{4, 65_536, 2},
		{1, load.MaxSize, 1},
		{2, load.MaxSize, 16},
	}
	for _, backend := range load.Backends() {
		for _, tt := range tests {
			name := fmt.Sprintf("%s/conns=%d/size=%d/depth=%d", backend, tt.conns, tt.size,
				tt.depth)
			t.Run(name, func(t *testing.T) {
				l := dial(t, load.Config{Addr: addr, Conns: tt.conns, Size: tt.size,
					Depth: tt.depth, Backend: backend, Seed: 7})
				if n, err := l.Greet(t.Context(), 5*time.Second); n != tt.conns || err != nil {
					t.Fatalf("Greet = %d, %v; want %d", n, err, tt.conns)
				}
				check(t, saturate(t, l, 40*time.Millisecond), tt.conns)
				check(t, pace(t, l, float64(50*tt.conns), 40*time.Millisecond), tt.conns)
				if lost, err := l.Idle(t.Context(), time.Millisecond); lost != 0 || err != nil {
					t.Errorf("Idle = %d, %v", lost, err)
				}
				if s := l.Stats(); s.Live() != tt.conns || s.Silent != 0 || s.First != nil {
					t.Errorf("Stats = %+v", s)
				}
			})
		}
	}
}

// check checks what holds of every result of a healthy server.
func check(t *testing.T, res *load.Result, conns int) {
	t.Helper()
	if res.Conns != conns || res.Lost != 0 || res.Silent != 0 || res.Unanswered != 0 {
		t.Errorf("%d connections, %d lost, %d silent, %d unanswered; want %d and no more",
			res.Conns, res.Lost, res.Silent, res.Unanswered, conns)
	}
	if off := res.Bytes - res.Requests*int64(res.Size); off > int64(conns*res.Size) ||
		off < -int64(conns*res.Size) {
		t.Errorf("%d bytes in %d answers of %d", res.Bytes, res.Requests, res.Size)
	}
}

func TestEchoIsAnsweredAsItIs(t *testing.T) {
	addr := serve(t, func(_ int, c net.Conn) { io.Copy(c, c) })
	l := dial(t, load.Config{Addr: addr, Conns: 3, Size: 500, Service: "echo"})
	for range 2 { // each window counts anew
		if res := saturate(t, l, 40*time.Millisecond); res.Served != 3 {
			t.Errorf("%d connections served", res.Served)
		}
	}
	wrong := dial(t, load.Config{Addr: addr, Conns: 1, Size: 500})
	if _, err := wrong.Greet(t.Context(), time.Second); !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("echo taken for upper: %v", err)
	}
}

// cutter is a connection that sends in pieces of random lengths.
type cutter struct {
	net.Conn
	rng *rand.Rand
}

// Write sends p in pieces of up to 100 bytes.
func (c cutter) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		n, err := c.Conn.Write(p[sent:][:1+c.rng.IntN(min(len(p)-sent, 100))])
		if sent += n; err != nil {
			return sent, err
		}
	}
	return len(p), nil
}

// TestAnswersComeInAnyChunks sends answers cut at random places.
func TestAnswersComeInAnyChunks(t *testing.T) {
	addr := serve(t, func(i int, c net.Conn) {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		upper(i, cutter{c, rng})
	})
	l := dial(t, load.Config{Addr: addr, Conns: 4, Size: 333, Depth: 3})
	check(t, saturate(t, l, 50*time.Millisecond), 4)
}

// TestFullSockets sends more than a server with a small buffer takes: the loop has to go on
// reading while it waits to send, and to send on when there is room.
func TestFullSockets(t *testing.T) {
	addr := serve(t, func(i int, c net.Conn) {
		c.(*net.TCPConn).SetReadBuffer(128 << 10)
		c.(*net.TCPConn).SetWriteBuffer(128 << 10)
		upper(i, c)
	})
	for _, backend := range load.Backends() {
		l := dial(t, load.Config{Addr: addr, Conns: 2, Size: 700_000, Depth: 20, Backend: backend})
		res := saturate(t, l, 100*time.Millisecond)
		if check(t, res, 2); res.Bytes == 0 {
			t.Errorf("%s: nothing received", backend)
		}
		check(t, pace(t, l, 100, 100*time.Millisecond), 2)
	}
}

func TestNamesAndIPv6Addresses(t *testing.T) {
	testenv.Need(t, testenv.IPv6)
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	for _, host := range []string{"[::1]", "localhost"} {
		l, err := load.Dial(t.Context(), load.Config{Addr: host + ":" + port})
		if host == "localhost" && err != nil {
			continue // a machine may know it as an IPv4 address only
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

func TestThousandConnections(t *testing.T) {
	const conns = 1000
	testenv.NeedDescriptors(t, 2*conns+100)
	addr := serve(t, upper)
	l := dial(t, load.Config{Addr: addr, Conns: conns, Size: 64, Depth: 2})
	if n, err := l.Greet(t.Context(), 10*time.Second); n != conns || err != nil {
		t.Fatalf("Greet = %d, %v", n, err)
	}
	if res := saturate(t, l, 300*time.Millisecond); res.Served != conns {
		t.Errorf("%d connections served; want all %d", res.Served, conns)
	}
	check(t, pace(t, l, 2000, 200*time.Millisecond), conns)
}

func TestWrongByteIsFound(t *testing.T) {
	for _, at := range []int{0, 1, 99, 100, 777, 50_000} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			addr := serve(t, altered(func(pos int, piece []byte) []byte {
				if pos <= at && at < pos+len(piece) {
					piece[at-pos] ^= 0x20
				}
				return piece
			}))
			l := dial(t, load.Config{Addr: addr, Size: 100, Depth: 4})
			_, err := l.Saturate(t.Context(), 0, 10*time.Second, load.Hooks{})
			if !errors.Is(err, load.ErrWrongByte) {
				t.Fatalf("err = %v", err)
			}
			if want := fmt.Sprintf("connection 0, byte %d of its answers", at); !strings.Contains(
				err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
			if _, again := l.Idle(t.Context(), 0); !errors.Is(again, load.ErrWrongByte) {
				t.Errorf("the next phase: %v", again)
			}
		})
	}
}

// TestMisroutedAnswersAreFound answers with what belongs to another client.
func TestMisroutedAnswersAreFound(t *testing.T) {
	addr := serve(t, func(i int, c net.Conn) {
		block := make([]byte, 64)
		for {
			if _, err := io.ReadFull(c, block); err != nil {
				return
			}
			copy(block, strings.Repeat("answer of another client ", 9))
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	l := dial(t, load.Config{Addr: addr, Conns: 2, Size: 64})
	if _, err := l.Greet(t.Context(), 5*time.Second); !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("err = %v", err)
	}
}

func TestExtraByteIsFound(t *testing.T) {
	addr := serve(t, altered(func(pos int, piece []byte) []byte {
		if pos >= 1000 {
			return append(piece, 'x')
		}
		return piece
	}))
	l := dial(t, load.Config{Addr: addr, Size: 100})
	_, err := l.Saturate(t.Context(), 0, 10*time.Second, load.Hooks{})
	if !errors.Is(err, load.ErrWrongByte) || !strings.Contains(err.Error(), "want no more") {
		t.Errorf("err = %v", err)
	}
}

func TestServerThatSpeaksFirstIsFound(t *testing.T) {
	addr := serve(t, func(i int, c net.Conn) {
		c.Write([]byte("220 hello"))
		upper(i, c)
	})
	l := dial(t, load.Config{Addr: addr})
	if _, err := l.Idle(t.Context(), 5*time.Second); !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("err = %v", err)
	}
}

func TestMissingByteIsFound(t *testing.T) {
	swallow := altered(func(pos int, piece []byte) []byte {
		if pos <= 150 && 150 < pos+len(piece) {
			return append(piece[:150-pos:150-pos], piece[150-pos+1:]...)
		}
		return piece
	})
	t.Run("with more to come", func(t *testing.T) {
		l := dial(t, load.Config{Addr: serve(t, swallow), Size: 100, Depth: 3})
		_, err := l.Saturate(t.Context(), 0, 10*time.Second, load.Hooks{})
		if !errors.Is(err, load.ErrWrongByte) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("at the end", func(t *testing.T) {
		l := dial(t, load.Config{Addr: serve(t, altered(func(pos int, piece []byte) []byte {
			if pos >= 200 {
				return piece[:len(piece)-1]
			}
			return piece
		})), Size: 100, Timeout: 50 * time.Millisecond})
		res := saturate(t, l, 20*time.Millisecond)
		if res.Silent != 1 || l.Stats().Silent != 1 {
			t.Errorf("%d silent connections; want 1", res.Silent)
		}
		if _, err := l.Pace(t.Context(), 1, 0, 1, load.Hooks{}); !errors.Is(err, load.ErrUnserved) {
			t.Errorf("a phase with silent connections only: %v", err)
		}
	})
}
