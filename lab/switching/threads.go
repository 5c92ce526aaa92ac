package switching

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// spare is how many processors goroutines have at least while threads pass the token: one for each
// of them, and some for what else there is to do. With one alone, who waits in a read would have it
// until Go's monitor takes it away, and a switch would take a hundred microseconds.
const spare = 4

// threads are two that are bound to one CPU.
func threads(ctx context.Context, d time.Duration) (Result, error) {
	cpu, err := oneCPU()
	if err != nil {
		return Result{}, err
	}
	defer processors(max(spare, runtime.GOMAXPROCS(0)))()
	one, other, err := newEnds()
	if err != nil {
		return Result{}, err
	}
	answered := make(chan error, 1)
	go func() {
		defer other.close()
		answered <- onCPU(cpu, other.answer)
	}()
	r := Result{}
	err = onCPU(cpu, func() (err error) {
		r, err = measure(ctx, d, way{one.pass, one.usage})
		return err
	})
	one.close()
	if why := <-answered; why != nil {
		return Result{}, fmt.Errorf("the other thread: %w", why)
	}
	r.CPU = &cpu
	return r, err
}

// pipe is one thread that passes the token to itself.
func pipe(ctx context.Context, d time.Duration) (Result, error) {
	cpu, err := oneCPU()
	if err != nil {
		return Result{}, err
	}
	defer processors(max(spare, runtime.GOMAXPROCS(0)))()
	own := &ends{}
	if own.in, own.out, err = sys.Pipe(); err != nil {
		return Result{}, err
	}
	defer own.close()
	r := Result{}
	err = onCPU(cpu, func() (err error) {
		r, err = measure(ctx, d, way{own.circle, sys.ThreadUsage})
		return err
	})
	r.CPU = &cpu
	return r, err
}

// circle is pass for who is both parties: each write and read is once.
func (e *ends) circle(n int) (count int64, err error) {
	for range n {
		if err := e.send(e.count + 1); err != nil {
			return e.count, err
		}
		if e.count, err = e.receive(); err != nil {
			return e.count, err
		}
	}
	return e.count, nil
}

// oneCPU returns the CPU that both parties are bound to, the last one of those that this process
// may use. The error is that they cannot be.
func oneCPU() (int, error) {
	cpus, err := sys.Affinity()
	if err == nil && len(cpus) == 0 {
		err = errors.New("this process may use none")
	}
	cpu := 0
	if err == nil {
		cpu = cpus[len(cpus)-1]
		err = onCPU(cpu, func() error { return nil })
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = errors.New("this system has no call for it")
	}
	if err != nil {
		return 0, unavailable{fmt.Errorf("the parties cannot be bound to one CPU: %w", err)}
	}
	return cpu, nil
}

// onCPU is onCPUs for one.
func onCPU(cpu int, f func() error) error { return onCPUs([]int{cpu}, f) }

// onCPUs calls f on a thread of its own that is bound to CPUs, as are the processes that f starts.
func onCPUs(cpus []int, f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the bound thread ends with the goroutine
		if err := sys.SetAffinity(0, cpus); err != nil {
			result <- fmt.Errorf("bind a thread to the CPUs %v: %w", cpus, err)
			return
		}
		result <- f()
	}()
	return <-result
}
