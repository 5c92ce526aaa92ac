package lab

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

// publishedVisit is a visit in which lines were published, of which some figures follow from n.
func publishedVisit(name string, round, conns int, n float64) *results.Visit {
	return &results.Visit{Round: round, Server: name, Served: conns, Workload: "fanout",
		Load:      results.Load{Conns: conns, Deaf: 10, Rate: 25, Size: 64, Service: "publish"},
		ConnBytes: new(3000 * n), GrownBytes: new(9e6 * n),
		Published: &results.Window{CPUMicros: new(4.5 * n), Report: load.Report{Fanout: true,
			Rate: 50_000 / n, LatencyP50: int64(60_000 * n), LastP50: int64(2e6 * n),
			LastP99: int64(30e6 * n)}}}
}

// TestTableOfWhatWasPublished: a row for each server under each load, of the medians.
func TestTableOfWhatWasPublished(t *testing.T) {
	if PublishedOf([]*results.Visit{{Server: "other", Workload: "storm"}}, nil) != nil {
		t.Error("where nothing was published there is a table")
	}
	var visits []*results.Visit
	for round, n := range []float64{1, 1.2, 1.1} {
		visits = append(visits, publishedVisit("b", round, 1990, n),
			publishedVisit("a", round, 1990, 2*n), publishedVisit("a", round, 190, n/10))
	}
	lossy := publishedVisit("lossy", 0, 1990, 5)
	lossy.Published.Unanswered, lossy.Lost, lossy.First = 7, 2, "connection 3: reset"
	lossy.Served -= 2
	lossy.Error = "it has left out 7 lines\nto connections that read"
	gone := &results.Visit{Server: "gone | <b>", Load: lossy.Load, Error: "start gone: it is gone"}
	p := PublishedOf(append(visits, lossy, gone), []string{"a", "b"})
	for name, write := range map[string]func(*bytes.Buffer) error{
		"published.golden":    func(b *bytes.Buffer) error { return p.WriteTable(b, 0) },
		"published.md.golden": func(b *bytes.Buffer) error { return p.WriteMarkdown(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		same(t, name, b.String())
	}
	var narrow bytes.Buffer
	if err := p.WriteTable(&narrow, 60); err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(narrow.String(), "\none connection publishes")
	for line := range strings.Lines(table) {
		if len([]rune(line)) > 61 {
			t.Errorf("wider than 60: %q", line)
		}
	}
}

// TestLinesThatAreLeftOutAreAFault, where a connection reads.
func TestLinesThatAreLeftOutAreAFault(t *testing.T) {
	v := &visitor{Visit: publishedVisit("a", 1, 190, 1)}
	if err := v.faults(load.Stats{}); err != nil {
		t.Error(err)
	}
	v.Published.Missed = 3
	err := v.faults(load.Stats{})
	if err == nil || err.Error() != "it has left out 3 lines to connections that read" {
		t.Errorf("%v", err)
	}
}
