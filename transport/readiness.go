package transport

import (
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// readiness is the driver on any selector: the loop watches the socket, and the socket itself is
// what has come and what has room.
type readiness struct{ loop *loop.Loop }

func (readiness) recv(t *Transport, p []byte) (int, error) { return sys.TryRecv(int(t.fd), p) }
func (readiness) send(t *Transport, p []byte) (int, error) { return sys.TrySend(int(t.fd), p) }

func (d readiness) watch(t *Transport, event selectors.Events) error {
	if event == selectors.Read {
		return d.loop.Watch(int(t.fd), event, (*reader)(t))
	}
	return d.loop.Watch(int(t.fd), event, (*writer)(t))
}

func (d readiness) unwatch(t *Transport, events selectors.Events) {
	switch events {
	case selectors.Read:
		d.loop.StopReading(int(t.fd))
	case selectors.Write:
		d.loop.StopWriting(int(t.fd))
	default:
		d.loop.Unwatch(int(t.fd))
	}
}

func (readiness) end(t *Transport, how ending) error {
	switch {
	case how == sending:
		return sys.Shutdown(int(t.fd), sys.ShutdownWrite)
	case how == cut && !t.is(unix):
		return sys.Reset(int(t.fd))
	}
	return sys.Close(int(t.fd))
}

func (readiness) unsent(t *Transport) bool { return unacknowledged(t) }

// unacknowledged reports whether the peer's system has yet to acknowledge something. On a unix
// socket there is no such gap.
func unacknowledged(t *Transport) bool {
	if t.is(unix) {
		return false
	}
	n, err := sys.Unsent(int(t.fd))
	return err != nil || n > 0
}
