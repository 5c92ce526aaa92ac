package uring_test

import (
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// TestPollOfHalfClosedWaitsForRoom: that the peer has ended its side is no room to send. The kernel
// says so all the same, and who asked again each time would turn in circles.
func TestPollOfHalfClosedWaitsForRoom(t *testing.T) {
	for name, connect := range map[string]func(testing.TB) (int, int){
		"unix": pair, "tcp": connection,
	} {
		t.Run(name, func(t *testing.T) {
			polls := 0
			h := &uring.Hooks{Submit: func(op uint8, _ int32, _ uint16) {
				if op == uring.KernelPoll {
					polls++
				}
			}}
			r := hooked(t, uring.Config{}, h)
			a, b := connect(t)
			fill(t, a)
			if err := sys.Shutdown(b, sys.ShutdownWrite); err != nil {
				t.Fatal(err)
			}
			c, cancelled := &client{}, &client{}
			r.Poll(a, false, true, c)
			q := r.Poll(a, false, true, cancelled)
			settle(t, r)
			if len(c.all) != 0 || polls > 4 {
				t.Fatalf("there is no room, and it is told %+v, after %d polls", c.all, polls)
			}
			r.Cancel(q)
			drive(t, r, "the end comes", func() bool { return cancelled.ended == 1 })
			want(t, cancelled, uring.OpPoll, syscall.ECANCELED, 0, false)
			for room := false; !room; room = len(c.all) > 0 {
				for len(tryReceive(t, b)) > 0 {
				}
				settle(t, r)
			}
			want(t, c, uring.OpPoll, nil, sys.PollOut, false)
			settle(t, r)
			if len(c.all) != 1 || r.Live() != 0 {
				t.Errorf("it was told %+v, and %d requests are left", c.all, r.Live())
			}
		})
	}
}

// fill sends until the kernel takes nothing more.
func fill(t *testing.T, fd int) {
	t.Helper()
	for {
		_, err := sys.TrySend(fd, make([]byte, 64<<10))
		if sys.WouldBlock(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
