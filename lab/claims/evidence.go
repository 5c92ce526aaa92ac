package claims

import (
	"fmt"

	"github.com/kettle-go/kettle/lab/results"
)

// evidence is a set of results, and how claims look at it.
type evidence struct{ *results.Set }

// notMeasured is the verdict for want of results.
func notMeasured(format string, args ...any) Verdict {
	return Verdict{Status: NotMeasured, Why: fmt.Sprintf(format, args...)}
}

// holdsIf is the status of what needs no tolerance.
func holdsIf(ok bool) Status {
	if ok {
		return Holds
	}
	return DoesNotHold
}
