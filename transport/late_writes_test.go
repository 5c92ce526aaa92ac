package transport_test

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// TestWriteAfterTheEndIsRefused: who is told to resume when the sending side has ended already, as
// nothing was pending at the Close or as it closes before it writes, is refused. To have the kernel
// refuse it would break the connection, and what is on its way would not arrive.
func TestWriteAfterTheEndIsRefused(t *testing.T) {
	everywhere(t, func(w *world) {
		for _, how := range []string{"nothing is pending", "closes first", "has ended before"} {
			a, b := w.recorder(), w.recorder()
			ta, tb := w.pair(a, b)
			tb.PauseReading()
			var late error
			a.on["resume"] = func() {
				ta.Close()
				late = ta.Write([]byte("late"))
			}
			want := tagged(1, 8<<20)
			switch how {
			case "nothing is pending":
				w.must(ta.SetWriteMarks(0, 0))
				n, err := ta.WriteSome(want)
				w.must(err)
				want = want[:n]
				ta.Close()
			case "closes first":
				w.must(ta.SetWriteMarks(1000, 0))
				w.must(ta.Write(want))
			case "has ended before":
				w.must(ta.Write(want))
				w.must(ta.CloseWrite())
			}
			tb.ResumeReading()
			w.until("both are lost", func() bool { return a.lost() && b.lost() })
			if !bytes.Equal(b.got, want) {
				w.Errorf("%s: %d bytes arrived, want %d", how, len(b.got), len(want))
			}
			if a.err != nil || b.err != nil {
				w.Errorf("%s: the errors are %v, %v", how, a.err, b.err)
			}
			if a.is("resume") && !errors.Is(late, net.ErrClosed) {
				w.Errorf("%s: the late write: %v", how, late)
			}
		}
	})
}

// TestCloseWithMuchUnread: what the peer has sent, and nobody has read, is dropped to the last byte
// before the descriptor is closed: the peer gets the end of the stream, and no reset.
func TestCloseWithMuchUnread(t *testing.T) {
	onSockets(t, func(w *world) {
		fds := w.sockets()
		w.closeAtEnd(fds[1])
		w.must(sys.SetRecvBuffer(fds[0], 4<<20))
		w.must(sys.SetSendBuffer(fds[1], 4<<20))
		a := w.recorder()
		ta := w.adopt(fds[0], a)
		ta.PauseReading()
		for err := error(nil); err == nil; {
			_, err = sys.TrySend(fds[1], tagged(1, 32<<10))
		}
		w.turns(3)
		w.must(ta.Write([]byte("bye")))
		ta.Close()
		w.until("it is lost", a.lost)
		var got []byte
		buf := make([]byte, 100)
		w.until("the end arrives", func() bool {
			n, err := sys.TryRecv(fds[1], buf)
			if got = append(got, buf[:n]...); err != nil && !sys.WouldBlock(err) {
				w.Fatalf("after %q: %v", got, err)
			}
			return n == 0 && err == nil
		})
		if string(got) != "bye" {
			w.Errorf("%q arrived", got)
		}
	})
}

// flusher writes whenever what it has written before is sent, or when it is to resume.
type flusher struct {
	*recorder
	write func()
}

func (f flusher) Flushed(*transport.Transport)       { f.write() }
func (f flusher) ResumeWriting(*transport.Transport) { f.write() }
func (f flusher) PauseWriting(*transport.Transport)  {}

// N12: a protocol that always has more, and whose peer takes all of it at once, does not keep the
// loop in one turn.
func TestWhoAlwaysHasMoreDoesNotHoldTheLoop(t *testing.T) {
	for _, high := range []int{100, transport.HighWater} {
		onSockets(t, func(w *world) {
			fds := w.sockets()
			w.must(sys.SetNonblock(fds[1], false))
			over := make(chan struct{})
			go func() {
				defer close(over)
				buf := make([]byte, 1<<20)
				for n, err := 1, error(nil); n > 0 && err == nil; {
					n, err = sys.Recv(fds[1], buf)
				}
			}()
			f := flusher{recorder: w.recorder()}
			begin, piece := time.Now(), tagged(1, 2000)
			f.write = func() {
				// To make a piece takes longer than to receive it: the kernel always has room.
				for made := time.Now(); time.Since(made) < 30*time.Microsecond; {
				}
				if time.Since(begin) < patience/10 { // a loop that is held goes on all the same
					_ = f.t.Write(piece)
				}
			}
			ta := w.adopt(fds[0], f)
			w.must(ta.SetWriteMarks(high, 0))
			w.Soon(func() { f.write(); f.write() }) // the second is gathered
			w.After(10*time.Millisecond, w.Stop)
			w.must(w.Run())
			if d := time.Since(begin); d > patience/20 {
				w.Errorf("a timer of 10 ms has run after %v", d)
			}
			ta.Abort()
			<-over
			w.must(sys.Close(fds[1]))
		})
	}
}
