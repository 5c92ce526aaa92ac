package sys

// A CallKind is a kind of system call. Each call is of one kind, whatever its descriptor is: a
// read from a file, or of what has woken a loop, is of the same kind as one from a connection.
type CallKind int

// The kinds of system calls.
const (
	ReceiveCall CallKind = iota // read, recvfrom and their kin
	SendCall                    // write, sendto and their kin, sendfile
	WaitCall                    // epoll_wait, poll, select and their kin; io_uring_enter
	AcceptCall                  // accept, accept4
	ThreadCall                  // what locks and a scheduler cost: futex, yields, sleeps, signals
	OtherCall                   // all that is none of these
)

// callKinds is how many kinds there are.
const callKinds = int(OtherCall) + 1

// Calls are numbers of system calls, by CallKind.
type Calls [callKinds]int64

// Total returns how many there are of all kinds together.
func (c Calls) Total() int64 {
	var sum int64
	for _, n := range c {
		sum += n
	}
	return sum
}

// Plus returns the sums.
func (c Calls) Plus(d Calls) Calls {
	for kind, n := range d {
		c[kind] += n
	}
	return c
}

// Minus returns the differences.
func (c Calls) Minus(d Calls) Calls {
	for kind, n := range d {
		c[kind] -= n
	}
	return c
}
