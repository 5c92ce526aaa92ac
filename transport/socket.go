package transport

import (
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// What a transport asks of what is below it: a socket, or the memory that stands for one. Nothing
// here waits. The errors are bare errnos.

func (t *Transport) recv(p []byte) (int, error) {
	if t.fd < 0 {
		return t.seldom.link.recv(p)
	}
	return sys.TryRecv(int(t.fd), p)
}

func (t *Transport) send(p []byte) (int, error) {
	if t.fd < 0 {
		return t.seldom.link.send(p)
	}
	return sys.TrySend(int(t.fd), p)
}

func (t *Transport) sendv(bufs [][]byte) (int, error) {
	if t.fd < 0 {
		return t.seldom.link.sendv(bufs)
	}
	return sys.TrySendv(int(t.fd), bufs)
}

func (t *Transport) shutdown() error {
	if t.fd < 0 {
		t.seldom.link.shutdown()
		return nil
	}
	return sys.Shutdown(int(t.fd), sys.ShutdownWrite)
}

// release closes the descriptor. With reset the peer is told that something is missing.
func (t *Transport) release(reset bool) {
	switch {
	case t.fd < 0:
		t.seldom.link.close(reset)
		return
	case reset && !t.is(unix):
		_ = sys.Reset(int(t.fd))
	default:
		_ = sys.Close(int(t.fd))
	}
	t.fd = -1
}

// arm has the loop watch for an event. If it cannot, the connection ends.
func (t *Transport) arm(event selectors.Events, armed flags) error {
	var err error
	switch {
	case t.fd < 0:
		t.seldom.link.watch(event)
	case event == selectors.Read:
		err = t.station.loop.Watch(int(t.fd), event, (*reader)(t))
	default:
		err = t.station.loop.Watch(int(t.fd), event, (*writer)(t))
	}
	if err != nil {
		t.clear(readArmed | writeArmed) // the loop watches it for nothing any more
		t.end(err)
		return err
	}
	t.set(armed)
	return nil
}

func (t *Transport) unwatch(event selectors.Events) {
	switch l := t.station.loop; {
	case t.fd < 0:
		t.seldom.link.unwatch(event)
	case event == selectors.Read|selectors.Write:
		l.Unwatch(int(t.fd))
	case event == selectors.Read:
		l.StopReading(int(t.fd))
	default:
		l.StopWriting(int(t.fd))
	}
}

var (
	_ loop.Runner = (*reader)(nil)
	_ loop.Runner = (*writer)(nil)
)
