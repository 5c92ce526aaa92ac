package kettle_test

import (
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

// TestAllocations: what a task costs, and that its waits cost nothing.
func TestAllocations(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.Group(func(g *kettle.Group) error {
			var m kettle.Mutex
			body := func(*kettle.Task) error { return nil }
			for _, c := range []struct {
				name string
				f    func() error
				want float64
			}{
				{"Sleep", func() error { return g.Sleep(time.Second) }, 0},
				{"Yield", g.Yield, 0},
				{"Lock", func() error { defer m.Unlock(); return m.Lock(g.Task) }, 0},
				{"SetTimeout", func() error { return g.SetTimeout(time.Hour) }, 0},
				{"a task", func() error {
					if err := g.Go("task", body); err != nil {
						return err
					}
					return g.Yield()
				}, 1},
			} {
				var failure error
				n := testing.AllocsPerRun(200, func() {
					if err := c.f(); err != nil {
						failure = err
					}
				})
				if n != c.want || failure != nil {
					t.Errorf("%s allocates %v times, want %v: %v", c.name, n, c.want, failure)
				}
			}
			return nil
		})
	})
}
