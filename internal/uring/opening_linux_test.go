package uring_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/uring"
)

func refuse(errno syscall.Errno) func(uint32) syscall.Errno {
	return func(uint32) syscall.Errno { return errno }
}

// refuseOne refuses one registration.
func refuseOne(op uint32, errno syscall.Errno) func(uint32) syscall.Errno {
	return func(got uint32) syscall.Errno {
		if got == op {
			return errno
		}
		return 0
	}
}

// TestRingThatCannotBeSaysWhy, and leaves nothing open.
func TestRingThatCannotBeSaysWhy(t *testing.T) {
	testenv.Need(t, testenv.Rings)
	for name, c := range map[string]struct {
		hooks       uring.Hooks
		unsupported bool
		errno       error
		says        string
	}{
		"no io_uring": {uring.Hooks{Setup: refuse(syscall.ENOSYS)}, true, syscall.ENOSYS,
			"io_uring_setup"},
		"forbidden": {uring.Hooks{Setup: refuse(syscall.EPERM)}, true, syscall.EPERM,
			"io_uring_setup"},
		"forbidden otherwise": {uring.Hooks{Setup: refuse(syscall.EACCES)}, true, syscall.EACCES,
			"io_uring_setup"},
		"old": {uring.Hooks{Setup: refuse(syscall.EINVAL)}, true, syscall.EINVAL, "older than"},
		"no descriptors": {uring.Hooks{Setup: refuse(syscall.EMFILE)}, false, syscall.EMFILE,
			"io_uring_setup"},
		"no memory": {uring.Hooks{Setup: refuse(syscall.ENOMEM)}, false, syscall.ENOMEM,
			"io_uring_setup"},
		"drops completions": {uring.Hooks{Features: func(f uint32) uint32 { return f &^ 2 }}, true,
			nil, "features 0x2"},
		"no probe": {uring.Hooks{Register: refuseOne(uring.RegisterProbe, syscall.EINVAL)}, true,
			syscall.EINVAL, "probe"},
		"no send": {uring.Hooks{Probe: func(op int) bool { return op != uring.KernelSend }}, true,
			nil, "operation 26"},
		"no rings of buffers": {
			uring.Hooks{Register: refuseOne(uring.RegisterBuffers, syscall.EINVAL)}, true,
			syscall.EINVAL, "ring of buffers"},
		"no memory for buffers": {
			uring.Hooks{Register: refuseOne(uring.RegisterBuffers, syscall.ENOMEM)}, false,
			syscall.ENOMEM, "ring of buffers"},
	} {
		before := descriptors(t)
		r, err := uring.OpenOn(uring.Config{}, &c.hooks)
		if r != nil || err == nil {
			t.Fatalf("%s: there is a ring", name)
		}
		if errors.Is(err, uring.ErrUnsupported) != c.unsupported {
			t.Errorf("%s: %v, which is ErrUnsupported: %v", name, err, !c.unsupported)
		}
		if c.errno != nil && !errors.Is(err, c.errno) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %q, want %v and %q", name, err, c.errno, c.says)
		}
		if after := descriptors(t); after != before {
			t.Errorf("%s: %d descriptors were open, and %d are", name, before, after)
		}
	}
}

// descriptors returns how many are open.
func descriptors(t testing.TB) int {
	t.Helper()
	testenv.Need(t, testenv.Proc)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// mappings returns how many pieces of memory the process has mapped.
func mappings(t testing.TB) int {
	t.Helper()
	testenv.Need(t, testenv.Proc)
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "io_uring")
}

func TestOpenAndCloseLeaveNothing(t *testing.T) {
	testenv.Need(t, testenv.Rings)
	fds, maps := descriptors(t), mappings(t)
	for range 50 {
		r, err := uring.Open(uring.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if mappings(t) <= maps {
			t.Fatal("the test does not see the ring's memory")
		}
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if after := descriptors(t); after != fds {
		t.Errorf("%d descriptors were open, and %d are", fds, after)
	}
	if after := mappings(t); after != maps {
		t.Errorf("there were %d mappings, and there are %d", maps, after)
	}
}

func TestAbsurdSizesAreLimited(t *testing.T) {
	for _, n := range []int{-1, 1, 3, 1 << 30} {
		r := open(t, uring.Config{Entries: n, Completions: max(n, 1), Buffers: n})
		a, b := pair(t)
		c := &client{}
		r.Receive(a, c)
		send(t, b, []byte("x"))
		drive(t, r, "a byte comes", func() bool { return len(c.bytes) == 1 })
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// hooked returns a ring with hooks.
func hooked(t testing.TB, c uring.Config, h *uring.Hooks) *uring.Ring {
	t.Helper()
	testenv.Need(t, testenv.Rings)
	r, err := uring.OpenOn(c, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestWithoutMultishotReceive: the client sees no difference.
func TestWithoutMultishotReceive(t *testing.T) {
	h := &uring.Hooks{Probe: func(op int) bool { return op != uring.KernelSendZC }}
	var receives, multishot int
	h.Submit = func(op uint8, _ int32, prio uint16) {
		if op == uring.KernelRecv {
			receives++
			if prio&uring.RecvMultishot != 0 {
				multishot++
			}
		}
	}
	r := hooked(t, uring.Config{}, h)
	if lacks := r.Lacks(); len(lacks) != 1 || !strings.Contains(lacks[0], "multishot receive") {
		t.Errorf("the ring says that it lacks %q", lacks)
	}
	a, b := connection(t)
	c := &client{}
	r.Receive(a, c)
	for i := range 5 {
		send(t, b, []byte("x"))
		drive(t, r, "a byte comes", func() bool { return len(c.bytes) == i+1 })
		want(t, c, uring.OpReceive, nil, 1, true)
	}
	r.Cancel(c.last().Request)
	drive(t, r, "the end comes", func() bool { return c.ended == 1 })
	want(t, c, uring.OpReceive, syscall.ECANCELED, 0, false)
	if multishot != 0 || receives != 6 {
		t.Errorf("%d receives were submitted, %d of them multishot, want 6, 0", receives, multishot)
	}
	// What has come when it is cancelled is told, and is the last.
	last := &client{}
	q := r.Receive(a, last)
	settle(t, r)
	send(t, b, []byte("x"))
	for !r.Ready() {
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
	}
	r.Cancel(q)
	drive(t, r, "the end comes", func() bool { return last.ended == 1 })
	want(t, last, uring.OpReceive, nil, 1, false)
}
