package lab

import (
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/results"
)

// equal reports whether a figure is there and has that value.
func equal(x *float64, want float64) bool {
	return x != nil && *x > want*0.999999 && *x < want*1.000001
}

// TestRowsAreMediansOverTheRounds that have the figure.
func TestRowsAreMediansOverTheRounds(t *testing.T) {
	r := example()
	row := r.Summaries()[0]
	if row.Rounds != 3 || row.Served != 100 || row.Conns != 100 || row.Lost != 0 ||
		row.Threads != 6 || row.Processes != 1 || len(row.Errors) != 0 {
		t.Errorf("the counts: %+v", row)
	}
	for name, ok := range map[string]bool{
		"rate":      equal(row.Rate, 100_000/1.2),
		"answered":  equal(row.Answered, 1),
		"saturated": equal(row.CPUSaturated, 8*1.2),
		"paced":     equal(row.CPUPaced, 20*1.2),
		"switches":  equal(row.Switches, 1.2),
		"memory":    equal(row.ConnBytes, 2048*1.2),
		"idle":      equal(row.IdleCPU, 0.0012),
	} {
		if !ok {
			t.Errorf("%s is not the median of three rounds: %+v", name, row)
		}
	}
	if n := row.Latency.TotalCount(); n != 3000 {
		t.Errorf("%d latencies in three rounds of 1000", n)
	}
	if row.RatioSaturated != nil || row.RatioPaced != nil {
		t.Errorf("the reference is compared with itself: %+v", row)
	}
	r.Visits[0].Saturated.CPUMicros = nil // in the first round it could not be read
	if row := r.Summaries()[0]; !equal(row.CPUSaturated, 8*1.25) {
		t.Errorf("of two rounds: %v, want the mean", *row.CPUSaturated)
	}
}

// TestRatiosAreOfTheSameRound: where the machine gets slower from round to round, models that do
// so alike have the same ratio in each.
func TestRatiosAreOfTheSameRound(t *testing.T) {
	r := example()
	row := r.Summaries()[1]
	for _, e := range []*results.Estimate{row.RatioSaturated, row.RatioPaced} {
		if e == nil || e.N != 3 || !equal(&e.Median, 300) || !equal(&e.Low, 300) ||
			!equal(&e.High, 300) || e.Level != 0.75 {
			t.Errorf("the ratio is %+v, want 300 in each of three rounds", e)
		}
	}
	again := r.Summaries()[4]
	if e := again.RatioPaced; e == nil || e.N != 3 || e.Low == e.High {
		t.Errorf("the reference against itself: %+v", e)
	}
	// A round that lacks one of the two is left out, and a reference of nothing divides nothing.
	r.Visits[0].Paced.CPUMicros = nil
	r.Visits[5].Paced.CPUMicros = new(0.0)
	if e := r.Summaries()[1].RatioPaced; e == nil || e.N != 1 {
		t.Errorf("the ratio of one round: %+v", e)
	}
	r.Visits = r.Visits[:5]
	if e := r.Summaries()[1].RatioPaced; e != nil {
		t.Errorf("the ratio of no round: %+v", e)
	}
}

// TestDisturbedRoundsAreNotCompared at the fixed rate.
func TestDisturbedRoundsAreNotCompared(t *testing.T) {
	r := example()
	late := func(round int, server string) {
		for _, v := range r.Visits {
			if v.Round == round && v.Server == server && !v.Again {
				v.Paced.Late = int64(v.Paced.Offered*v.Paced.Seconds*disturbing) + 1
			}
		}
	}
	check := func(n, disturbed int) {
		t.Helper()
		row := r.Summaries()[1]
		e := row.RatioPaced
		if (e == nil) != (n == 0) || e != nil && e.N != n || row.Disturbed != disturbed {
			t.Errorf("%+v, %d disturbed; want %d rounds and %d", e, row.Disturbed, n, disturbed)
		}
		if e := row.RatioSaturated; e == nil || e.N != 3 {
			t.Errorf("saturated: %+v, want 3 rounds", e)
		}
	}
	told := func(want string) {
		t.Helper()
		var b strings.Builder
		if err := r.WriteTable(&b, 200); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%v, and not %q in the notes of\n%s", err, want, &b)
		}
	}
	check(3, 0)
	late(1, "good")
	check(2, 1)
	told("in bursts: slow 1, good again 1\n")
	if e := r.Summaries()[4].RatioPaced; e == nil || e.N != 2 {
		t.Errorf("the reference against itself: %+v, want 2 rounds", e)
	}
	late(2, r.Summaries()[1].Server.Name)
	check(1, 2)
	late(3, "good")
	check(0, 3)
	told("slow 3, good again 2\n")
}

// TestWhatWentWrongIsInTheRow: each error once, and all lost connections.
func TestWhatWentWrongIsInTheRow(t *testing.T) {
	rows := example().Summaries()
	gone, alone := rows[2], rows[3]
	if len(gone.Errors) != 1 || gone.Rounds != 0 || gone.Served != 0 || gone.RatioPaced != nil {
		t.Errorf("the row of a server that is gone: %+v", gone)
	}
	if alone.Lost != 6 || alone.First != "connection 3: reset" || alone.Served != 1 ||
		!equal(alone.Answered, 0.8) || alone.RatioPaced != nil ||
		alone.RatioSaturated != nil || alone.Switches != nil {
		t.Errorf("the row of a server of one client: %+v", alone)
	}
}

// TestAnsweredIsWhatWasAnsweredAtAll: an answer that came after the window is one too.
func TestAnsweredIsWhatWasAnsweredAtAll(t *testing.T) {
	v := measuredVisit(Server{Name: "late"}, 1, 1)
	v.Paced.Rate = 4000
	if got := answered(v); !equal(got, 1) {
		t.Errorf("answered is %v, want all", *got)
	}
	v.Paced.Unanswered = 20_000 // more than were due
	if got := answered(v); got == nil || *got != 0 {
		t.Errorf("answered is %v, want nothing", got)
	}
}

// TestReferenceThatServesSomeOnly is none to compare with.
func TestReferenceThatServesSomeOnly(t *testing.T) {
	r := example()
	for _, v := range r.Visits {
		if v.Server == "good" && !v.Again && v.Round > 1 {
			v.Served = 99
		}
	}
	if e := r.Summaries()[1].RatioPaced; e == nil || e.N != 1 {
		t.Errorf("the ratio where one round can be compared: %+v", e)
	}
}
