package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/workloads"
)

// The files of a run, in its directory.
const (
	resultsFile  = "results.jsonl"
	markdownFile = "report.md"
	pageFile     = "report.html"
)

// labRun is a run: what is kept of it, and what is said while it goes on.
type labRun struct {
	streams
	*labFlags
	set    results.Set
	writer *results.Writer
	screen screen
	told   map[string]bool // claims whose verdict has been said
	over   map[string]bool // workloads that have ended
	twice  bool            // who is not decided is looked at again at the end
}

// timeForAll is how long a run may take, by its scale, less what ends it, the last visit and the
// report. A full one takes as long as it takes, and looks at nothing twice.
var timeForAll = map[workloads.Scale]time.Duration{
	workloads.Quick:  34 * time.Second,
	workloads.Normal: 84 * time.Second,
}

// runLab runs the workloads, says of each claim what has become of it as soon as that is known, and
// writes the report, of what has been measured, also when it is interrupted.
func runLab(ctx context.Context, s streams, f *labFlags) (err error) {
	if err := os.MkdirAll(f.out, 0o777); err != nil {
		return fmt.Errorf("make the directory of the report: %w", err)
	}
	file, err := os.Create(filepath.Join(f.out, resultsFile))
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	defer func() {
		if closeErr := file.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("write results: %w", closeErr)
		}
	}()
	r := &labRun{streams: s, labFlags: f, writer: results.NewWriter(file),
		told: map[string]bool{}, over: map[string]bool{}}
	return r.run(ctx)
}

func (r *labRun) run(ctx context.Context) error {
	began := time.Now()
	o := r.options
	run := &results.Run{Version: results.Version, Time: began, Args: os.Args[1:], Seed: r.seed,
		Machine: lab.Look(), Race: raceBuild(), Rounds: o.AllRounds()}
	run.Warnings = warnings(run)
	if r.planned("storm") {
		if why := lab.CallsCounted(); why != nil {
			run.Machine.Note(lab.NoCalls(why))
		} else {
			o.CountCalls = true
		}
	}
	o.Machine = run.Machine
	if err := r.keep(results.Record{Run: run}); err != nil {
		return err
	}
	for _, m := range r.sources {
		if err := r.keep(results.Record{Model: &m}); err != nil {
			return err
		}
	}
	r.screen = newScreen(r.streams, o.Visits())
	for _, text := range append(r.missing, append(run.Warnings, run.Machine.Notes...)...) {
		r.screen.say(text)
	}
	o.Keep = r.keep
	o.Began = func(w workloads.Workload, cells, rounds int) {
		r.screen.begin(w.Name, w.About, cells, rounds)
	}
	o.Visited = func(w workloads.Workload, v *results.Visit) {
		r.screen.visited(w.Name, v)
	}
	o.Ended = func(w workloads.Workload, left []string) {
		for _, text := range left {
			r.screen.say(w.Name + ": left out: " + text)
		}
		r.over[w.Name] = true
		r.tellVerdicts(false)
	}
	if r.twice = r.looksTwice(); r.twice {
		o.Until = began.Add(timeForAll[o.Scale])
		o.Unclear = func() map[string][]*results.Visit {
			return claims.Unclear(claims.Of(&r.set))
		}
		o.Further = func(visits int) { r.screen.further(visits, o.Until) }
	}
	failed := workloads.Run(ctx, o)
	end := &results.End{Seconds: time.Since(began).Seconds()}
	if ctx.Err() != nil {
		end.Interrupted = context.Cause(ctx).Error()
	}
	err := r.keep(results.Record{End: end})
	r.tellVerdicts(true)
	r.screen.end()
	return errors.Join(failed, err, r.report())
}

// looksTwice reports whether what is not decided is looked at again: not where the user has said
// what is visited how often, or under which load.
func (f *labFlags) looksTwice() bool {
	o := &f.options
	return timeForAll[o.Scale] > 0 && o.Rounds == 0 && !o.All &&
		!slices.ContainsFunc(ofTheStorm, f.given)
}

// keep writes a record to the file, and adds it to what everything shown is made from.
func (r *labRun) keep(rec results.Record) error {
	r.set.Add(rec)
	return r.writer.Write(rec)
}

