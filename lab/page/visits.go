package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/results"
)

// visitTable is the table of all measurements: a line for each server under each load, in each kind
// of window, in each run.
type visitTable struct {
	Columns   []column
	Rows      []visitRow
	Workloads []string
	Windows   []string
}

// column is a figure of a visit.
type column struct {
	Name     string
	Unit     string
	Meaning  string // for who does not know it
	quantity quantity
	value    func(*results.Visit, *results.Window) *float64 // nil: not measured
	least    float64                                        // what is less may be nothing
}

// visitRow is a line of the table.
type visitRow struct {
	Run      string
	Workload string
	Server   string
	Load     string
	Window   string
	Cells    []visitCell
	Trouble  string // what went wrong
}

// visitCell is a figure: what is written, and what is sorted by.
type visitCell struct {
	Sort   string // empty: not measured, and last in any order
	Text   string
	Spread string
	Kinds  string // what it is made of
	Delta  *delta
}

// callsColumn is the column whose figures are those of counted visits, too.
const callsColumn = "calls"

// columns are the figures of the table.
func columns() []column {
	window := func(get func(*results.Window) *float64) func(*results.Visit,
		*results.Window) *float64 {
		return func(_ *results.Visit, w *results.Window) *float64 {
			if w == nil {
				return nil
			}
			return get(w)
		}
	}
	latency := func(get func(*results.Window) int64) func(*results.Visit,
		*results.Window) *float64 {
		return window(func(w *results.Window) *float64 { return positive(float64(get(w))) })
	}
	visit := func(get func(*results.Visit) *float64) func(*results.Visit,
		*results.Window) *float64 {
		return func(v *results.Visit, _ *results.Window) *float64 { return get(v) }
	}
	return []column{
		{"rate", "messages/s", "answers per second, of all connections together", plain,
			window(func(w *results.Window) *float64 { return &w.Rate }), 0},
		{"p50", "latency", "half of the answers took no longer", nanoseconds,
			latency(func(w *results.Window) int64 { return w.LatencyP50 }), 0},
		{"p99", "latency", "99 of 100 answers took no longer", nanoseconds,
			latency(func(w *results.Window) int64 { return w.LatencyP99 }), 0},
		{"p99.9", "latency", "999 of 1,000 answers took no longer", nanoseconds,
			latency(func(w *results.Window) int64 { return w.LatencyP999 }), 0},
		{"last p99", "latency", "of what is published, for 99 of 100 lines: from when a line was " +
			"due until the last connection had it; the other figures are of single deliveries",
			nanoseconds, latency(func(w *results.Window) int64 { return w.LastP99 }), 0},
		{"CPU", "µs/message", "CPU time of the server's whole process tree", plain,
			window(func(w *results.Window) *float64 { return w.CPUMicros }), 0},
		{"switches", "per message", "context switches", plain,
			window(func(w *results.Window) *float64 { return w.Switches }), 0},
		{callsColumn, "per message", "system calls, where they were counted, in a visit of its " +
			"own, as counting slows them down; and of which kinds they are: receive has read " +
			"and its kin, send has write and its, wait has epoll_wait, poll, select and " +
			"io_uring_enter, threads what locks and a scheduler take, as futex", plain,
			window(func(w *results.Window) *float64 { return w.Calls }), 0},
		{"memory", "per connection", "what a silent connection adds, as proportional set size; " +
			"the kernel's own, such as socket buffers, is not in it", memory,
			visit(func(v *results.Visit) *float64 { return v.ConnBytes }), 1 << 10},
		{"memory gained", "", "of all processes, from before the load to its end", memory,
			visit(func(v *results.Visit) *float64 { return v.GrownBytes }), 0},
		{"idle CPU", "of one CPU", "the share that is used while all connections are silent",
			percent, visit(func(v *results.Visit) *float64 { return v.IdleCPU }), 0},
		{"threads", "", "with all connections open", whole,
			visit(func(v *results.Visit) *float64 { return positive(float64(v.Threads)) }), 0},
		{"processes", "", "with all connections open", whole,
			visit(func(v *results.Visit) *float64 { return positive(float64(v.Processes)) }), 0},
		{"served", "connections", "connections that got an answer", whole,
			visit(func(v *results.Visit) *float64 { return new(float64(v.Served)) }), 0},
		{"lost", "connections", "connections that the server lost, at any time", whole,
			visit(func(v *results.Visit) *float64 { return new(float64(v.Lost)) }), 0},
	}
}

