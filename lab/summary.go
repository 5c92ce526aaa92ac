package lab

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kettle-go/kettle/lab/results"
)

// Summary is the row of one server: medians over the rounds, unless said otherwise. What is not
// available is nil.
type Summary struct {
	Server   Server
	Rounds   int // that were measured to their end
	Served   int // connections, in the best round
	Conns    int
	Rate     *float64                // answers per second, saturated
	Latency  *hdrhistogram.Histogram // at the fixed rate, all rounds together; ns
	Offered  float64
	Answered *float64 // share of what was due at the fixed rate that was answered at all

	Generator *float64 // share of a CPU that the load generator used, saturated
	Late      *float64 // share of the requests at the fixed rate that it sent late, all rounds

	CPUSaturated *float64 // µs per message
	CPUPaced     *float64
	Switches     *float64       // per message, at the fixed rate
	Calls        *results.Calls // system calls per message, saturated, in visits of their own
	ConnBytes    *float64
	IdleCPU      *float64 // share of one CPU
	Threads      int      // in the last round
	Processes    int

	RatioSaturated *results.Estimate // CPU per message to the reference's, of the same round
	RatioPaced     *results.Estimate
	Disturbed      int // rounds left out of RatioPaced, as the load was not what it should be

	Lost   int      // connections, in all rounds
	First  string   // why the first of them was lost
	Failed int      // visits that ended by an error
	Errors []string // of those, each once
}

// Summaries returns one row for each server, in the order in which they were given.
func (r *Report) Summaries() []Summary {
	var rows []Summary
	for _, s := range r.Servers {
		rows = append(rows, r.summary(s))
	}
	return rows
}

func (r *Report) summary(s Server) Summary {
	visits := r.visitsOf(s)
	saturated, paced := r.Figures(s, results.Saturated), r.Figures(s, results.Paced)
	sum := Summary{Server: s, Conns: r.Config.Conns + r.Config.IdleConns, Offered: r.Config.Rate,
		Rate: saturated.Rate, CPUSaturated: saturated.CPU, RatioSaturated: saturated.Ratio,
		Latency: paced.Latency, CPUPaced: paced.CPU, RatioPaced: paced.Ratio,
		Switches: paced.Switches, Disturbed: paced.Disturbed, Calls: r.counted(s)}
	var late, due float64
	for _, v := range visits {
		sum.Served = max(sum.Served, v.Served)
		if v.Error != "" {
			sum.Failed++
		}
		if v.Error != "" && !slices.Contains(sum.Errors, v.Error) {
			sum.Errors = append(sum.Errors, v.Error)
		}
		if sum.Lost += v.Lost; v.Lost > 0 && sum.First == "" {
			sum.First = v.First
		}
		if !r.Config.complete(v) {
			continue
		}
		sum.Rounds++
		sum.Threads, sum.Processes = v.Threads, v.Processes
		if v.Paced != nil {
			late += float64(v.Paced.Late)
			due += v.Paced.Offered * v.Paced.Seconds
		}
	}
	if due > 0 {
		sum.Late = new(late / due)
	}
	sum.Generator = middle(visits, generator)
	sum.Answered = middle(visits, answered)
	sum.ConnBytes = middle(visits, func(v *results.Visit) *float64 { return v.ConnBytes })
	sum.IdleCPU = middle(visits, func(v *results.Visit) *float64 { return v.IdleCPU })
	return sum
}

// complete reports whether a visit has every window that was asked for.
func (c Config) complete(v *results.Visit) bool {
	return (c.Saturate == 0 || v.Saturated != nil) && (c.Pace == 0 || v.Paced != nil) &&
		(c.Churn == 0 || v.Churned != nil) && (c.Fanout == 0 || v.Published != nil)
}

// partial reports whether the figures of the row are those of some of the connections only.
func (s Summary) partial() bool { return s.Rounds > 0 && s.Served < s.Conns }

func (r *Report) visitsOf(s Server) []*results.Visit {
	var visits []*results.Visit
	for _, v := range r.Visits {
		if v.Server == s.Name && v.Again == s.Again {
			visits = append(visits, v)
		}
	}
	return visits
}

// middle returns the median of a figure over the visits that have it.
func middle(visits []*results.Visit, figure func(*results.Visit) *float64) *float64 {
	var xs []float64
	for _, v := range visits {
		if x := figure(v); x != nil {
			xs = append(xs, *x)
		}
	}
	if len(xs) == 0 {
		return nil
	}
	slices.Sort(xs)
	return new(results.Median(xs))
}

func answered(v *results.Visit) *float64 {
	if v.Paced == nil || v.Paced.Offered <= 0 || v.Paced.Seconds <= 0 {
		return nil
	}
	return new(max(0, 1-float64(v.Paced.Unanswered)/(v.Paced.Offered*v.Paced.Seconds)))
}

func generator(v *results.Visit) *float64 {
	if v.Saturated == nil {
		return nil
	}
	return &v.Saturated.GeneratorShare
}
