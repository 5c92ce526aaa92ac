package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a measured window has shown.
type Result struct {
	Size    int     // bytes of a request and, but for the service count, of its answer
	Depth   int     // requests in flight on a connection; 0 for a fixed rate
	Offered float64 // requests per second that were due; 0 for a closed loop
	Churn   bool    // each request had a connection of its own
	Batch   bool    // so it had, and all of them were made at once
	Fanout  bool    // lines were published: Requests are deliveries, and Offered is lines

	Conns    int           // connections that took part
	Requests int64         // answered in the window
	Bytes    int64         // received in the window
	Elapsed  time.Duration // the window's length

	Served int   // connections that were answered at least once in the window
	Silent int   // connections that owed an answer when the drain had ended
	Stuck  bool  // some are silent, and in the latter half of the drain nothing has come from any
	Lost   int   // connections that the server closed or broke during the phase
	First  error // of the first connection that ever failed or was lost; nil if none was

	// Latency has the latencies in nanoseconds, to three digits; more than 60 s count as 60 s.
	// Those of heavy connections are in Heavy instead, which is nil if there are none.
	Latency *hdrhistogram.Histogram
	Heavy   *hdrhistogram.Histogram

	HeavyConns    int   // of Conns, those that were heavy
	HeavyRequests int64 // of Requests, those of heavy connections

	// What deaf connections have sent, since the load was made: DeafMost each, or what a server and
	// the buffers on the way to it have taken. They are in no other figure.
	DeafConns int   // that were connected
	DeafLost  int   // that the server has ended
	DeafSent  int64 // bytes, of all of them

	// Of Fanout: the lines that were due in the window; the latencies of their last deliveries; and
	// deliveries that connections have missed, though a later line came, which are Unanswered too.
	Lines  int64
	Last   *hdrhistogram.Histogram
	Missed int64

	Counted *Counted // of the service count; nil for the others

	// Unanswered is how many requests that were due in the window had no answer at all; of a
	// closed loop, how many had none when the drain had ended.
	Unanswered int64

	// Late is how many requests were sent more than 1 ms after they were due, and MaxLate by
	// how much the latest was. This is the generator's doing, never the server's: many late
	// requests make the latencies worthless.
	Late    int64
	MaxLate time.Duration

	// GeneratorCPU is the CPU time that the loop's thread used in the window; 0 where the
	// system does not tell. Close to Elapsed, the generator itself is the bottleneck.
	GeneratorCPU time.Duration
}

// Rate returns the requests answered per second.
func (r *Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Requests) / r.Elapsed.Seconds()
}

// Report is a Result in plain numbers, for JSON: one line per window. Names end in their
// unit, and what does not apply to the kind of window (a closed loop is not offered a rate, a
// fixed rate has no depth) is left out. Latencies are those of Result.Latency, so they have
// three digits.
type Report struct {
	Conns          int     `json:"conns"`
	Size           int     `json:"sizeBytes"`
	Depth          int     `json:"depth,omitempty"`
	Offered        float64 `json:"offeredPerSecond,omitempty"`
	Churn          bool    `json:"churn,omitempty"`
	Batch          bool    `json:"batch,omitempty"`
	Fanout         bool    `json:"fanout,omitempty"` // requests are deliveries, of these lines
	Lines          int64   `json:"lines,omitempty"`
	LastP50        int64   `json:"lastDeliveryP50NS,omitempty"`
	LastP99        int64   `json:"lastDeliveryP99NS,omitempty"`
	LastMax        int64   `json:"lastDeliveryMaxNS,omitempty"`
	Missed         int64   `json:"missedDeliveries,omitempty"`
	Seconds        float64 `json:"seconds"`
	Requests       int64   `json:"requests"`
	Bytes          int64   `json:"bytes"`
	Rate           float64 `json:"ratePerSecond"`
	Served         int     `json:"served"`
	Silent         int     `json:"silent"`
	Lost           int     `json:"lost"`
	Unanswered     int64   `json:"unanswered"`
	LatencyMean    float64 `json:"latencyMeanNS"`
	LatencyP50     int64   `json:"latencyP50NS"`
	LatencyP99     int64   `json:"latencyP99NS"`
	LatencyP999    int64   `json:"latencyP999NS"`
	LatencyMax     int64   `json:"latencyMaxNS"`
	HeavyConns     int     `json:"heavyConns,omitempty"`
	HeavyRequests  int64   `json:"heavyRequests,omitempty"`
	HeavyP50       int64   `json:"heavyLatencyP50NS,omitempty"`
	HeavyP99       int64   `json:"heavyLatencyP99NS,omitempty"`
	HeavyMax       int64   `json:"heavyLatencyMaxNS,omitempty"`
	DeafConns      int     `json:"deafConns,omitempty"` // these are since the load was made
	DeafLost       int     `json:"deafLost,omitempty"`
	DeafSent       int64   `json:"deafSentBytes,omitempty"`
	CountAnswers   int64   `json:"countAnswers,omitempty"` // these too
	CountLowest    uint64  `json:"countLowest,omitempty"`
	CountHighest   uint64  `json:"countHighest,omitempty"`
	CountTwice     int64   `json:"countTwice,omitempty"`
	CountMissing   int64   `json:"countMissing,omitempty"`
	Late           int64   `json:"late"`
	MaxLate        int64   `json:"maxLateNS"`
	GeneratorShare float64 `json:"generatorCPUShare"` // of one CPU
	First          string  `json:"firstError,omitempty"`
}

// Report returns the result's numbers.
func (r *Result) Report() Report {
	report := Report{
		Conns:       r.Conns,
		Size:        r.Size,
		Depth:       r.Depth,
		Offered:     r.Offered,
		Churn:       r.Churn,
		Batch:       r.Batch,
		Seconds:     r.Elapsed.Seconds(),
		Requests:    r.Requests,
		Bytes:       r.Bytes,
		Rate:        r.Rate(),
		Served:      r.Served,
		Silent:      r.Silent,
		Lost:        r.Lost,
		Unanswered:  r.Unanswered,
		LatencyMean: r.Latency.Mean(),
		LatencyP50:  r.Latency.ValueAtQuantile(50),
		LatencyP99:  r.Latency.ValueAtQuantile(99),
		LatencyP999: r.Latency.ValueAtQuantile(99.9),
		LatencyMax:  r.Latency.Max(),
		DeafConns:   r.DeafConns,
		DeafLost:    r.DeafLost,
		DeafSent:    r.DeafSent,
		Late:        r.Late,
		MaxLate:     r.MaxLate.Nanoseconds(),
	}
	if r.Heavy != nil {
		report.HeavyConns, report.HeavyRequests = r.HeavyConns, r.HeavyRequests
		report.HeavyP50, report.HeavyP99 = r.Heavy.ValueAtQuantile(50), r.Heavy.ValueAtQuantile(99)
		report.HeavyMax = r.Heavy.Max()
	}
	if r.Fanout {
		report.Fanout, report.Lines, report.Missed = true, r.Lines, r.Missed
		report.LastP50, report.LastP99 = r.Last.ValueAtQuantile(50), r.Last.ValueAtQuantile(99)
		report.LastMax = r.Last.Max()
	}
	if c := r.Counted; c != nil {
		report.CountAnswers, report.CountTwice, report.CountMissing = c.Answers, c.Twice, c.Missing
		report.CountLowest, report.CountHighest = c.Lowest, c.Highest
	}
	if r.Elapsed > 0 {
		report.GeneratorShare = r.GeneratorCPU.Seconds() / r.Elapsed.Seconds()
	}
	if r.First != nil {
		report.First = r.First.Error()
	}
	return report
}
