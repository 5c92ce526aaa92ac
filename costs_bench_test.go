package kettle_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
)

// What tasks cost. Each benchmark has what it is to be compared with beside it:
//
//	go test -run '^$' -bench . -count 10 . | benchstat -col /by -

// quiet turns the watchdog off: some of these benchmarks hold the loop on purpose.
func quiet() kettle.Option { return kettle.OnStall(0, nil) }

// run is kettle.Run for benchmarks.
func run(b *testing.B, main func(t *kettle.Task) error, options ...kettle.Option) {
	b.Helper()
	if err := kettle.Run(main, append(options, quiet())...); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSwitch is one switch to a coroutine and back: of a bare iter.Pull, and of tasks that
// give way to each other, with all that the loop does for that. With one task each switch is a
// whole turn of the loop; with many, their stacks are no longer in the nearest cache.
func BenchmarkSwitch(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("by=pull/coroutines=%d", n), func(b *testing.B) {
			var nexts []func() (struct{}, bool)
			for range n {
				next, stop := iter.Pull(func(yield func(struct{}) bool) {
					for yield(struct{}{}) {
					}
				})
				defer stop()
				nexts = append(nexts, next)
			}
			for i := 0; b.Loop(); i++ {
				nexts[i%n]()
			}
		})
	}
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("by=task/coroutines=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, func(t *kettle.Task) error {
				return t.Group(func(g *kettle.Group) error {
					over := false
					for range n - 1 {
						g.Go("other", func(t *kettle.Task) error {
							for !over {
								t.Yield()
							}
							return nil
						})
					}
					for i := 0; b.Loop(); i++ {
						if i%n == 0 { // in which each of them is switched to once
							t.Yield()
						}
					}
					over = true
					return nil
				})
			})
		})
	}
}

// BenchmarkSpawn is a task from Group.Go to its end, and a goroutine beside it.
func BenchmarkSpawn(b *testing.B) {
	const batch = 100
	b.Run("by=task", func(b *testing.B) {
		b.ReportAllocs()
		run(b, func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				body := func(*kettle.Task) error { return nil }
				for i := 0; b.Loop(); i++ {
					g.Go("task", body)
					if i%batch == batch-1 {
						t.Yield()
					}
				}
				return nil
			})
		})
	})
	b.Run("by=goroutine", func(b *testing.B) {
		b.ReportAllocs()
		done := make(chan struct{}, batch)
		for i := 0; b.Loop(); i++ {
			go func() { done <- struct{}{} }()
			if i%batch == batch-1 {
				for range batch {
					<-done
				}
			}
		}
	})
}

// BenchmarkSleepers is many tasks that sleep, from the start of the first to the end of the last,
// and what each of them holds meanwhile.
func BenchmarkSleepers(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("tasks=%d", n), func(b *testing.B) {
			for b.Loop() {
				var before, during runtime.MemStats
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				run(b, func(t *kettle.Task) error {
					return sleepers(t, n, func() {
						b.StopTimer()
						runtime.GC()
						runtime.ReadMemStats(&during)
						b.StartTimer()
					})
				})
				held := during.HeapInuse + during.StackInuse - before.HeapInuse - before.StackInuse
				b.ReportMetric(float64(held)/float64(n), "B/task")
			}
		})
	}
}

// sleepers has n tasks sleep, calls during while they do, and ends them.
func sleepers(t *kettle.Task, n int, during func()) error {
	return t.WithCancel(func(t *kettle.Task) error {
		_ = t.Group(func(g *kettle.Group) error {
			for i := range n {
				g.Go("sleeper", func(t *kettle.Task) error { return t.Sleep(time.Hour) })
				if i%1000 == 999 { // to start all at once would be a stall of its own
					t.Yield()
				}
			}
			for range 4 { // and those that the loop held only to start them are free
				t.Yield()
			}
			during()
			t.Cancel(nil)
			return nil
		})
		return nil
	})
}

// quantiles reports the median and the 99th percentile of some times.
func quantiles(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
}

// BenchmarkBlocking is a round trip to another goroutine and back, on a loop that has nothing else
// to do, and on one that other tasks keep busy without a pause.
func BenchmarkBlocking(b *testing.B) {
	for name, busy := range map[string]int{"idle": 0, "saturated": 4} {
		b.Run("loop="+name, func(b *testing.B) {
			var times []time.Duration
			run(b, func(t *kettle.Task) error {
				return t.Group(func(g *kettle.Group) error {
					over := false
					for range busy {
						g.Go("busy", func(t *kettle.Task) error {
							for !over {
								burn(20 * time.Microsecond)
								t.Yield()
							}
							return nil
						})
					}
					for b.Loop() {
						began := time.Now()
						_, err := kettle.Blocking(t, func(context.Context) (int, error) {
							return 0, nil
						})
						if err != nil {
							return err
						}
						times = append(times, time.Since(began))
					}
					over = true
					return nil
				})
			})
			quantiles(b, times)
		})
	}
}

// burn holds the loop for d.
func burn(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
	}
}

// BenchmarkStall is a task that holds its loop for 300 ms, beside many that are parked, until it
// is told of; and how long another loop was held up by that at most.
func BenchmarkStall(b *testing.B) {
	const parked = 50_000
	named, stalls := 0, 0
	var lates []time.Duration
	for b.Loop() {
		stalls++
		told := make(chan time.Duration, 1)
		begun := time.Now()
		var began atomic.Int64 // since begun; 0 is not yet
		var longest time.Duration
		over := make(chan struct{})
		onStall := func(s loop.Stall) {
			if s.Name == "holder" && bytes.Contains(s.Stack, []byte("kettle_test.burn")) {
				select {
				case told <- time.Since(begun) - time.Duration(began.Load()):
				default:
				}
			}
		}
		err := kettle.Run(func(t *kettle.Task) error {
			if t.Loop() == 1 { // the other one
				for last := time.Now(); ; last = time.Now() {
					select {
					case <-over:
						return nil
					default:
					}
					if err := t.Sleep(time.Millisecond); err != nil {
						return err
					}
					if late := time.Since(last) - time.Millisecond; began.Load() != 0 {
						longest = max(longest, late)
					}
				}
			}
			defer close(over)
			return sleepers(t, parked, func() {
				_ = t.Group(func(g *kettle.Group) error {
					return g.Go("holder", func(*kettle.Task) error {
						began.Store(int64(time.Since(begun)))
						burn(300 * time.Millisecond)
						return nil
					})
				})
			})
		}, kettle.Loops(2), kettle.OnStall(100*time.Millisecond, onStall))
		if err != nil {
			b.Fatal(err)
		}
		select {
		case after := <-told:
			b.ReportMetric(float64(after.Milliseconds()), "ms-until-told")
			named++
		default: // the watchdog was still looking at a turn before it
		}
		lates = append(lates, longest)
		slices.Sort(lates)
		b.ReportMetric(float64(lates[len(lates)/2].Milliseconds()), "ms-other-loop-late")
		b.ReportMetric(float64(lates[len(lates)-1].Milliseconds()), "ms-other-loop-late-max")
		b.ReportMetric(float64(named)/float64(stalls), "named")
	}
}
