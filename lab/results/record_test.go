package results

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/load"
)

// example has a record of each kind.
func example() []Record {
	h := hdrhistogram.New(1, 60e9, 3)
	for i := range int64(100) {
		_ = h.RecordValue(i * i * 1000)
	}
	return []Record{
		{Run: &Run{Version: Version, Time: time.Unix(1e9, 0).UTC(), Args: []string{"lab"}, Seed: 7,
			Rounds: map[string]int{"storm": 5}, Machine: Machine{OS: "plan9/mips", CPUs: 2}}},
		{Model: &Model{Name: "streams", Source: "package models\n", OwnLines: 1, Tests: new(0)}},
		{Visit: &Visit{Workload: "storm", Round: 1, Server: "streams", Load: Load{Conns: 100},
			Saturated: &Window{Report: load.Report{Rate: 1e5}, CPUMicros: new(4.5),
				Latency: &Latencies{h}}}},
		{Counted: &Visit{Workload: "storm", Server: "streams", Saturated: &Window{
			Calls: new(2.25), CallKinds: &Calls{Receive: 1, Send: 1, Threads: 0.25}}}},
		{Switch: &Switch{Kind: "threads", Nanos: 1500, Kernel: new(1.0)}},
		{Timeline: []byte(`{"model":"streams"}`)},
		{End: &End{Seconds: 12.5, Interrupted: "by hand"}},
	}
}

// written is what a Writer makes of records.
func written(t *testing.T, records []Record) string {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestWhatIsWrittenIsRead, every figure of it.
func TestWhatIsWrittenIsRead(t *testing.T) {
	text := written(t, example())
	if n := strings.Count(text, "\n"); n != len(example()) {
		t.Errorf("%d lines for %d records", n, len(example()))
	}
	got, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var want Set
	for _, r := range example() {
		want.Add(r)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("what was written (-) is not what is read (+):\n%s", diff)
	}
	if p50 := got.Visits[0].Saturated.Latency.ValueAtQuantile(50); p50 < 2.3e6 || p50 > 2.5e6 {
		t.Errorf("the median is %d", p50)
	}
	if len(got.Visits) != 1 || len(got.Counted) != 1 {
		t.Errorf("%d visits, and %d that counted calls", len(got.Visits), len(got.Counted))
	}
	if !strings.Contains(text, `"systemCallsPerMessage":2.25,"systemCallsPerMessageByKind":`+
		`{"receive":1,"send":1,"wait":0,"accept":0,"threads":0.25,"other":0}`) {
		t.Errorf("the calls are not in\n%s", text)
	}
	if got.Model("streams") == nil || got.Model("tea") != nil {
		t.Error("models are found by their names")
	}
}

// TestAFileThatWasCut is read as far as it goes, wherever the cut is.
func TestAFileThatWasCut(t *testing.T) {
	text := written(t, example())
	first := strings.Index(text, "\n") + 1
	for n := range text {
		set, err := Read(strings.NewReader(text[:n]))
		if (err == nil) != (n >= first) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(text), err)
		}
		if err == nil && set.End != nil {
			t.Fatalf("cut after %d of %d bytes it has an end", n, len(text))
		}
	}
}

func TestWrongResults(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "no line that says what run this is",
		"\n\n":                    "no line that says what run this is",
		`{"end":{}}` + "\n":       "no line that says what run this is",
		"tea\n":                   "line 1: invalid character",
		`{"run":7}` + "\n":        "line 1: json: cannot unmarshal",
		`{"run":{"version":99}}}`: "no line that says what run this is",
		`{"run":{"version":99}}` + "\n": "line 1: version 99 of the format: this program " +
			"knows 2",
		`{"run":{"version":1}}` + "\n" + `{"run":{"version":1}}` + "\n": "line 2: a second run",
		`{"run":{"version":1}}` + "\n" + `{"visit":{"paced":{"latencies":"tea"}}}` + "\n": "line " +
			"2: decode latencies: ",
		`{"run":{"version":1}}` + "\n" + `{"visit":{"paced":{"latencies":7}}}` + "\n": "line 2: ",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Read(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("a file that cannot be read: %v", err)
	}
	if err := NewWriter(broken{}).Write(Record{End: &End{}}); !errors.Is(err, errBroken) {
		t.Errorf("a file that cannot be written: %v", err)
	}
}

