package switching

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// ends is what a party has in hand: the end of one pipe that the token comes out of, and that of
// another one that it goes into.
type ends struct {
	in, out int
	count   int64   // what the token said last
	buffer  [8]byte // for one number
}

// ask goes the token's way, and is not the token: the other party answers with what it has used.
const ask = -1

// errEnded says that there is nobody at the other end any more.
var errEnded = errors.New("the other side has ended")

// newEnds returns the ends of two parties.
func newEnds() (one, other *ends, err error) {
	one, other = &ends{}, &ends{}
	if other.in, one.out, err = sys.Pipe(); err != nil {
		return nil, nil, err
	}
	if one.in, other.out, err = sys.Pipe(); err != nil {
		sys.Close(other.in)
		sys.Close(one.out)
		return nil, nil, err
	}
	return one, other, nil
}

// close closes the ends, by which the other party learns that this one has ended. They cannot be
// used any more then.
func (e *ends) close() {
	sys.Close(e.in)
	sys.Close(e.out)
}

// send writes a number, for which there is room: there is never more than one token, nor more than
// one answer, in a pipe.
func (e *ends) send(number int64) error {
	binary.NativeEndian.PutUint64(e.buffer[:], uint64(number))
	n, err := sys.WritePipe(e.out, e.buffer[:])
	switch {
	case err == syscall.EPIPE:
		return errEnded
	case err != nil:
		return fmt.Errorf("write to the pipe: %w", err)
	case n != len(e.buffer):
		return fmt.Errorf("write to the pipe: it took %d bytes of %d", n, len(e.buffer))
	}
	return nil
}

// receive waits for a number.
func (e *ends) receive() (int64, error) {
	n, err := sys.Recv(e.in, e.buffer[:])
	switch {
	case err != nil:
		return 0, fmt.Errorf("read from the pipe: %w", err)
	case n == 0:
		return 0, errEnded
	case n != len(e.buffer):
		return 0, fmt.Errorf("read from the pipe: %d bytes of %d", n, len(e.buffer))
	}
	return int64(binary.NativeEndian.Uint64(e.buffer[:])), nil
}

// pass is that of a way between two parties: the other one answers.
func (e *ends) pass(n int) (count int64, err error) {
	for range n / 2 {
		if err := e.send(e.count + 1); err != nil {
			return e.count, err
		}
		if e.count, err = e.receive(); err != nil {
			return e.count, err
		}
	}
	return e.count, nil
}

// answer is the life of the other party, until the first one closes its ends.
func (e *ends) answer() error {
	for {
		number, err := e.receive()
		if err == nil && number == ask {
			err = e.report()
		} else if err == nil {
			err = e.send(number + 1)
		}
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// usage returns what the threads of both parties have used.
func (e *ends) usage() (sys.Usage, error) {
	own, err := sys.ThreadUsage()
	if err != nil {
		return own, err
	}
	if err := e.send(ask); err != nil {
		return own, err
	}
	var numbers [3]int64
	for i := range numbers {
		if numbers[i], err = e.receive(); err != nil {
			return own, err
		}
	}
	return own.Plus(sys.Usage{CPU: time.Duration(numbers[0]), Voluntary: numbers[1],
		Involuntary: numbers[2]}), nil
}

// report answers the other party's usage.
func (e *ends) report() error {
	u, err := sys.ThreadUsage()
	if err != nil {
		return err
	}
	for _, number := range []int64{u.CPU.Nanoseconds(), u.Voluntary, u.Involuntary} {
		if err := e.send(number); err != nil {
			return err
		}
	}
	return nil
}
