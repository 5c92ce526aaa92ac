package claims

import (
	"fmt"

	"github.com/kettle-go/kettle/lab/results"
)

func serving(service string) func(results.Load) bool {
	return func(l results.Load) bool { return l.Service == service }
}

// lost returns how many updates of the counter were lost: as many numbers were given twice.
func lost(v *results.Visit) *float64 {
	if v.Saturated == nil || v.Saturated.CountAnswers == 0 || v.Error != "" {
		return nil
	}
	return new(float64(v.Saturated.CountTwice))
}

// needsLocks judges whether a counter that connections share comes out wrong without a lock where
// each has a thread, and right on one loop, and with a lock.
func needsLocks(e *evidence) Verdict {
	names := e.servers("shared")
	if len(names) == 0 {
		return notMeasured("shared was not run")
	}
	var v Verdict
	locked := Series{Name: "as it should be"}
	without := Series{Name: "without a lock"}
	for _, name := range names {
		right, wrong := e.of("shared", name, serving("count")),
			e.of("shared", name, serving("count-unlocked"))
		lostRight, lostWrong := estimate(right, lost), estimate(wrong, lost)
		price := ratio(right, wrong, cpu(results.Saturated))
		row := Row{Server: name, Figures: []Figure{
			measured("updates lost", lostRight, whole),
			measured("updates lost without a lock", lostWrong, whole),
			measured("CPU with the lock, times without", price, number),
		}}
		switch {
		case lostRight == nil:
			row.Status, row.Why = NotMeasured, why(right)
		case lostWrong == nil:
			row.Status, row.Why = NotMeasured, why(wrong)
		case name == "threads" || name == "goroutines":
			// In some rounds it may go well: one update that is lost in any is enough.
			row.Status = holdsIf(lostRight.High == 0 && lostWrong.High > 0)
		default:
			row.Status = holdsIf(lostRight.High == 0 && lostWrong.High == 0)
		}
		if lostWrong != nil {
			v.Figure = join(v.Figure, fmt.Sprintf("%s %.0f", name, lostWrong.Median))
		}
		locked.add(name, 0, lostRight)
		without.add(name, 0, lostWrong)
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows, []string{"threads", "goroutines"}, onOneLoop())
	if v.Figure != "" {
		v.Figure = "updates lost without a lock: " + v.Figure
	}
	v.Charts = []Chart{{Kind: Bars, Title: "Updates of one counter that were lost",
		YLabel: "updates", Series: []Series{locked, without},
		Models: []string{"threads", "streams"}}}
	return v
}
