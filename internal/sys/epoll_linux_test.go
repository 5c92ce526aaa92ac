package sys_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

func TestTokenComesBackWhole(t *testing.T) {
	_, server := connection(t, true)
	epfd, err := sys.EpollCreate()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, epfd)
	events := make([]sys.EpollEvent, 4)
	op := sys.EpollAdd
	for _, token := range []uint64{0, 1, 1<<31 + 1, 1 << 32, 1<<63 + 1<<31, 1<<64 - 1} {
		if err := sys.EpollCtl(epfd, op, server, sys.EpollOut, token); err != nil {
			t.Fatal(err)
		}
		op = sys.EpollMod
		for name, wait := range map[string]func() (int, error){
			"EpollTryWait": func() (int, error) { return sys.EpollTryWait(epfd, events) },
			"EpollWait":    func() (int, error) { return sys.EpollWait(epfd, events, time.Hour) },
		} {
			n, err := wait()
			if n != 1 || err != nil || events[0].Events != sys.EpollOut {
				t.Fatalf("%s: %d, %v, %+v", name, n, err, events[0])
			}
			if got := sys.Token(&events[0]); got != token {
				t.Errorf("%s: the token %#x came back as %#x", name, token, got)
			}
		}
	}
	if err := sys.EpollCtl(epfd, sys.EpollDel, server, 0, 0); err != nil {
		t.Error(err)
	}
}

// A time-out that is misread, as where its fields are of another size, may last for ages.
func TestEpollWaitKeepsItsTimeout(t *testing.T) {
	epfd, err := sys.EpollCreate()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, epfd)
	events := make([]sys.EpollEvent, 1)
	for _, timeout := range []time.Duration{0, 1, 1500 * time.Microsecond,
		1100 * time.Millisecond} {
		start := time.Now()
		n, err := sys.EpollWait(epfd, events, timeout)
		took := time.Since(start)
		if n != 0 || err != nil || took < timeout || took > timeout+10*time.Second {
			t.Errorf("EpollWait(%v): %d, %v after %v", timeout, n, err, took)
		}
	}
}

func TestEpollRefusals(t *testing.T) {
	_, server := connection(t, true)
	epfd, err := sys.EpollCreate()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, epfd)
	file, err := os.Create(filepath.Join(t.TempDir(), "regular"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ctl := func(op sys.EpollOp, fd int, errno syscall.Errno) {
		t.Helper()
		wantErrno(t, sys.EpollCtl(epfd, op, fd, sys.EpollIn, 0), "epoll_ctl", errno)
	}
	ctl(sys.EpollAdd, -1, syscall.EBADF)
	ctl(sys.EpollAdd, int(file.Fd()), syscall.EPERM)
	ctl(sys.EpollMod, server, syscall.ENOENT)
	ctl(sys.EpollDel, server, syscall.ENOENT)
	ctl(sys.EpollAdd, epfd, syscall.EINVAL)
	if err := sys.EpollCtl(epfd, sys.EpollAdd, server, sys.EpollIn, 0); err != nil {
		t.Fatal(err)
	}
	ctl(sys.EpollAdd, server, syscall.EEXIST)
	events := make([]sys.EpollEvent, 1)
	_, err = sys.EpollTryWait(server, events)
	wantErrno(t, err, "epoll_wait", syscall.EINVAL)
	_, err = sys.EpollWait(-1, events, 0)
	wantErrno(t, err, "epoll_wait", syscall.EBADF)
}
