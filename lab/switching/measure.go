package switching

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Result is what the switches of one kind have cost. Where it is not known what they cost the
// kernel, the pointers are nil.
type Result struct {
	Kind        Kind   `json:"kind"`
	Unavailable string `json:"unavailable,omitempty"` // why it cannot be measured here: all is 0

	Switches  int64   `json:"switches,omitzero"` // one way, in all batches
	Batches   int     `json:"batches,omitzero"`
	ElapsedNS int64   `json:"elapsedNanoseconds,omitzero"`       // in all batches
	NS        float64 `json:"nanosecondsPerSwitch,omitzero"`     // the median of the batches
	LowNS     float64 `json:"lowNanosecondsPerSwitch,omitzero"`  // the lower quartile
	HighNS    float64 `json:"highNanosecondsPerSwitch,omitzero"` // the upper quartile

	// What the kernel has counted over all batches, for each switch.
	KernelSwitches *float64 `json:"kernelSwitchesPerSwitch,omitempty"` // of both kinds
	Voluntary      *float64 `json:"voluntaryKernelSwitchesPerSwitch,omitempty"`
	Involuntary    *float64 `json:"involuntaryKernelSwitchesPerSwitch,omitempty"`
	CPUNS          *float64 `json:"cpuNanosecondsPerSwitch,omitempty"`
	Uncounted      string   `json:"uncounted,omitempty"` // why some of these are missing

	CPU *int `json:"cpu,omitempty"` // that both parties were bound to; nil if they were not
}

// Measure passes the token between two parties of a kind for about d. That the kind cannot be
// measured on this system is no error: Unavailable says why. When ctx is cancelled it stops, and
// the error is the cause.
//
// It sets GOMAXPROCS as long as it lasts: it is for a process that does nothing else, and one call
// at a time.
func Measure(ctx context.Context, kind Kind, d time.Duration) (Result, error) {
	e, err := lookup(kind)
	if err != nil {
		return Result{}, fmt.Errorf("measure switches: %w", err)
	}
	if d <= 0 {
		return Result{}, fmt.Errorf("measure %s for %v: it must be more than nothing", kind, d)
	}
	var r Result
	done := make(chan struct{})
	go func() { // so that it does not matter whether our goroutine is locked to its thread
		defer close(done)
		r, err = e.measure(ctx, d)
	}()
	<-done
	if why, ok := errors.AsType[unavailable](err); ok {
		return Result{Kind: kind, Unavailable: why.Error()}, nil
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return Result{}, fmt.Errorf("measure %s: %w", kind, err)
	}
	r.Kind = kind
	return r, nil
}

// RelativeTo returns how many times as much a switch costs as one of another kind: in CPU time,
// which does not depend on who else wants the CPU, or else, where that is not known, in time.
func (r Result) RelativeTo(other Result) float64 {
	if r.CPUNS != nil && other.CPUNS != nil {
		return *r.CPUNS / *other.CPUNS
	}
	return r.NS / other.NS
}

// unavailable is why a kind cannot be measured on this system.
type unavailable struct{ error }

// way is a way to pass the token from one party to another.
type way struct {
	// pass passes the token n times, an even number, and returns how often it says that it has been
	// passed since it was made.
	pass func(n int) (count int64, err error)

	// usage returns what those who pass it have had of the CPUs.
	usage func() (sys.Usage, error)
}

const (
	batches  = 15                    // that the time is divided into
	shortest = 50 * time.Microsecond // that a batch is to take
	longest  = 20 * time.Millisecond // so that a cancellation is noticed soon
	fewest   = 5                     // batches that are measured, however long they take
)

// measure passes the token in batches for about d. It is called where the first party is, by its
// goroutine.
func measure(ctx context.Context, d time.Duration, w way) (Result, error) {
	b := batcher{ctx: ctx, way: w}
	n, err := b.calibrate(min(max(d/batches, shortest), longest))
	if err != nil {
		return Result{}, err
	}
	var r Result
	before, err := r.usage(w)
	if err != nil {
		return Result{}, err
	}
	var each []float64
	for r.Batches < fewest || time.Duration(r.ElapsedNS) < d {
		took, err := b.batch(n)
		if err != nil {
			return Result{}, err
		}
		each = append(each, float64(took.Nanoseconds())/float64(n))
		r.Switches += int64(n)
		r.ElapsedNS += took.Nanoseconds()
		r.Batches++
	}
	after, err := r.usage(w)
	if err != nil {
		return Result{}, err
	}
	slices.Sort(each)
	r.LowNS, r.NS, r.HighNS = quantile(each, 0.25), quantile(each, 0.5), quantile(each, 0.75)
	r.count(after.Since(before))
	return r, nil
}

// usage returns what those who pass the token have used, and notes if that cannot be known.
func (r *Result) usage(w way) (sys.Usage, error) {
	u, err := w.usage()
	if errors.Is(err, errors.ErrUnsupported) {
		r.Uncounted = "this system does not tell what a process has used"
		return u, nil
	}
	return u, err
}

// batcher passes the token, and checks what it says.
type batcher struct {
	ctx    context.Context
	way    way
	passed int64 // so far
}

// batch passes the token n times, and returns how long that took.
func (b *batcher) batch(n int) (time.Duration, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	began := time.Now()
	count, err := b.way.pass(n)
	took := time.Since(began)
	if err != nil {
		return took, err
	}
	if b.passed += int64(n); count != b.passed {
		return took, fmt.Errorf("the token has been passed %d times, and says %d: a switch has "+
			"not taken place", b.passed, count)
	}
	return took, nil
}

// calibrate returns how many switches take so long. Each number is tried twice, as one of the two
// may have met with something else that the machine had to do.
func (b *batcher) calibrate(length time.Duration) (int, error) {
	for n := 2; ; n *= 2 {
		first, err := b.batch(n)
		if err != nil {
			return 0, err
		}
		second, err := b.batch(n)
		if err != nil {
			return 0, err
		}
		if took := min(first, second); took >= length/2 {
			pairs := float64(n) / 2 * float64(length) / float64(took)
			return 2 * max(1, int(pairs)), nil
		}
	}
}

// count notes what the kernel has counted.
func (r *Result) count(used sys.Usage) {
	if r.Uncounted != "" {
		return
	}
	each := func(x int64) *float64 { return new(float64(x) / float64(r.Switches)) }
	r.CPUNS = each(used.CPU.Nanoseconds())
	// No program in Go comes so far without that one of its threads has waited for another.
	if all, err := sys.ProcessUsage(); err != nil || all.Switches() == 0 {
		r.Uncounted = "this system does not count context switches"
		return
	}
	r.KernelSwitches = each(used.Switches())
	r.Voluntary, r.Involuntary = each(used.Voluntary), each(used.Involuntary)
}

// quantile returns the value of sorted xs below which that share of them is, between two of them
// if need be.
func quantile(xs []float64, share float64) float64 {
	at := share * float64(len(xs)-1)
	i := int(at)
	if i+1 == len(xs) {
		return xs[i]
	}
	return xs[i] + (at-float64(i))*(xs[i+1]-xs[i])
}

// processors gives goroutines so many processors to run on, and returns how to undo it.
func processors(n int) (undo func()) {
	before := runtime.GOMAXPROCS(n)
	return func() { runtime.GOMAXPROCS(before) }
}
