package transport_test

import (
	"encoding/binary"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/transport"
)

// whenItSleeps has another goroutine call send when the loop has gone to sleep for the first time.
// On one processor everything is sent before the loop goes on: none of it is news any more then, so
// what is not found at once is found by nobody. Undo it when the test has what it waits for.
func (w *world) whenItSleeps(send func()) (undo func()) {
	processors := runtime.GOMAXPROCS(1)
	asleep, sent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		<-asleep
		send()
	}()
	w.OnWait(func(found int) {
		w.OnWait(nil)
		close(asleep)
	})
	return func() {
		<-sent
		runtime.GOMAXPROCS(processors)
	}
}

// S39: who takes over a connection in the callback that tells of something is told of it too.
func TestTakeOverOfWhatHasCome(t *testing.T) {
	const most = 40 * 4096
	for name, begin := range map[string]func(w *world, fd int, next puller){
		"puller to puller": func(w *world, fd int, next puller) {
			w.adopt(fd, handing{to: next})
		},
		"pusher to puller": func(w *world, fd int, next puller) {
			first := w.recorder()
			first.on["data"] = func() {
				next.got, next.log = first.got, first.log
				first.t.SetProtocol(next)
			}
			w.adopt(fd, first)
		},
		"callback to transport": func(w *world, fd int, next puller) {
			w.must(w.OnReadable(fd, func() {
				w.StopReading(fd)
				w.adopt(fd, next)
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onSockets(t, func(w *world) {
				fds := w.sockets()
				w.closeAtEnd(fds[1])
				next := puller{w.recorder()}
				begin(w, fds[0], next)
				var total atomic.Int64
				defer w.whenItSleeps(func() {
					n := 0
					for n < most {
						some, err := sys.TrySend(fds[1], make([]byte, 4096))
						if n += max(some, 0); err != nil {
							break
						}
					}
					total.Store(int64(n))
				})()
				w.hears("what has come", func() bool {
					n := int(total.Load())
					return n > 0 && len(next.got) == n
				})
			})
		})
	}
}

// handing is a Puller that takes nothing, and hands the connection on.
type handing struct {
	transport.Base
	to transport.Protocol
}

func (h handing) Made(t *transport.Transport) { h.to.Made(t) }

func (h handing) Readable(t *transport.Transport) { t.SetProtocol(h.to) }

// S39: a unix socket ends a receive behind bytes that descriptors come with, though there are more.
func TestWhatFollowsDescriptors(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	onSelectors(t, "unix", func(w *world) {
		fds := w.sockets()
		file := os.NewFile(uintptr(fds[1]), "peer")
		conn, err := net.FileConn(file)
		w.must(err)
		w.must(file.Close())
		defer conn.Close()
		r := w.recorder()
		w.adopt(fds[0], r)
		for i := 1; i <= 20; i++ { // in most of them both have come when the loop goes on
			sent := make(chan error, 2)
			undo := w.whenItSleeps(func() {
				_, _, err := conn.(*net.UnixConn).WriteMsgUnix([]byte("ab"), rights(os.Stderr), nil)
				sent <- err
				_, err = conn.Write([]byte("cd"))
				sent <- err
			})
			w.hears("both", func() bool { return len(r.got) == i*len("abcd") })
			undo()
			w.must(<-sent)
			w.must(<-sent)
		}
	})
}

// rights is the control message of Linux that passes a descriptor, on a system of 64 bits.
func rights(f *os.File) []byte {
	const solSocket, scmRights = 1, 1
	m := binary.NativeEndian.AppendUint64(nil, 8+2*4+4)
	m = binary.NativeEndian.AppendUint32(m, solSocket)
	m = binary.NativeEndian.AppendUint32(m, scmRights)
	m = binary.NativeEndian.AppendUint32(m, uint32(f.Fd()))
	return append(m, 0, 0, 0, 0)
}
