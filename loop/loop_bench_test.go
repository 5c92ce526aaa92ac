package loop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// repeated is a Runner that is due again and again, n times.
type repeated struct {
	*loop.Loop
	n int
}

func (r *repeated) Run() {
	if r.n--; r.n > 0 {
		r.Ready(r)
		return
	}
	r.Stop()
}

// BenchmarkTurn is one turn with this many callbacks, and nothing to watch.
func BenchmarkTurn(b *testing.B) {
	for _, callbacks := range []int{1, 100} {
		b.Run(fmt.Sprintf("callbacks=%d", callbacks), func(b *testing.B) {
			b.ReportAllocs()
			l := newLoop(b, loop.Config{Stall: time.Second})
			for range callbacks {
				l.Ready(&repeated{l, b.N})
			}
			must(b, l.Run())
		})
	}
}

// BenchmarkPost is a round trip: a goroutine posts to a loop that sleeps, which sends it an answer.
func BenchmarkPost(b *testing.B) {
	b.ReportAllocs()
	l := newLoop(b, loop.Config{})
	back := make(chan struct{}, 1)
	answer := loop.Func(func() { back <- struct{}{} })
	done := make(chan error)
	go func() { done <- l.Run() }()
	for b.Loop() {
		must(b, l.PostRunner(answer))
		<-back
	}
	must(b, l.Post(l.Stop), <-done)
}

// BenchmarkTimer is one operation on one of many timers: to set it to a later time, as deadlines
// are, to an earlier one, and to set and stop it.
//
//	go test -run - -bench Timer -count 10 ./loop | benchstat -row /do -col /timers -
func BenchmarkTimer(b *testing.B) {
	operations := []struct {
		name string
		do   func(t *loop.Timer, now time.Duration)
	}{
		{"extend", func(t *loop.Timer, now time.Duration) { t.ResetAt(time.Hour + now) }},
		{"shorten", func(t *loop.Timer, now time.Duration) { t.ResetAt(time.Hour - now) }},
		{"set-and-stop", func(t *loop.Timer, now time.Duration) {
			t.Stop()
			t.ResetAt(time.Hour + now*7919%time.Minute)
		}},
	}
	for _, timers := range []int{1, 1e3, 1e6} {
		for _, op := range operations {
			b.Run(fmt.Sprintf("do=%s/timers=%d", op.name, timers), func(b *testing.B) {
				b.ReportAllocs()
				l := newLoop(b, loop.Config{})
				all := make([]loop.Timer, timers)
				for i := range all {
					all[i].Init(l, loop.Func(func() {}))
					all[i].ResetAt(time.Hour)
				}
				n := 0
				for b.Loop() {
					n++
					op.do(&all[n*7919%timers], time.Duration(n))
				}
			})
		}
	}
}

// setter is a Runner that sets timers in each turn, n times.
type setter struct {
	repeated
	timers []loop.Timer
}

func (s *setter) Run() {
	for i := range s.timers {
		s.timers[i].Reset(0)
	}
	if s.n--; s.n > 0 {
		s.Ready(s)
		return
	}
	s.Stop()
}

// BenchmarkExpire is a turn in which this many timers of the same time expire and are set again.
func BenchmarkExpire(b *testing.B) {
	for _, timers := range []int{1, 1e3} {
		b.Run(fmt.Sprintf("timers=%d", timers), func(b *testing.B) {
			b.ReportAllocs()
			w := newWorld(b, nil)
			s := &setter{repeated{w.Loop, b.N}, make([]loop.Timer, timers)}
			for i := range s.timers {
				s.timers[i].Init(w.Loop, &counter{})
			}
			w.Ready(s)
			must(b, w.Run())
		})
	}
}