// tellVerdicts says what has become of the claims all of whose workloads have ended; at the end of
// all that had any.
func (r *labRun) tellVerdicts(last bool) {
	for _, v := range claims.Of(&r.set) {
		ran, due := false, true
		for _, name := range v.Claim.Workloads {
			ran = ran || r.over[name]
			due = due && (r.over[name] || !r.planned(name))
		}
		if later := !due || r.twice && v.Unclear(); r.told[v.Claim.ID] || !ran || later && !last {
			continue
		}
		r.told[v.Claim.ID] = true
		if v.Status != claims.NotMeasured || !r.options.All { // else its models were not chosen
			r.screen.verdict(v)
		}
	}
}

// planned reports whether a workload is part of the run.
func (r *labRun) planned(name string) bool {
	for _, w := range r.options.Workloads {
		if w.Name == name {
			return true
		}
	}
	return false
}

// report writes the tables, and the files.
func (r *labRun) report() error {
	if len(r.set.Visits) == 0 && len(r.set.Models) == 0 {
		return nil
	}
	if err := writeTables(r.streams.out, &r.set, r.screen.width); err != nil {
		return err
	}
	paths, err := writeReport(r.labFlags.out, &r.set)
	for _, path := range paths {
		r.screen.say("written: " + path)
	}
	return err
}

// writeTables writes the tables of the storm and of what was published, those that there are.
func writeTables(out io.Writer, set *results.Set, width int) error {
	write := func(table func(io.Writer, int) error) error {
		fmt.Fprintln(out)
		if err := table(out, width); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
		return nil
	}
	if storm := stormOf(set); storm != nil {
		if err := write(storm.WriteTable); err != nil {
			return err
		}
	}
	if published := publishedOf(set); published != nil {
		return write(published.WriteTable)
	}
	return nil
}

// publishedOf returns the table of what was published, nil if nothing was.
func publishedOf(set *results.Set) *lab.Published {
	var names []string
	for _, m := range set.Models {
		names = append(names, m.Name)
	}
	return lab.PublishedOf(set.Visits, names)
}

// stormOf returns the table of the storm, nil if there was none.
func stormOf(set *results.Set) *lab.Report {
	cfg := lab.Config{Seed: set.Run.Seed, Reference: referenceOf(set)}
	r := &lab.Report{Machine: set.Run.Machine}
	for _, v := range set.Visits {
		if v.Workload != "storm" {
			continue
		}
		r.Visits = append(r.Visits, v)
		l := v.Load
		cfg.Conns, cfg.IdleConns, cfg.Size, cfg.Depth = l.Conns, l.Idle, l.Size, l.Depth
		cfg.Rate = max(cfg.Rate, l.Rate)
		cfg.Rounds = max(v.Round, set.Run.Rounds["storm"])
		if v.Saturated != nil {
			cfg.Saturate = 1 // there is one
		}
		if v.Paced != nil {
			cfg.Pace = 1
		}
		r.AddServer(v, set.Model(v.Server))
	}
	if len(r.Visits) == 0 {
		return nil
	}
	for _, v := range set.Counted {
		if v.Workload == "storm" {
			r.Counted = append(r.Counted, v)
		}
	}
	if set.End != nil {
		r.Elapsed = time.Duration(set.End.Seconds * float64(time.Second))
	}
	if cfg.Saturate+cfg.Pace == 0 { // nobody came so far
		cfg.Saturate = 1
	}
	r.Config = cfg
	place := func(s lab.Server) int {
		i := slices.IndexFunc(set.Models, func(m results.Model) bool { return m.Name == s.Name })
		switch {
		case s.Again:
			return len(set.Models) + 1
		case i < 0:
			return len(set.Models)
		}
		return i
	}
	slices.SortStableFunc(r.Servers, func(a, b lab.Server) int {
		return cmp.Compare(place(a), place(b))
	})
	return r
}

// referenceOf returns the server that was measured again, to be compared with itself.
func referenceOf(set *results.Set) string {
	for _, v := range set.Visits {
		if v.Again {
			return v.Server
		}
	}
	return ""
}
