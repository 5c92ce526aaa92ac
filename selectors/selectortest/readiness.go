//go:build unix

package selectortest

import (
	"errors"
	"syscall"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

const both = selectors.Read | selectors.Write

func readinessChecks() []check {
	return []check{
		{"OnlyTheReadyOne", onlyTheReadyOne},
		{"ReadAndWriteAtOnce", readAndWriteAtOnce},
		{"LevelTriggered", levelTriggered},
		{"FullBufferIsNotWritable", fullBufferIsNotWritable},
		{"HalfCloseIsRead", halfCloseIsRead},
		{"HangUpIsWhatWasAskedFor", hangUpIsWhatWasAskedFor},
		{"ResetIsWhatWasAskedFor", resetIsWhatWasAskedFor},
		{"RefusedConnectionIsWrite", refusedConnectionIsWrite},
		{"ListenerIsRead", listenerIsRead},
		{"PipeWithoutOtherEnd", pipeWithoutOtherEnd},
	}
}

// S22
func onlyTheReadyOne(f *fixture) {
	r, w := f.pair()
	f.watch(r, selectors.Read, "reader")
	want := f.watch(w, selectors.Write, "writer")
	n, err := f.sel.Select(selectors.Forever)
	if n != 1 || err != nil {
		f.Fatalf("Select: %d, %v", n, err)
	}
	for key, events := range f.sel.Ready() {
		if key != want || events != selectors.Write {
			f.Errorf("ready: %+v for %v, want %+v", key, events, want)
		}
	}
}

// S23
func readAndWriteAtOnce(f *fixture) {
	a, b := f.pair()
	f.watch(a, both, nil)
	f.expect("nothing was sent", a, selectors.Write)
	b.send("x")
	f.expect("something was sent", a, both)
}

func levelTriggered(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	b.send("two")
	for range 5 {
		f.expect("unread", a, selectors.Read)
	}
	var one [1]byte
	if _, err := sys.TryRecv(a.fd, one[:]); err != nil {
		f.Fatal(err)
	}
	f.expect("partly read", a, selectors.Read)
	a.drain()
	f.expect("read", a, 0)
	b.send("x")
	if got := f.find(selectors.Forever); got[a.fd] != selectors.Read {
		f.Errorf("sent again: ready: %v", got)
	}
}

func fullBufferIsNotWritable(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Write, nil)
	f.expect("empty", a, selectors.Write)
	sent := a.fill()
	f.expect("full", a, 0)
	if got := b.drain(); got != sent {
		f.Errorf("sent %d bytes, received %d", sent, got)
	}
	f.expect("empty again", a, selectors.Write)
}

// halfCloseIsRead: the other direction still works, so a full one is not writable.
func halfCloseIsRead(f *fixture) {
	a, b := f.pair()
	f.watch(a, both, nil)
	a.fill()
	if err := sys.Shutdown(b.fd, sys.ShutdownWrite); err != nil {
		f.Fatal(err)
	}
	for range 2 {
		f.expect("half-closed", a, selectors.Read)
		if got := a.receive(); got != "" {
			f.Errorf("received %q", got)
		}
	}
	b.drain()
	f.expect("half-closed, with room", a, both)
	a.send("answer")
	if got := b.receive(); got != "answer" {
		f.Errorf("the late answer is %q", got)
	}
}

// hangUpIsWhatWasAskedFor: the peer has closed, with our answers unread.
func hangUpIsWhatWasAskedFor(f *fixture) {
	for _, events := range []selectors.Events{selectors.Read, selectors.Write, both} {
		for _, network := range []func() (a, b *end){f.pair, f.tcp} {
			a, b := network()
			f.watch(a, events, nil)
			b.close()
			f.await("hung up", a, events)
			f.expect("hung up for good", a, events)
			f.unwatch(a)
			a.close()
		}
	}
}

// resetIsWhatWasAskedFor: a TCP connection with a full buffer, broken by the peer.
func resetIsWhatWasAskedFor(f *fixture) {
	for _, events := range []selectors.Events{selectors.Read, selectors.Write, both} {
		client, server := f.tcp()
		server.fill()
		f.watch(server, events, nil)
		if err := sys.Reset(client.fd); err != nil {
			f.Fatal(err)
		}
		client.fd = -1
		f.await("reset", server, events)
		f.expect("reset for good", server, events)
		if _, err := sys.TryRecv(server.fd, make([]byte, 1)); err != syscall.ECONNRESET {
			f.Errorf("receive after a reset: %v, want ECONNRESET", err)
		}
		f.unwatch(server)
	}
}

func refusedConnectionIsWrite(f *fixture) {
	listener, addr := f.listen()
	listener.close()
	fd, err := sys.Connect(addr)
	if err != nil {
		return // some systems refuse at once
	}
	e := &end{f, fd}
	defer e.close()
	f.watch(e, selectors.Write, nil)
	f.await("refused", e, selectors.Write)
	if err := sys.SocketError(fd); !errors.Is(err, syscall.ECONNREFUSED) {
		f.Errorf("the error of a refused connection is %v", err)
	}
}

func listenerIsRead(f *fixture) {
	listener, addr := f.listen()
	f.watch(listener, selectors.Read, nil)
	f.expect("nobody there", listener, 0)
	f.dial(addr)
	f.dial(addr)
	f.await("two there", listener, selectors.Read)
	f.accept(listener)
	f.await("one left", listener, selectors.Read)
	f.accept(listener)
	f.expect("nobody left", listener, 0)
}

// pipeWithoutOtherEnd: kinds of descriptors differ in what the kernel calls their end. A full
// pipe that nobody reads is an error, and not writable.
func pipeWithoutOtherEnd(f *fixture) {
	for _, reading := range []bool{true, false} {
		var p [2]int
		if err := syscall.Pipe(p[:]); err != nil {
			f.Fatal(err)
		}
		mine, other, events := &end{f, p[0]}, &end{f, p[1]}, selectors.Read
		if !reading {
			mine, other, events = other, mine, selectors.Write
			f.fillPipe(mine)
		}
		f.watch(mine, events, nil)
		f.expect("the other end is open", mine, 0)
		other.close()
		f.await("the other end is closed", mine, events)
		f.unwatch(mine)
		mine.close()
	}
}

func (f *fixture) fillPipe(e *end) {
	f.Helper()
	if err := sys.SetNonblock(e.fd, true); err != nil {
		f.Fatal(err)
	}
	for {
		_, err := syscall.Write(e.fd, make([]byte, 4096))
		if sys.WouldBlock(err) {
			return
		}
		if err != nil && err != syscall.EINTR {
			f.Fatalf("fill the pipe: %v", err)
		}
	}
}
