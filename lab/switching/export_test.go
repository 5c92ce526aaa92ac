package switching

import (
	"context"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// PartnerVariable is what makes a process the other party.
const PartnerVariable = partnerVariable

// MeasureWay measures a way to pass the token that is no kind.
func MeasureWay(ctx context.Context, d time.Duration, pass func(n int) (int64, error),
	usage func() (sys.Usage, error)) (Result, error) {
	return measure(ctx, d, way{pass, usage})
}

// MeasureProcesses is Measure of Processes, where the other one may take so long to begin and to
// end.
func MeasureProcesses(ctx context.Context, d, begin, end time.Duration) (Result, error) {
	return patience{begin, end}.processes(ctx, d)
}

// The seams of what is tested by itself.
var (
	Quantile  = quantile
	RunWithin = runWithin
)
