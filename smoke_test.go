package kettle_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
)

func TestSmoke(t *testing.T) {
	var log []string
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			g.Go("kettle", func(t *kettle.Task) error {
				log = append(log, "on")
				if err := t.Sleep(20 * time.Millisecond); err != nil {
					return err
				}
				log = append(log, "whistles")
				return nil
			})
			g.Go("tv", func(t *kettle.Task) error {
				log = append(log, "tv")
				return t.WithTimeout(5*time.Millisecond, func(t *kettle.Task) error {
					err := t.Sleep(time.Hour)
					if !errors.Is(err, context.DeadlineExceeded) {
						return errors.New("no timeout")
					}
					log = append(log, "off")
					return nil
				})
			})
			return nil
		})
	})
	t.Log(err, log)
	err = kettle.Run(func(t *kettle.Task) error {
		n, err := kettle.Blocking(t, func(ctx context.Context) (int, error) { return 7, nil })
		if n != 7 || err != nil {
			return errors.New("blocking")
		}
		return t.Group(func(g *kettle.Group) error {
			g.Go("bad", func(t *kettle.Task) error { panic("oops") })
			g.Go("exit", func(t *kettle.Task) error { runtime.Goexit(); return nil })
			g.Go("sleeper", func(t *kettle.Task) error { return t.Sleep(time.Hour) })
			done := make(chan error)
			go func() { done <- t.Sleep(time.Second) }()
			if err := <-done; err != kettle.ErrWrongGoroutine {
				return errors.New("foreign")
			}
			return g.Sleep(time.Hour)
		})
	})
	t.Log(err)
}

func BenchmarkYield(b *testing.B) {
	b.ReportAllocs()
	kettle.Run(func(t *kettle.Task) error {
		for b.Loop() {
			t.Yield()
		}
		return nil
	})
}

func BenchmarkSpawn(b *testing.B) {
	b.ReportAllocs()
	kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			f := func(*kettle.Task) error { return nil }
			for n := 0; b.Loop(); n++ {
				g.Go("x", f)
				if n%100 == 99 {
					t.Yield()
				}
			}
			return nil
		})
	})
}

func BenchmarkBlocking(b *testing.B) {
	b.ReportAllocs()
	kettle.Run(func(t *kettle.Task) error {
		for b.Loop() {
			kettle.Blocking(t, func(ctx context.Context) (int, error) { return 7, nil })
		}
		return nil
	})
}

func BenchmarkSleepers(b *testing.B) {
	const n = 1000000
	for b.Loop() {
		var m0, m1 runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m0)
		kettle.Run(func(t *kettle.Task) error {
			return t.WithCancel(func(t *kettle.Task) error {
				return t.Group(func(g *kettle.Group) error {
					for range n {
						g.Go("x", func(t *kettle.Task) error { t.Sleep(time.Hour); return nil })
					}
					t.Yield()
					t.Yield()
					runtime.GC()
					runtime.ReadMemStats(&m1)
					b.ReportMetric(float64(m1.Sys-m0.Sys)/n, "B/task(sys)")
					b.ReportMetric(float64(m1.HeapInuse+m1.StackInuse-m0.HeapInuse-m0.StackInuse)/n, "B/task")
					g.Cancel(nil)
					return nil
				})
			})
		})
	}
}
