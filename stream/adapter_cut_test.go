package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// The group is cancelled when the loop has yet to take what was written, and cannot, as too much is
// pending. The peer must not take the part that it gets for the whole.
func TestConnOfGoroutinesThatIsCutDoesNotSeemWhole(t *testing.T) {
	const batch = 64 << 10
	err := kettle.Run(func(task *kettle.Task) error {
		here, there := stream.Pipe(task)
		defer there.Close()
		err := task.Group(func(g *kettle.Group) error {
			c := stream.NetConn(g, here)
			for here.Pending() <= batch {
				err := g.Blocking(func(context.Context) error { return writeAll(c, batch) })
				if err != nil {
					return err
				}
			}
			written := make(chan error)
			go func() { written <- writeAll(c, batch) }()
			if err := <-written; err != nil { // has the loop wait too
				return err
			}
			g.Cancel(nil)
			return nil
		})
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, there)
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after %d bytes the peer reads %v, want a reset", n, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func writeAll(c net.Conn, n int) error {
	_, err := c.Write(make([]byte, n))
	return err
}