// full is a disk that has no room for the second line, and has some again later.
type full struct {
	bytes.Buffer
	lines int
}

func (f *full) Write(p []byte) (int, error) {
	if f.lines++; f.lines == 2 {
		n, _ := f.Buffer.Write(p[:len(p)/2])
		return n, errBroken
	}
	return f.Buffer.Write(p)
}

// TestDiskThatIsFull: what was written before can be read.
func TestDiskThatIsFull(t *testing.T) {
	f := &full{}
	w := NewWriter(f)
	var errs []error
	for _, r := range example() {
		errs = append(errs, w.Write(r))
	}
	if errs[0] != nil || !errors.Is(errs[1], errBroken) || !errors.Is(errs[5], errBroken) {
		t.Errorf("%v", errs)
	}
	if _, err := Read(&f.Buffer); err != nil {
		t.Errorf("what was written before: %v", err)
	}
}

var errBroken = errors.New("the disk is broken")

// broken is a file that cannot be read or written.
type broken struct{}

func (broken) Read([]byte) (int, error)  { return 0, errBroken }
func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestTitles(t *testing.T) {
	r := Run{Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	if got := r.Title(); got != "2030-01-02 03:04" {
		t.Errorf("%q", got)
	}
	r.Machine = Machine{CPU: "a CPU", Commit: "0123456789abcdef"}
	if got := r.Title(); got != "2030-01-02 03:04, a CPU, 01234567" {
		t.Errorf("%q", got)
	}
}

// TestLatenciesOfSeveralRounds are put together, and none is changed by that.
func TestLatenciesOfSeveralRounds(t *testing.T) {
	var all *Latencies
	one := example()[2].Visit.Saturated.Latency
	for range 3 {
		all = all.Plus(one)
	}
	if all = all.Plus(nil); all.TotalCount() != 300 || one.TotalCount() != 100 {
		t.Errorf("%d together, %d in each", all.TotalCount(), one.TotalCount())
	}
	wide := &Latencies{hdrhistogram.New(1, 600e9, 3)}
	if err := wide.RecordValue(500e9); err != nil {
		t.Fatal(err)
	}
	if got := wide.Plus(one); got.TotalCount() != 101 || got.Max() < 490e9 {
		t.Errorf("of one with a wider range: %d, up to %d", got.TotalCount(), got.Max())
	}
	if all.Equal(one) || !one.Equal(one) || one.Equal(nil) {
		t.Error("equal are those with the same values")
	}
}

// TestKindsOfCallsAddUp: each is one of the fields, and those that show are named.
func TestKindsOfCallsAddUp(t *testing.T) {
	var c Calls
	for i, n := range c.Numbers() {
		*n += float64(i + 1)
	}
	if len(c.Names()) != len(c.Numbers()) {
		t.Errorf("the kinds are %q", c.Names())
	}
	if want := (Calls{1, 2, 3, 4, 5, 6}); c != want || c.Total() != 21 {
		t.Errorf("%+v, %g in all", c, c.Total())
	}
	c = Calls{Receive: 1.004, Send: 0.004, Threads: 0.25}
	if got := c.String(); got != "receive 1.00, threads 0.25" {
		t.Errorf("%q", got)
	}
}

// TestCallsOfSeveralVisits are medians, of those in which they were counted.
func TestCallsOfSeveralVisits(t *testing.T) {
	var visits []*Visit
	for _, n := range []float64{1, 5, 2} {
		visits = append(visits, &Visit{Saturated: &Window{CallKinds: &Calls{Send: n, Wait: -n}}},
			&Visit{Saturated: &Window{}, Paced: &Window{}}, &Visit{})
	}
	if got := Saturated.Calls(visits); got == nil || *got != (Calls{Send: 2, Wait: -2}) {
		t.Errorf("%+v", got)
	}
	if got := Paced.Calls(visits); got != nil {
		t.Errorf("calls that were not counted: %+v", got)
	}
}
