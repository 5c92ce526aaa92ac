package selectors

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// parker lets a goroutine wait until a selector's own descriptor is readable, in Go's poller.
//
// For Go it is a file with read deadlines, and that is all a selector needs: a time-out is
// a deadline, and a wake-up from another goroutine is a deadline in the past, which costs no
// system call of its own. What has to be right is the order, as wake may run at any point of
// park:
//
//	park: set the deadline ──▶ look at woken ──▶ wait
//	wake: set woken ──▶ set the deadline to the past
//
// If wake sets woken before park looks, park does not wait. If it does so after, its deadline
// comes after park's, and ends the wait. A wake that park has already answered may still set
// its deadline later and end a wait for no reason: park then looks at woken and at the
// clock, and goes on waiting.
type parker struct {
	fd    uintptr
	file  *os.File
	raw   syscall.RawConn
	woken atomic.Bool
	dirty bool // the file has a deadline, or may have
}

// announced is after how many waits in a row that did not have to wait one is announced to Go's
// scheduler.
//
// When nothing runs, Go's monitor thread sleeps, for up to a minute. It is what looks after the
// network for goroutines that wait for it while others run, and what interrupts those that run for
// long. An event that ends the idleness does not wake it: only a system call that the scheduler is
// told of does. So who goes from idle to busy, and makes none but raw ones, would keep it asleep,
// and whoever else in the program waits for the network would wait for a minute: another loop, or
// an ordinary goroutine.
const announced = 64

// newParker takes over fd, and closes it if Go's poller cannot wait for it.
func newParker(fd int, name string) (*parker, error) {
	if err := sys.SetNonblock(fd, true); err != nil {
		sys.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		file.Close()
		return nil, fmt.Errorf("wait in Go's poller: %w", err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &parker{fd: uintptr(fd), file: file, raw: raw}, nil
}

// past is a deadline that has passed whenever it is set.
func past() time.Time { return time.Unix(1, 0) }

// park calls try, and again whenever the descriptor has become readable, until try returns
// true, timeout has passed, or wake is called (then woken is true). With a timeout of zero or
// less, or woken already, it calls try once and does not wait. Try must not wait either.
func (p *parker) park(try func(uintptr) bool, timeout time.Duration) (woken bool, _ error) {
	if err := p.setDeadline(timeout); err != nil {
		return false, err
	}
	if woken = p.answerWake(); woken || timeout <= 0 {
		try(p.fd)
		return woken, nil
	}
	err := p.raw.Read(try)
	if err == nil {
		return false, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.dirty = true
		try(p.fd) // a deadline that had passed when Read began kept it from trying at all
		return p.answerWake(), nil
	}
	return false, err
}

// answerWake reports whether wake has been called since the last time. The deadline that
// it sets may be there already, or come in a moment.
func (p *parker) answerWake() bool {
	if !p.woken.Load() || !p.woken.Swap(false) {
		return false
	}
	p.dirty = true
	return true
}

func (p *parker) setDeadline(timeout time.Duration) error {
	var deadline time.Time
	switch {
	case timeout <= 0, timeout == Forever && !p.dirty:
		return nil
	case timeout < Forever:
		deadline = time.Now().Add(timeout)
	}
	p.dirty = timeout < Forever
	return p.file.SetReadDeadline(deadline)
}

// wake ends the current or the next park. It may be called from any goroutine.
func (p *parker) wake() error {
	if p.woken.Swap(true) {
		return nil // whoever set it has not been answered yet
	}
	if err := p.file.SetReadDeadline(past()); err != nil {
		return fmt.Errorf("wake: %w", err)
	}
	return nil
}
