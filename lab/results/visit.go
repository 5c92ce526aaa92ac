package results

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kettle-go/kettle/lab/load"
)

// Load is what a server was asked to bear in a visit.
type Load struct {
	Conns   int     `json:"conns"`                   // connections that take part
	Idle    int     `json:"idle,omitempty"`          // beside those, silent after one answer
	Deaf    int     `json:"deaf,omitempty"`          // beside those, that never read
	Size    int     `json:"size"`                    // bytes of a request
	Depth   int     `json:"depth,omitempty"`         // requests in flight on a connection
	Rate    float64 `json:"ratePerSecond,omitempty"` // at the fixed rate; of lines published
	Heavy   int     `json:"heavy,omitempty"`         // of Conns, those whose requests compute
	Batch   bool    `json:"batch,omitempty"`         // one request on each of Conns, all at once
	Service string  `json:"service,omitempty"`       // "" is upper
	Wait    float64 `json:"waitSeconds,omitempty"`   // that each request waits
	Work    float64 `json:"workSeconds,omitempty"`   // of CPU, of a heavy request
	Free    bool    `json:"notBound,omitempty"`      // the server may use every CPU
	Backend string  `json:"backend,omitempty"`       // of the server's loop
}

// Visit is what one server has shown in one round. Figures that are not available are missing.
type Visit struct {
	Time     time.Time `json:"time"`
	Workload string    `json:"workload,omitempty"`
	Round    int       `json:"round"`
	Server   string    `json:"server"`
	Again    bool      `json:"again,omitempty"` // the reference, measured a second time
	Command  []string  `json:"command"`
	Load     Load      `json:"load"`
	Seed     uint64    `json:"seed"`

	// Claims are those that were not decided by the planned rounds, of a visit that was made for
	// them. All others have been judged by then: more visits of what one of them rests on would be
	// another look at it, which nobody had a reason for.
	Claims []string `json:"claims,omitempty"`

	Served      int      `json:"served"`
	Lost        int      `json:"lost"`                 // connections, by the server, at any time
	First       string   `json:"firstError,omitempty"` // of the first that failed or was lost
	Threads     int      `json:"threads,omitempty"`
	Processes   int      `json:"processes,omitempty"`
	ConnBytes   *float64 `json:"bytesPerConn,omitempty"`
	IdleCPU     *float64 `json:"idleCPUShare,omitempty"` // of one CPU
	Saturated   *Window  `json:"saturated,omitempty"`
	Paced       *Window  `json:"paced,omitempty"`
	Churned     *Window  `json:"churned,omitempty"`
	Batched     *Window  `json:"batched,omitempty"`
	Published   *Window  `json:"published,omitempty"`  // whose messages are deliveries
	GrownBytes  *float64 `json:"grownBytes,omitempty"` // memory, from before the load to its end
	Error       string   `json:"error,omitempty"`
	WrongByte   bool     `json:"wrongByte,omitempty"`
	Unsupported string   `json:"notMeasured,omitempty"` // why figures are missing
}

// Asked returns how many connections were to be served.
func (v *Visit) Asked() int { return v.Load.Conns + v.Load.Idle }

// Window is what was measured between the two ends of a window.
type Window struct {
	load.Report
	Latency   *Latencies `json:"latencies,omitempty"`
	CPUMicros *float64   `json:"cpuMicrosPerMessage,omitempty"` // of the whole process tree
	Switches  *float64   `json:"switchesPerMessage,omitempty"`
	Calls     *float64   `json:"systemCallsPerMessage,omitempty"`
	CallKinds *Calls     `json:"systemCallsPerMessageByKind,omitempty"`

	User   float64 `json:"userSeconds,omitempty"` // by samples: see package meter
	System float64 `json:"systemSeconds,omitempty"`
}

// Kind is a kind of window.
type Kind int

// The kinds of windows that a visit can have.
const (
	Saturated Kind = iota
	Paced
	Churned
	Batched
	Published
)

// Window returns the visit's window of a kind; nil if it has none.
func (v *Visit) Window(k Kind) *Window {
	switch k {
	case Saturated:
		return v.Saturated
	case Paced:
		return v.Paced
	case Churned:
		return v.Churned
	case Batched:
		return v.Batched
	case Published:
		return v.Published
	}
	return nil
}

// Latencies are all latencies of a window, in nanoseconds, to three digits. In a file they are a
// compressed histogram in base64, in HdrHistogram's format (V2), so that those of several rounds
// can be put together.
type Latencies struct{ *hdrhistogram.Histogram }

// MarshalJSON returns the histogram in base64.
func (l Latencies) MarshalJSON() ([]byte, error) {
	text, err := l.EncodeV2()
	if err != nil {
		return nil, fmt.Errorf("encode latencies: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON reads what MarshalJSON returns.
func (l *Latencies) UnmarshalJSON(p []byte) error {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return fmt.Errorf("decode latencies: %w", err)
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("decode latencies: %w", err)
	}
	l.Histogram = h
	return nil
}

// Equal reports whether both have the same values.
func (l *Latencies) Equal(m *Latencies) bool {
	if l == nil || m == nil {
		return l == m
	}
	return l.Histogram.Equals(m.Histogram)
}

// Plus returns the latencies of both; either may be nil. All of them are in it, if one has a wider
// range.
func (l *Latencies) Plus(m *Latencies) *Latencies {
	if m == nil {
		return l
	}
	highest := m.HighestTrackableValue()
	if l != nil {
		highest = max(highest, l.HighestTrackableValue())
	}
	sum := hdrhistogram.New(1, highest, 3)
	if l != nil {
		sum.Merge(l.Histogram)
	}
	sum.Merge(m.Histogram)
	return &Latencies{sum}
}
