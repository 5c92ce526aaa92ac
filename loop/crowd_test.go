package loop_test

import (
	"testing"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// crowd is how many descriptors are handled in a turn.
const crowd = 1024

// ready watches n descriptors that are ready to be read.
func (w *world) ready(n int, f func(i int)) {
	for i := range n {
		must(w, w.OnReadable(i+3, func() { f(i) }))
		w.kernel.SetReady(i+3, selectors.Read)
	}
}

// TestACrowdIsHandledInSeveralTurns: each of those that are ready once, and timers, posts and what
// is due have their turn in between. The loop may be stopped there, and a callback may panic (T18).
func TestACrowdIsHandledInSeveralTurns(t *testing.T) {
	w := newWorld(t, nil)
	const n = 2*crowd + 10
	var ran []int
	w.ready(n, func(i int) {
		w.kernel.SetReady(i+3, 0)
		if ran = append(ran, i); i == crowd+5 {
			panic(i)
		}
	})
	for turn := 1; turn <= 4; turn++ {
		w.After(0, w.say("timer"))
		must(t, w.Post(w.say("post")))
		w.turn()
		w.expect("the turn", "timer", "post")
		if want := min(turn*crowd, n); turn != 2 && len(ran) < want {
			t.Errorf("%d turns have handled %d descriptors, want %d", turn, len(ran), want)
		}
		if turn == 1 && len(ran) != crowd {
			t.Errorf("a turn has handled %d descriptors, want %d", len(ran), crowd)
		}
	}
	for i, got := range ran {
		if i != got {
			t.Fatalf("descriptor %d was handled in place of %d", got, i)
		}
	}
	if len(ran) != n || len(w.incidents) != 1 {
		t.Errorf("%d of %d were handled, and there are %d incidents", len(ran), n, len(w.incidents))
	}
	w.incidents = nil
}

// TestACrowdThatIsGone: when nobody is watched any more, there is nothing left for the next turn,
// and the loop waits.
func TestACrowdThatIsGone(t *testing.T) {
	w := newWorld(t, nil)
	ran := 0
	w.ready(2*crowd, func(int) {
		if ran++; ran == crowd {
			for i := range 2 * crowd {
				w.Unwatch(i + 3)
			}
		}
	})
	w.turn()
	before := w.Turn()
	w.After(time.Hour, w.Stop)
	late := time.AfterFunc(5*time.Second, func() { _ = w.Post(w.Stop) })
	defer late.Stop()
	w.run()
	if n := w.Turn() - before; n > 2 || ran != crowd {
		t.Errorf("it took %d turns until an hour had passed, and %d were handled", n, ran)
	}
}
