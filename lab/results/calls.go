package results

import (
	"fmt"
	"slices"
	"strings"
)

// Calls are system calls per message, by kind. Each call is of one kind, whatever its descriptor
// is: the read of what has woken a loop is receiving, too.
type Calls struct {
	Receive float64 `json:"receive"` // read, recvfrom and their kin
	Send    float64 `json:"send"`    // write, sendto and their kin
	Wait    float64 `json:"wait"`    // epoll_wait, poll, select; io_uring_enter, which may do more
	Accept  float64 `json:"accept"`
	Threads float64 `json:"threads"` // futex, yields, sleeps, signals: locks and a scheduler
	Other   float64 `json:"other"`   // such as epoll_ctl and close
}

// Names returns the kinds, in the order in which they are shown.
func (Calls) Names() []string {
	return []string{"receive", "send", "wait", "accept", "threads", "other"}
}

// Numbers returns where the number of each of Names stands.
func (c *Calls) Numbers() []*float64 {
	return []*float64{&c.Receive, &c.Send, &c.Wait, &c.Accept, &c.Threads, &c.Other}
}

// Total returns the sum of all kinds.
func (c *Calls) Total() float64 {
	sum := 0.0
	for _, n := range c.Numbers() {
		sum += *n
	}
	return sum
}

// String writes the kinds that show in two digits behind the point: "receive 1.00, send 0.99".
func (c *Calls) String() string {
	var parts []string
	for i, n := range c.Numbers() {
		if *n >= 0.005 {
			parts = append(parts, fmt.Sprintf("%s %.2f", c.Names()[i], *n))
		}
	}
	return strings.Join(parts, ", ")
}

// Calls returns the medians of the system calls in the windows of a kind, over the visits in which
// they were counted, each kind of call by itself; nil if there are none.
func (k Kind) Calls(visits []*Visit) *Calls {
	var counted []*Calls
	for _, v := range visits {
		if w := v.Window(k); w != nil && w.CallKinds != nil {
			counted = append(counted, w.CallKinds)
		}
	}
	if len(counted) == 0 {
		return nil
	}
	all := &Calls{}
	for i, n := range all.Numbers() {
		var xs []float64
		for _, c := range counted {
			xs = append(xs, *c.Numbers()[i])
		}
		slices.Sort(xs)
		*n = Median(xs)
	}
	return all
}
