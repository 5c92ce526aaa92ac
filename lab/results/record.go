// Package results is what a run of the lab leaves behind: plain data, one JSON value on a line for
// each thing that was measured. Tables, verdicts and pages are functions of it, and of nothing
// else: what is drawn from a file a year later is what was drawn when it was made.
//
//	{"run":{...}}       first: the machine, the program, its flags, the seed
//	{"model":{...}}     the source of a model, with its lines and branches
//	{"visit":{...}}     one server under one load, in one round
//	{"further":{...}}   the same after the planned rounds, for the claims that it names
//	{"counted":{...}}   the same while its system calls were counted, which slows it down
//	{"switch":{...}}    what one switch between two parties costs, in one round
//	{"timeline":{...}}  what one model did, event by event
//	{"end":{...}}       last: how long it took, and whether it was cut short
//
// A file whose last line is cut, as by a power failure, is read up to that line.
package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Version is that of the format: it changes when an older program would misread a file.
const Version = 2

// Record is one line. One of its fields is set.
type Record struct {
	Run      *Run            `json:"run,omitempty"`
	Model    *Model          `json:"model,omitempty"`
	Visit    *Visit          `json:"visit,omitempty"`
	Further  *Visit          `json:"further,omitempty"`
	Counted  *Visit          `json:"counted,omitempty"`
	Switch   *Switch         `json:"switch,omitempty"`
	Timeline json.RawMessage `json:"timeline,omitempty"` // for who knows what it is
	End      *End            `json:"end,omitempty"`
}

// Run says where, when and how a run was made.
type Run struct {
	Version int       `json:"version"`
	Time    time.Time `json:"time"`
	Args    []string  `json:"args,omitempty"` // of the command
	Seed    uint64    `json:"seed"`

	// Rounds are those that were planned, by workload.
	Rounds map[string]int `json:"rounds,omitempty"`

	Machine  Machine  `json:"machine"`
	Race     bool     `json:"race,omitempty"` // the program was built with the race detector
	Warnings []string `json:"warnings,omitempty"`
}

// Machine is where a run was made, and what it had to make do with.
type Machine struct {
	OS         string   `json:"os"`
	Kernel     string   `json:"kernel,omitempty"`
	CPU        string   `json:"cpu,omitempty"`
	CPUs       int      `json:"cpus"`
	Go         string   `json:"go"`
	Commit     string   `json:"commit,omitempty"`
	ServerCPUs []int    `json:"serverCPUs,omitempty"` // empty: not bound
	LoadCPUs   []int    `json:"loadCPUs,omitempty"`
	Notes      []string `json:"notes,omitempty"` // what is smaller or missing, and why
}

// Note adds to what is smaller or missing, once.
func (m *Machine) Note(text string) {
	if !slices.Contains(m.Notes, text) {
		m.Notes = append(m.Notes, text)
	}
}

// Model is the source of a model, as the program has it that was measured.
type Model struct {
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	File     string `json:"file"`
	Source   string `json:"source"`
	OwnLines int    `json:"ownLines"`        // of code in that file, without comments
	Lines    int    `json:"lines"`           // with the other files that the model needs
	Tests    *int   `json:"tests,omitempty"` // on the way from a wait to a client's code
}

// Switch is what one switch between two parties of a kind costs.
type Switch struct {
	Kind     string   `json:"kind"`
	Round    int      `json:"round"`
	Switches int64    `json:"switches"`
	Nanos    float64  `json:"nanosPerSwitch"`
	CPU      *float64 `json:"cpuNanosPerSwitch,omitempty"` // less noisy on a busy machine
	Kernel   *float64 `json:"kernelSwitchesPerSwitch,omitempty"`
	Missing  string   `json:"notMeasured,omitempty"` // why there are no figures
}

// End says how a run ended.
type End struct {
	Seconds     float64 `json:"seconds"`
	Interrupted string  `json:"interrupted,omitempty"` // why, if it did not come to its end
}

// Writer writes records, each as a line, at once. When one could not be written it writes no more:
// what came behind a line that was cut could not be read.
type Writer struct {
	w   io.Writer
	err error // of the line that could not be written
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes one record.
func (w *Writer) Write(r Record) error {
	if w.err != nil {
		return w.err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if _, err = w.w.Write(append(line, '\n')); err != nil {
		w.err = fmt.Errorf("write results: %w", err)
	}
	return w.err
}

// Set is what a file has.
type Set struct {
	Run       Run
	Models    []Model
	Visits    []*Visit
	Further   []*Visit // evidence for their Claims alone: see Visit
	Counted   []*Visit // of them nothing but the system calls is to be compared with others
	Switches  []Switch
	Timelines []json.RawMessage
	End       *End // nil: the run goes on, or was killed
}

// Add adds a record.
func (s *Set) Add(r Record) {
	switch {
	case r.Run != nil:
		s.Run = *r.Run
	case r.Model != nil:
		s.Models = append(s.Models, *r.Model)
	case r.Visit != nil:
		s.Visits = append(s.Visits, r.Visit)
	case r.Further != nil:
		s.Further = append(s.Further, r.Further)
	case r.Counted != nil:
		s.Counted = append(s.Counted, r.Counted)
	case r.Switch != nil:
		s.Switches = append(s.Switches, *r.Switch)
	case r.Timeline != nil:
		s.Timelines = append(s.Timelines, r.Timeline)
	case r.End != nil:
		s.End = r.End
	}
}

// Model returns the model of a name, nil if there is none.
func (s *Set) Model(name string) *Model {
	for i := range s.Models {
		if s.Models[i].Name == name {
			return &s.Models[i]
		}
	}
	return nil
}

// Read reads what a Writer has written. The error names the line that is wrong; one that lacks its
// end is passed over.
func Read(r io.Reader) (*Set, error) {
	s := &Set{}
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read results: %w", err)
		}
		if err != nil { // what has no end was not written to its end
			break
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(line, &rec); err != nil {
			return nil, fmt.Errorf("read results: line %d: %w", n, err)
		}
		if rec.Run != nil && rec.Run.Version > Version {
			return nil, fmt.Errorf("read results: line %d: version %d of the format: this program "+
				"knows %d", n, rec.Run.Version, Version)
		}
		if rec.Run != nil && s.Run.Version > 0 {
			return nil, fmt.Errorf("read results: line %d: a second run begins", n)
		}
		s.Add(rec)
	}
	if s.Run.Version == 0 {
		return nil, errors.New("read results: there is no line that says what run this is")
	}
	return s, nil
}

// Title names a run, for who sees two side by side.
func (r Run) Title() string {
	parts := []string{r.Time.Format("2006-01-02 15:04")}
	if r.Machine.CPU != "" {
		parts = append(parts, r.Machine.CPU)
	}
	if c := r.Machine.Commit; c != "" {
		parts = append(parts, c[:min(len(c), 8)])
	}
	return strings.Join(parts, ", ")
}
