package workloads

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// absentServers are options of a run whose servers do not start, so that a visit takes no time.
func absentServers(names ...string) Options {
	o := options(Normal)
	o.Models, o.Others, o.Machine = names, nil, lab.Look()
	o.Make = func(model string, _ ...string) (lab.Server, error) {
		return lab.Server{Name: model, Command: []string{"/nowhere/" + model}}, nil
	}
	return o
}

// runAgain runs idle and the storm, of which something is unclear, and returns the rounds of each
// server, by workload.
func runAgain(t *testing.T, unclear map[string][]string, until time.Time) map[string][]int {
	t.Helper()
	o := absentServers("threads", "streams", "selectors", "goroutines")
	o.Workloads, o.Until = []Workload{idle(), storm()}, until
	rounds := map[string][]int{}
	var ended []string
	o.Keep = func(r results.Record) error {
		if v := r.Visit; v != nil && !v.Again {
			who := v.Workload + " " + v.Server
			rounds[who] = append(rounds[who], v.Round)
		}
		return nil
	}
	o.Ended = func(w Workload, _ []string) { ended = append(ended, w.Name) }
	asked, announced, more := 0, 0, 0
	o.Unclear = func() map[string][]string {
		if asked++; !slices.Equal(ended, []string{"idle", "storm"}) {
			t.Errorf("it is asked what is unclear after %q", ended)
		}
		return unclear
	}
	o.Again = func(n int) { announced += n }
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "start ") {
		t.Errorf("%v", err)
	}
	for who, all := range rounds {
		w, _, _ := strings.Cut(who, " ")
		more += len(all) - o.AllRounds()[w]
	}
	if asked != 1 || announced != more {
		t.Errorf("asked %d times, %d more visits were announced, and %d made", asked, announced,
			more)
	}
	return rounds
}

// upTo returns the numbers from 1 to n.
func upTo(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}

// TestWhatIsUnclearIsVisitedAgain, in rounds that go on where the planned ones ended; and nothing
// else is.
func TestWhatIsUnclearIsVisitedAgain(t *testing.T) {
	got := runAgain(t, map[string][]string{"idle": {"threads"}, "storm": {"selectors", "streams"},
		"wait": {"threads"}}, time.Now().Add(time.Hour))
	for who, want := range map[string]int{"idle threads": enoughRounds, "idle streams": 1,
		"storm selectors": 18, "storm streams": 18, "storm goroutines": 9} {
		if !slices.Equal(got[who], upTo(want)) {
			t.Errorf("%s: the rounds are %v, want %d", who, got[who], want)
		}
	}
}

// TestNothingIsUnclear: then nothing is visited again.
func TestNothingIsUnclear(t *testing.T) {
	got := runAgain(t, nil, time.Now().Add(time.Hour))
	if !slices.Equal(got["storm streams"], upTo(9)) || len(got["idle threads"]) != 1 {
		t.Errorf("the rounds are %v", got)
	}
}

// TestNoTimeIsLeft: then what is unclear remains so.
func TestNoTimeIsLeft(t *testing.T) {
	got := runAgain(t, map[string][]string{"storm": {"streams"}}, time.Now())
	if !slices.Equal(got["storm streams"], upTo(9)) {
		t.Errorf("the rounds are %v", got)
	}
}

// TestTimeRunsOut: no round is begun that would not be over in time, as far as is known.
func TestTimeRunsOut(t *testing.T) {
	p := absentServers("threads").plan(new(idle()))
	p.took = time.Second
	if e := p.encore([]string{"threads"}); e.took != time.Second {
		t.Errorf("a round is thought to take %v", e.took)
	}
	o := Options{Until: time.Now().Add(time.Minute)}
	if !o.inTime(time.Second) || o.inTime(2*time.Minute) {
		t.Error("of a minute a second can be used, and two minutes cannot")
	}
}
