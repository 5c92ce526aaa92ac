package stream_test

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// crowd is clients that are nothing but descriptors: what they cost is not Go's memory.
type crowd struct {
	*kettle.Task
	server *stream.Server
	fds    []int
}

// join connects n clients, of which each has its answer to one byte.
func (c *crowd) join(addr net.Addr, n int) error {
	for len(c.fds) < n {
		var some []int
		for range min(200, n-len(c.fds)) { // fewer than the backlog has room for
			fd, err := sys.Connect(addr.(*net.TCPAddr).AddrPort())
			if err != nil {
				return err
			}
			some = append(some, fd)
		}
		c.fds = append(c.fds, some...)
		for c.server.Stats().Accepted < uint64(len(c.fds)) {
			if err := c.Yield(); err != nil {
				return err
			}
		}
		answer := make([]byte, 1)
		for _, fd := range some {
			if _, err := sys.TrySend(fd, []byte("x")); err != nil {
				return err
			}
		}
		for _, fd := range some {
			n, err := sys.TryRecv(fd, answer)
			for sys.WouldBlock(err) && c.Yield() == nil {
				n, err = sys.TryRecv(fd, answer)
			}
			if n != 1 || answer[0] != 'X' {
				return fmt.Errorf("the answer is %q, %w", answer[:n], err)
			}
		}
	}
	return nil
}

func (c *crowd) leave() {
	for _, fd := range c.fds {
		_ = sys.Close(fd)
	}
	c.fds = nil
}

// held returns how many bytes are in use, on the heap and as stacks.
func held() (heap, stack int) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what had a finalizer
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), int(m.StackInuse)
}

// idle measures what each of n idle connections holds.
func idle(t testing.TB, handler stream.Handler, n int) (heap, stack int) {
	t.Helper()
	s := &stream.Server{Handler: handler}
	err := kettle.Run(func(task *kettle.Task) error {
		ln := listenTest(t, task, stream.ListenConfig{}, "tcp")
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("Serve", func(task *kettle.Task) error { return s.Serve(task, ln) })
			c := &crowd{Task: g.Task, server: s, fds: make([]int, 0, n)}
			heapBefore, stackBefore := held()
			err = errors.Join(err, c.join(ln.Addr(), n))
			heap, stack = held()
			heap, stack = (heap-heapBefore)/n, (stack-stackBefore)/n
			if open := s.Stats().Open; open != n {
				err = errors.Join(err, fmt.Errorf("%d connections are open, want %d", open, n))
			}
			c.leave()
			s.Drain(0)
			return err
		})
	}, kettle.OnStall(0, nil)) // they are closed in one turn
	if err != nil && !errors.Is(err, kettle.ErrGrace) {
		t.Fatal(err)
	}
	return heap, stack
}

// TestIdleConnectionsAreSmall: beside the stack of its task a connection holds no buffer.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const bound = 1500 // bytes on the heap, of which about 500 are the coroutine's
	testenv.NeedDescriptors(t, 2100)
	heap, stack := idle(t, upper, 1000)
	if t.Logf("%d bytes on the heap, and %d of stack", heap, stack); heap > bound {
		t.Errorf("a connection holds %d bytes on the heap, want less than %d", heap, bound)
	}
}

// formats has its stack grow as fmt does, to twice the size.
func formats(task *kettle.Task, c *stream.Conn) error {
	_ = fmt.Sprintf("%v %v", c.RemoteAddr(), task.Name())
	return upper(task, c)
}

// BenchmarkIdleConnections tells what a connection holds that has had one message:
//
//	go test -run - -bench Idle -benchtime 1x ./stream
func BenchmarkIdleConnections(b *testing.B) {
	for name, handler := range map[string]stream.Handler{"upper": upper, "formats": formats} {
		b.Run("handler="+name, func(b *testing.B) {
			testenv.NeedDescriptors(b, 19100)
			n := 9500
			if testing.Short() {
				n = 100
			}
			for b.Loop() {
				heap, stack := idle(b, handler, n)
				b.ReportMetric(float64(heap), "heap-B/conn")
				b.ReportMetric(float64(stack), "stack-B/conn")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
