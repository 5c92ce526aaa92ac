package sys_test

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

func TestTimesOfKeepAliveAreRoundedUp(t *testing.T) {
	client, _ := connection(t, true)
	check := func(idle, interval, count int) {
		t.Helper()
		for name, want := range map[int]int{unix.TCP_KEEPIDLE: idle,
			unix.TCP_KEEPINTVL: interval, unix.TCP_KEEPCNT: count} {
			if got := option(t, client, unix.IPPROTO_TCP, name); got != want {
				t.Errorf("option %d is %d, want %d", name, got, want)
			}
		}
	}
	if err := sys.SetKeepAlive(client, 1, 2001*time.Millisecond, 4); err != nil {
		t.Error(err)
	}
	check(1, 3, 4)
	if err := sys.SetKeepAlive(client, 7*time.Second, 0, 0); err != nil {
		t.Error(err)
	}
	check(7, 3, 4)
	wantErrno(t, sys.SetKeepAlive(client, 1<<62, 0, 0), "setsockopt TCP_KEEPIDLE",
		syscall.EINVAL)
}
