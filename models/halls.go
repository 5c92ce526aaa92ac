package models

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"sync"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// The service publish of the models on the library: protocol, streams and uring. The library keeps
// what is pending, and says when that is too much. Its Write takes all that it is given and never
// waits, so that who publishes asks first whether there is room.

// hall is a loop with its clients. What is published on one loop comes into the others by a post.
type hall struct {
	*server
	loop  *loop.Loop
	quiet kettle.Event // in a drain: no client has anything to say
	text  []byte       // what tell gives to all
	give  func(*transport.Transport)

	mu    sync.Mutex
	inbox []byte // lines from other loops, under mu
	spare []byte
}

// mostInbox is up to how many bytes a hall is given more from others: if it does not keep up, all
// of its clients miss the rest.
const mostInbox = 1 << 20

// hallKey is the key of a loop's hall.
type hallKey struct{}

// hallOf returns the hall of a loop. The first client opens it.
func (s *server) hallOf(l *loop.Loop) *hall {
	return l.Local(hallKey{}, func() any {
		h := &hall{server: s, loop: l}
		h.give = h.giveTo
		p := &s.publication
		p.opening.Lock()
		defer p.opening.Unlock()
		all := []*hall{h}
		if others := p.halls.Load(); others != nil {
			all = append(all, *others...)
		}
		p.halls.Store(&all)
		return h
	}).(*hall)
}

// publish gives lines to all clients of this loop, and to the other loops.
func (h *hall) publish(text []byte) {
	// The others first: who sees its line come back knows that all get it who were there then.
	for _, other := range *h.publication.halls.Load() {
		if other != h {
			other.post(text)
		}
	}
	h.tell(text)
}

// tell gives lines to all clients of this loop. That one is lost its protocol or task is told.
func (h *hall) tell(text []byte) {
	h.text = text
	transport.Each(h.loop, h.give)
}

// giveTo gives what is to be told to a client, unless too much is pending for it.
func (h *hall) giveTo(t *transport.Transport) {
	switch {
	case t.Closing():
	case t.Full():
		h.miss(func() netip.AddrPort { return addressOf(t) }, h.text)
	default:
		_ = t.Write(h.text)
	}
}

// heard says that a client of this loop has nothing more to say. In a drain that of the last one,
// on whatever loop, ends all: each when it has got what was published before.
func (h *hall) heard() {
	if p := &h.publication; p.talking.Add(-1) == 0 && h.draining() {
		for _, each := range *p.halls.Load() {
			_ = each.loop.Post(each.close) // one that has ended has no clients
		}
	}
}

// close has all clients of this loop leave.
func (h *hall) close() {
	h.quiet.Set()
	transport.Each(h.loop, func(t *transport.Transport) {
		if _, departs := t.Protocol().(departing); departs {
			t.Close()
		}
	})
}

// post leaves lines for another loop. It is called on any.
func (h *hall) post(text []byte) {
	h.mu.Lock()
	first, room := len(h.inbox) == 0, len(h.inbox) <= mostInbox
	if room {
		h.inbox = append(h.inbox, text...)
	}
	h.mu.Unlock()
	switch {
	case !room:
		h.publication.missed.Add(int64(bytes.Count(text, []byte{'\n'})))
	case first:
		_ = h.loop.PostRunner(h) // one that has ended has no clients
	}
}

// Run is called by the loop when something was left for it.
func (h *hall) Run() {
	h.mu.Lock()
	text := h.inbox
	h.inbox, h.spare = h.spare[:0], nil
	h.mu.Unlock()
	h.tell(text)
	h.spare = text
}

// subscriber is the protocol of a client, which has one of its own for the beginning of its line.
type subscriber struct {
	*answers
	hall  *hall
	in    lines
	heard bool  // it has nothing more to say
	why   error // it was disconnected
}

// client returns the protocol of a new client.
func (a *answers) client() transport.Protocol {
	if a.service.toAll {
		return &subscriber{answers: a, hall: a.hallOf(a.loop)}
	}
	return a
}

// Made is called when a client has been accepted.
func (s *subscriber) Made(t *transport.Transport) {
	s.publication.talking.Add(1)
	s.answers.Made(t)
}

// Data is called with what the client has sent.
func (s *subscriber) Data(t *transport.Transport, chunk []byte) {
	s.asked(t, chunk)
	s.compute(chunk)
	s.computed(t)
	if s.why = s.in.cut(chunk, s.hall.publish); s.why != nil {
		t.Abort()
	}
}

// PauseWriting is called when too much is pending, which is no reason not to listen to the client.
func (s *subscriber) PauseWriting(*transport.Transport) {}

// ResumeWriting is called when there is room again.
func (s *subscriber) ResumeWriting(*transport.Transport) {}

// Lost is called when the connection has ended.
func (s *subscriber) Lost(t *transport.Transport, why error) {
	s.finish()
	s.answers.Lost(t, errors.Join(why, s.why))
}

// finish notes that the client has nothing more to say.
func (s *subscriber) finish() {
	if !s.heard {
		s.heard = true
		s.hall.heard()
	}
}

// departing is the protocol of a client in a drain: rest, of another service.
type departing struct{ *subscriber }

// Readable receives once, and again when others have had their turn, until there is nothing more.
// Then the client stays until that is so of all.
func (d departing) Readable(t *transport.Transport) {
	if d.heard || !t.Reading() {
		return
	}
	t.Recheck()
	chunk, err := t.Receive(0)
	switch {
	case transport.WouldBlock(err) && t.Underway(): // on a ring: it is called again
	case err != nil:
		d.finish()
	default:
		d.Data(t, chunk)
		d.loop.Soon(func() { d.Readable(t) })
	}
}

// clientCode returns the code of a client for a task.
func (s *server) clientCode() stream.Handler {
	if s.service.toAll {
		return s.attendSubscriber
	}
	return s.attend
}

// attendSubscriber is the code of a client for a task: attend, of another service.
func (s *server) attendSubscriber(t *kettle.Task, c *stream.Conn) error {
	s.came(c)
	hall := s.hallOf(t.EventLoop())
	s.publication.talking.Add(1)
	err := s.listenTo(c, hall)
	hall.heard()
	if errors.Is(err, io.EOF) { // the client has finished
		err = nil
		if t.Draining() {
			err = hall.quiet.Wait(t)
		}
	}
	s.went(c, err)
	if errors.Is(err, errLongLine) { // which is no more than said
		c.Abort()
		err = nil
	}
	return err
}

// listenTo publishes what a client sends, until it has finished or is lost.
func (s *server) listenTo(c *stream.Conn, hall *hall) error {
	var in lines
	for {
		chunk, err := c.Next()
		if err != nil {
			return err
		}
		s.asked(c, chunk)
		s.compute(chunk)
		s.computed(c)
		if err := in.cut(chunk, hall.publish); err != nil {
			return err
		}
	}
}