// positive returns x where it was measured: 0 says that it was not.
func positive(x float64) *float64 {
	if x <= 0 {
		return nil
	}
	return &x
}

// group is the visits to one server under one load.
type group struct {
	workload, server string
	load             results.Load
	visits           []*results.Visit // in the order in which they were made
	counted          []*results.Visit // beside those: their system calls were counted
}

// groups sorts visits into groups, in the order in which they come.
func groups(visits []*results.Visit) []*group {
	type key struct {
		workload, server string
		load             results.Load
	}
	var all []*group
	known := make(map[key]*group)
	for _, v := range visits {
		k := key{v.Workload, serverName(v), v.Load}
		if known[k] == nil {
			known[k] = &group{workload: k.workload, server: k.server, load: k.load}
			all = append(all, known[k])
		}
		known[k].visits = append(known[k].visits, v)
	}
	return all
}

// noWindow is the kind of window of a server of which nothing was measured in any.
const noWindow = results.Published + 1

// kinds returns the kinds of windows that a group has.
func (g *group) kinds() []results.Kind {
	var all []results.Kind
	for _, k := range []results.Kind{results.Saturated, results.Paced, results.Churned,
		results.Batched, results.Published} {
		has := func(v *results.Visit) bool { return v.Window(k) != nil }
		if slices.ContainsFunc(g.visits, has) {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return []results.Kind{noWindow}
	}
	return all
}

// windowName says what the load generator did in a window.
func windowName(k results.Kind) string {
	switch k {
	case results.Saturated:
		return "saturated"
	case results.Paced:
		return "fixed rate"
	case results.Churned:
		return "a connection each"
	case results.Batched:
		return "all at once"
	case results.Published:
		return "published"
	}
	return "none"
}

// lineKey identifies what can be compared between runs.
type lineKey struct {
	workload, server string
	load             results.Load
	kind             results.Kind
}

// visits returns the table of all runs. Lines of several runs that can be compared follow each
// other.
func (v *view) visits() visitTable {
	t := visitTable{Columns: columns()}
	var order []lineKey
	lines := make(map[lineKey][]*group)
	var workloads []string
	for i, r := range v.runs {
		for _, g := range withCounted(r.Set) {
			workloads = appendOnce(workloads, g.workload)
			for _, k := range g.kinds() {
				key := lineKey{g.workload, g.server, g.load, k}
				if lines[key] == nil {
					lines[key] = make([]*group, len(v.runs))
					order = append(order, key)
				}
				lines[key][i] = g
			}
		}
	}
	slices.SortStableFunc(order, func(a, b lineKey) int {
		return cmp.Or(
			slices.Index(workloads, a.workload)-slices.Index(workloads, b.workload),
			compareLoads(a.load, b.load),
			int(a.kind-b.kind),
			v.serverOrder(a.server)-v.serverOrder(b.server))
	})
	for _, key := range order {
		t.Workloads = appendOnce(t.Workloads, key.workload)
		t.Windows = appendOnce(t.Windows, windowName(key.kind))
		var first []results.Estimate
		for i, g := range lines[key] {
			if g == nil {
				continue
			}
			row, estimates := g.row(t.Columns, key.kind)
			row.Run = v.Runs[i].Letter
			if i == 0 {
				first = estimates
			}
			for c := range estimates {
				if i > 0 && first != nil {
					row.Cells[c].Delta = compare(first[c], estimates[c])
				}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// compareLoads orders loads from the smaller to the larger.
func compareLoads(a, b results.Load) int {
	return cmp.Or(cmp.Compare(a.Conns, b.Conns), cmp.Compare(a.Idle, b.Idle),
		cmp.Compare(a.Deaf, b.Deaf), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Depth, b.Depth),
		cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Heavy, b.Heavy),
		cmp.Compare(number(a.Batch), number(b.Batch)),
		cmp.Compare(a.Service, b.Service), cmp.Compare(a.Wait, b.Wait), cmp.Compare(a.Work, b.Work),
		cmp.Compare(a.Backend, b.Backend))
}

// row returns the line of a group's windows of a kind, and what its figures are.
func (g *group) row(columns []column, k results.Kind) (visitRow, []results.Estimate) {
	load := g.load
	if k != results.Paced && k != results.Published {
		load.Rate = 0 // of the other window
	}
	row := visitRow{Workload: g.workload, Server: g.server, Load: describe(load),
		Window: windowName(k), Trouble: g.trouble()}
	var estimates []results.Estimate
	for _, c := range columns {
		var values []float64
		visits := g.visits
		if c.Name == callsColumn {
			visits = slices.Concat(visits, g.counted)
		}
		for _, v := range visits {
			if x := c.value(v, v.Window(k)); x != nil && finite(*x) {
				values = append(values, *x)
			}
		}
		e := results.NewEstimate(values)
		estimates = append(estimates, e)
		cell := newVisitCell(c, e)
		if c.Name == callsColumn && e.N > 0 {
			cell.Kinds = kindsOf(visits, k)
		}
		row.Cells = append(row.Cells, cell)
	}
	return row, estimates
}

// newVisitCell writes a figure.
func newVisitCell(c column, e results.Estimate) visitCell {
	if e.N == 0 {
		return visitCell{Text: "n/a"}
	}
	in := c.quantity(e.Median)
	cell := visitCell{Sort: strconv.FormatFloat(e.Median, 'g', -1, 64), Text: in.write(e.Median)}
	switch {
	case c.least > 0 && e.Median < c.least: // or even less than nothing
		in = c.quantity(c.least)
		in.digits = 0
		cell.Text = "<" + in.write(c.least)
	case e.Low != e.High:
		cell.Spread = in.spread(e.Low, e.High)
	}
	return cell
}

// trouble says what went wrong in a group's visits, or why they have no figures.
func (g *group) trouble() string {
	var all []string
	add := func(what, text string) {
		if text != "" {
			all = appendOnce(all, what+text)
		}
	}
	failed := 0
	for _, v := range g.visits {
		if v.Error != "" {
			failed++
		}
	}
	if failed > 0 {
		all = append(all, fmt.Sprintf("%d of %s failed", failed,
			words.Count(len(g.visits), "round")))
	}
	for _, v := range g.visits {
		if v.WrongByte {
			add("", "a wrong byte")
		}
		add("", v.Error)
		add("first lost: ", v.First)
		add("not measured: ", v.Unsupported)
	}
	for _, v := range g.counted {
		add("system calls: ", cmp.Or(v.Error, v.Unsupported))
	}
	return strings.Join(all, "; ")
}

// number is what orders false before true.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// describe says what a load was, without what is usual.
func describe(l results.Load) string {
	parts := []string{words.Count(l.Conns, "connection")}
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(l.Idle > 0, "%d idle", l.Idle)
	add(l.Deaf > 0, "%d that never read", l.Deaf)
	add(l.Heavy > 0, "%d that compute", l.Heavy)
	add(l.Size > 0, "%s", quantity(memory).set(float64(l.Size)))
	add(l.Depth > 1, "%d in flight", l.Depth)
	add(l.Batch, "all at once")
	add(l.Rate > 0, "%s/s", quantity(plain).set(l.Rate))
	add(l.Wait > 0, "wait %s", quantity(seconds).set(l.Wait))
	add(l.Work > 0, "work %s", quantity(seconds).set(l.Work))
	add(l.Service != "", "service %s", l.Service)
	add(l.Backend != "", "on %s", l.Backend)
	add(l.Free, "on every CPU")
	return strings.Join(parts, ", ")
}
