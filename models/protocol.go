package models

import (
	"bytes"
	"net"
	"net/netip"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/transport"
)

// Protocol: callbacks again, but of a connection and not of a descriptor.
//
//	kernel   ready: 1, 5 ──▶ transport   receives, sends, keeps what is not sent
//	                             │
//	                             ├─ Made, Data, EOF, Lost ──▶ the protocol: one method for each
//	                             └◀─ Write, Close ─────────┘
//
// The callbacks of the selectors model are told that something is ready, and have it all to do:
// receive, send, remember what was not sent, watch for writing instead of reading, notice the end.
// That is the same in every program. Here a library does it, and says what a program wants to hear:
// these bytes have come, the client has finished, the connection is lost. What is left to write is
// what the program is about.
//
// Good for: what selectors is good for, without its mistakes to make. It is the cheapest form that
// the library has: an idle client costs a few hundred bytes. Its price is that of all callbacks:
// what comes in sequence is written in pieces, and none of them may wait.
func protocol() Model {
	return Model{
		Name:        "protocol",
		Summary:     "callbacks of a connection: bytes have come, the client has finished",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread, or one for each of --loops",
		Waits:       "the library's loop, in epoll or kqueue, for all",
		Limits:      "one CPU for each loop; code cut into callbacks, none of which may wait",
		Section:     "4.11",
		Backends:    true,
		Loops:       true,
		publishes:   true,
		files:       []string{"protocol.go", "loops.go"},
		serve:       func(s *server) error { return s.watched(s.serveProtocol) },
	}
}

// answers is the protocol of all clients of a loop. What is true of one client is in its transport,
// but for what count has yet to answer, so one value serves them all.
type answers struct {
	transport.Base
	*server
	loop       *loop.Loop
	listener   *transport.Listener
	reply      reply
	unanswered map[*transport.Transport][]byte // of clients to whom too much is pending
}

// Made is called when a client has been accepted. The loop ends when nobody holds it any more.
func (a *answers) Made(t *transport.Transport) {
	a.loop.Hold(1)
	a.came(t)
}

// Data is called with what the client has sent.
func (a *answers) Data(t *transport.Transport, chunk []byte) {
	a.asked(t, chunk)
	a.compute(chunk)
	a.computed(t)
	if a.Wait == 0 {
		a.answer(t, chunk)
		a.wrote(t, len(chunk))
		return
	}
	t.PauseReading()
	held := bytes.Clone(chunk) // the buffer is the next client's
	a.loop.After(a.Wait, func() {
		a.slept(t)
		more := a.answer(t, held)
		a.wrote(t, len(held))
		if more {
			t.Protocol().ResumeWriting(t) // which goes on to read
		}
	})
}

// answer answers a chunk, and reports whether that was all. Write keeps what the kernel does not
// take; when that becomes too much, the rest of the chunk waits, and Base reads no more from the
// client until it is less.
func (a *answers) answer(t *transport.Transport, chunk []byte) (all bool) {
	for len(chunk) > 0 && !t.Full() {
		var answer []byte
		answer, chunk = a.reply(chunk)
		if t.Write(answer) != nil { // what is wrong with it is told to Lost
			return false
		}
	}
	if len(chunk) > 0 {
		a.unanswered[t] = bytes.Clone(chunk)
	}
	return !t.Full()
}

// ResumeWriting is called when there is room again.
func (a *answers) ResumeWriting(t *transport.Transport) {
	if a.goOn(t) {
		t.ResumeReading()
	}
}

// goOn answers what is left of a chunk, and reports whether the client may be read from again.
func (a *answers) goOn(t *transport.Transport) bool {
	chunk := a.unanswered[t]
	delete(a.unanswered, t)
	return a.answer(t, chunk)
}

// Lost is called when the connection has ended. That the client has finished is Base's affair: it
// closes, which sends first what is pending.
func (a *answers) Lost(t *transport.Transport, why error) {
	delete(a.unanswered, t)
	a.went(t, why)
	a.loop.Hold(-1)
}

// eventLoop returns the loop.
func (a *answers) eventLoop() *loop.Loop { return a.loop }

// drain stops accepting, and has every client asked for what is left of it.
func (a *answers) drain() {
	a.listener.Close()
	transport.Each(a.loop, func(t *transport.Transport) {
		switch p := t.Protocol().(type) {
		case *answers:
			t.SetProtocol(rest{p})
			rest{p}.Readable(t)
		case *subscriber:
			t.SetProtocol(departing{p})
			departing{p}.Readable(t)
		}
	})
	a.loop.End()
}

// drop ends every client that the drain has not finished with.
func (a *answers) drop() {
	a.drain()
	transport.Each(a.loop, (*transport.Transport).Abort)
}

// rest is the protocol of a client in a drain. It is not told of what arrives but asks for it, as
// no event tells that nothing has: then the client is done.
type rest struct{ *answers }

// Readable receives once, and again when others have had their turn, until there is nothing more. A
// client whose answers wait is asked when they do not any more.
func (r rest) Readable(t *transport.Transport) {
	if !t.Reading() {
		return
	}
	t.Recheck()
	chunk, err := t.Receive(0)
	if transport.WouldBlock(err) && t.Underway() {
		return // on a ring it is called again when it is known whether there is something
	}
	if err != nil {
		t.Close()
		return
	}
	r.Data(t, chunk)
	r.loop.Soon(func() { r.Readable(t) })
}

// ResumeWriting is called when there is room again.
func (r rest) ResumeWriting(t *transport.Transport) {
	if r.goOn(t) {
		t.ResumeReading()
		r.Readable(t)
	}
}

// serveProtocol makes the loops, each with its own listener on the port, and runs them until the
// server has drained.
func (s *server) serveProtocol() error {
	addrs, err := s.addresses()
	if err != nil {
		return err
	}
	var all []*answers
	defer func() {
		for _, a := range all {
			_ = a.loop.Close() // which frees what is left
		}
	}()
	config := s.listening()
	for range s.loops() {
		l, err := s.newLoop()
		if err != nil {
			return err
		}
		a := &answers{server: s, loop: l, reply: s.newReply(),
			unanswered: make(map[*transport.Transport][]byte)}
		all = append(all, a)
		if err := a.listen(addrs, config); err != nil {
			return err
		}
		addrs = []netip.AddrPort{a.listener.Addr().(*net.TCPAddr).AddrPort()} // with its real port
	}
	if s.Ready != nil {
		s.Ready(all[0].listener.Addr())
	}
	return runAll(s, all)
}

// listen listens on the first of the addresses on which it can.
func (a *answers) listen(addrs []netip.AddrPort, config transport.ListenConfig) (err error) {
	for _, addr := range addrs {
		a.listener, err = transport.Listen(a.loop, net.TCPAddrFromAddrPort(addr), config)
		if err == nil {
			return a.listener.Serve(a.client)
		}
	}
	return err
}
