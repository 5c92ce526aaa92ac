//go:build unix

package selectortest

import (
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

func fileChecks() []check {
	return []check{
		{"WhatIsNoDescriptor", whatIsNoDescriptor},
		{"DescriptorThatIsNotOpen", descriptorThatIsNotOpen},
		{"UnregisterAfterClose", unregisterAfterClose},
		{"UnregisterAfterReuse", unregisterAfterReuse},
		{"UnregisterClosedFile", unregisterClosedFile},
		{"UnregisterClosedConnection", unregisterClosedConnection},
		{"FileStaysNonBlocking", fileStaysNonBlocking},
		{"RegularFile", regularFile},
		{"ClosedBeforeUnregistered", closedBeforeUnregistered},
		{"ClosedAfterUnregistered", closedAfterUnregistered},
	}
}

// stranger has a descriptor, and cannot be compared: == on it panics.
type stranger struct {
	fd      int
	luggage any
}

func (s stranger) FD() int { return s.fd }

// S3: a negative descriptor. And whatever has none at all.
func whatIsNoDescriptor(f *fixture) {
	closed, err := os.Open(os.DevNull)
	if err != nil {
		f.Fatal(err)
	}
	closed.Close()
	for _, file := range []any{
		-10, -1, math.MinInt, math.MaxInt, nil, "0", 1.5, uint(0), []int{0},
		struct{ FD int }{}, &end{f, -1}, stranger{-1, []int{}}, closed, (*os.File)(nil),
	} {
		_, err := f.sel.Register(file, selectors.Read, nil)
		f.wantError("register", err, selectors.ErrInvalidFD, os.ErrInvalid)
		_, err = f.sel.Unregister(file)
		f.wantError("unregister", err, selectors.ErrNotRegistered)
	}
	a, _ := f.pair()
	f.watch(stranger{a.fd, []int{}}, selectors.Read, nil)
	_, err = f.sel.Unregister(stranger{-1, []int{}}) // compared with the other by mistake?
	f.wantError("unregister", err, selectors.ErrNotRegistered)
}

// S34: EBADF, nothing registered, and a huge number costs no memory. Poll and select learn
// it from a question of their own.
func descriptorThatIsNotOpen(f *fixture) {
	a, _ := f.pair()
	fd := a.fd
	a.close()
	for _, number := range []int{fd, 999_999, 1<<30 - 1} {
		_, err := f.sel.Register(number, selectors.Read, nil)
		if f.sel.Name() == "select" && number >= sys.FDSetSize {
			f.wantError("register", err, selectors.ErrTooLarge, os.ErrInvalid)
		} else {
			f.wantError("register", err, syscall.EBADF)
		}
	}
	if f.sel.Len() != 0 {
		f.Errorf("Len is %d, want 0", f.sel.Len())
	}
	b, _ := f.replace(fd)
	f.watch(b, selectors.Write, nil)
	f.expect("registered at last", b, selectors.Write)
}

// S8
func unregisterAfterClose(f *fixture) {
	a, b := f.pair()
	fd := a.fd
	f.watch(fd, selectors.Read, nil)
	f.watch(b, selectors.Read|selectors.Write, nil)
	a.close()
	b.close()
	f.unwatch(fd)
	f.unwatch(b)
	if got := f.find(0); len(got) != 0 || f.sel.Len() != 0 {
		f.Errorf("ready: %v, Len is %d", got, f.sel.Len())
	}
}

// S9: nothing of the socket that has the number now is touched.
func unregisterAfterReuse(f *fixture) {
	a, _ := f.pair()
	fd := a.fd
	f.watch(fd, selectors.Read|selectors.Write, nil)
	a.close()
	other, peer := f.replace(fd)
	f.unwatch(fd)
	peer.send("for the other")
	if got := f.find(0); len(got) != 0 {
		f.Errorf("ready: %v, and nothing is registered", got)
	}
	f.watch(other, selectors.Read, "other")
	f.expect("the new owner", other, selectors.Read)
}

// S10: a file of package os, whose descriptor nobody can ask for any more.
func unregisterClosedFile(f *fixture) {
	r, w, err := os.Pipe()
	if err != nil {
		f.Fatal(err)
	}
	defer w.Close()
	f.watch(r, selectors.Read, "data")
	f.watch(w, selectors.Write, nil)
	r.Close()
	if key, err := f.sel.Key(r); err != nil || key.Data != "data" {
		f.Errorf("key of a closed file: %+v, %v", key, err)
	}
	if key, err := f.sel.Unregister(r); err != nil || key.File != any(r) || key.Data != "data" {
		f.Errorf("unregister a closed file: %+v, %v", key, err)
	}
	_, err = f.sel.Unregister(r)
	f.wantError("unregister", err, selectors.ErrNotRegistered)
	f.unwatch(w)
}

// S10: a connection of one's own, which says -1 when it is closed.
func unregisterClosedConnection(f *fixture) {
	a, b := f.pair()
	f.watch(b, selectors.Read, "b")
	f.watch(a, selectors.Read, "a")
	a.close()
	if key, err := f.sel.Unregister(a); err != nil || key.Data != "a" {
		f.Errorf("unregister a closed connection: %+v, %v", key, err)
	}
	if f.sel.Len() != 1 {
		f.Errorf("Len is %d, want 1", f.sel.Len())
	}
}

// fileStaysNonBlocking: asking an *os.File for its descriptor by Fd would block it.
func fileStaysNonBlocking(f *fixture) {
	r, w, err := os.Pipe()
	if err != nil {
		f.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	key := f.watch(r, selectors.Read, nil)
	if _, err := sys.Recv(key.FD, make([]byte, 1)); !sys.WouldBlock(err) {
		f.Errorf("an empty pipe: %v, want EAGAIN", err)
	}
}

// S33: epoll refuses a regular file; to the others it is always ready.
func regularFile(f *fixture) {
	file, err := os.Create(filepath.Join(f.TempDir(), "regular"))
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	_, err = f.sel.Register(file, selectors.Read|selectors.Write, nil)
	switch f.sel.Name() {
	case "epoll":
		f.wantError("register", err, syscall.EPERM, os.ErrPermission)
		if _, err := f.sel.Key(file); f.sel.Len() != 0 || err == nil {
			f.Errorf("a refused file is registered: Len is %d", f.sel.Len())
		}
	case "io_uring", "poll", "select":
		if got := f.find(selectors.Forever); err != nil || len(got) != 1 {
			f.Errorf("a regular file: %v, ready: %v", err, got)
		}
	}
}

// S36: the selector has let go of it, so that the peer is told at once.
func closedAfterUnregistered(f *fixture) {
	for _, network := range []func() (a, b *end){f.pair, f.tcp} {
		a, b := network()
		f.watch(a, selectors.Read, nil)
		f.expect("nothing was sent", a, 0)
		f.unwatch(a)
		a.close()
		other := f.another()
		if _, err := other.Register(b, selectors.Read, nil); err != nil {
			f.Fatal(err)
		}
		if n, err := other.Select(10 * time.Second); n != 1 || err != nil {
			f.Errorf("after 10 s: %d, %v; the peer is not told of the end", n, err)
		}
	}
}

// closedBeforeUnregistered: epoll and kqueue forget it; poll and select report it, for all
// that it was watched for, and do not forget the others because of it.
func closedBeforeUnregistered(f *fixture) {
	gone, _ := f.pair()
	well, peer := f.pair()
	fd := gone.fd
	f.watch(gone, selectors.Read|selectors.Write, nil)
	f.watch(well, selectors.Read, nil)
	gone.close()
	peer.send("x")
	for range 3 {
		got := f.find(selectors.Forever)
		if got[well.fd] != selectors.Read {
			f.Fatalf("a broken registration hides another: ready: %v", got)
		}
		want := selectors.Read | selectors.Write
		if _, hasOwn := f.sel.FD(); hasOwn {
			want = 0
		}
		if got[fd] != want {
			f.Fatalf("closed, but registered: ready for %v, want %v", got[fd], want)
		}
	}
	if err := f.sel.Wake(); err != nil {
		f.Fatal(err)
	}
	f.unwatch(fd)
	f.expect("unregistered", well, selectors.Read)
}
