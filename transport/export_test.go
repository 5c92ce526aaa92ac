package transport

import (
	"github.com/kettle-go/kettle/internal/uring"
	"github.com/kettle-go/kettle/loop"
)

// Held returns how much the driver has received that the transport has not taken.
func (t *Transport) Held() int {
	if t.line == nil {
		return 0
	}
	return t.line.held()
}

// Sending reports whether the driver has what is yet to be sent.
func (t *Transport) Sending() bool { return t.busy() }

// Ask requests something of the ring that tells nobody.
func (t *Transport) Ask() { t.line.driver.ring.Poll(int(t.fd), false, true, nobody{}) }

type nobody struct{}

func (nobody) Completed(uring.Completion) {}

// MostHeld is the bound of Held that is promised where no more than 32 connections receive.
const MostHeld = maxHeld + 2*32*smallBuffer

// Parting returns how many closed connections the kernel still has memory of.
func Parting(l *loop.Loop) int {
	if d, ok := stationOf(l).driver.(*completion); ok {
		return len(d.parting)
	}
	return 0
}

// Gathers reports whether the driver gathers what is sent in a turn.
func Gathers(l *loop.Loop) bool {
	d, ok := stationOf(l).driver.(*completion)
	return ok && d.sends
}

// SendByRing has the driver send by the ring what one line sends alone, too.
func SendByRing(l *loop.Loop) { stationOf(l).driver.(*completion).lone = false }

// SendsByRing reports whether it does.
func SendsByRing(l *loop.Loop) bool { return !stationOf(l).driver.(*completion).lone }

// SendDirectly has the driver do as if the ring had no sends that do not wait.
func SendDirectly(l *loop.Loop) { stationOf(l).driver.(*completion).sends = false }
