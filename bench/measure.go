package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// compare makes the servers, measures them under each workload and writes the tables.
func compare(ctx context.Context, o options, out, stderr io.Writer) (err error) {
	w, err := newWorkshop(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	servers, absent := o.make(w)
	if o.list {
		listAll(out, o, servers, absent)
		return nil
	}
	for _, line := range absent {
		fmt.Fprintln(out, line)
	}
	if len(servers) == 0 {
		return errors.New("no server can be made here")
	}
	keep, closeResults, err := o.keep()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeResults()) }()
	fmt.Fprintln(out, "CPU (in all, in the program, in the kernel), system calls and switches of "+
		"threads are per message")
	if why := lab.CallsCounted(); o.calls && why != nil {
		fmt.Fprintln(out, lab.NoCalls(why))
		o.calls = false
	}
	began := time.Now()
	var all []outcome
	var failed error
	for _, load := range o.workloads {
		r, err := measure(ctx, o, load, servers, keep, stderr)
		if r.report != nil {
			r.write(out)
			all = append(all, r)
		}
		if ctx.Err() != nil {
			failed = err
			break
		}
		failed = errors.Join(failed, err)
	}
	writeMatrix(out, all)
	fmt.Fprintf(out, "\n%v in all\n", time.Since(began).Round(time.Second))
	return failed
}

// keep returns what keeps the results, where they are asked for, after the line that says what run
// it is; and a function that must be called at its end.
func (o *options) keep() (keep *results.Writer, end func() error, err error) {
	keep, end = results.NewWriter(io.Discard), func() error { return nil }
	if o.json != "" {
		file, err := os.Create(o.json)
		if err != nil {
			return nil, nil, fmt.Errorf("write results: %w", err)
		}
		keep, end = results.NewWriter(file), file.Close
	}
	run := results.Run{Version: results.Version, Time: time.Now(), Args: os.Args[1:], Seed: o.seed,
		Machine: lab.Look()}
	if err := keep.Write(results.Record{Run: &run}); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return keep, end, nil
}

// make makes the servers that were chosen, and says why others are absent.
func (o *options) make(w *workshop) (servers []lab.Server, absent []string) {
	for _, p := range o.peers() {
		if len(o.servers) > 0 && !slices.Contains(o.servers, p.name) {
			continue
		}
		command, err := p.command(w)
		if err != nil {
			absent = append(absent, fmt.Sprintf("%s: left out: %v", p.name, err))
			continue
		}
		servers = append(servers, lab.Server{Name: p.name, Command: command})
	}
	if len(o.servers) == 0 {
		why := missing()
		for _, name := range slices.Sorted(maps.Keys(why)) {
			absent = append(absent, fmt.Sprintf("%s: left out: %s", name, why[name]))
		}
	}
	return servers, absent
}

// outcome is what a workload has shown.
type outcome struct {
	workload workload
	report   *lab.Report
	calls    *lab.Report // of the round in which system calls were counted; nil if they were not
}

// measure measures the servers under one workload.
func measure(ctx context.Context, o options, load workload, servers []lab.Server,
	keep *results.Writer, stderr io.Writer) (outcome, error) {
	cfg := load.config(o, servers)
	cfg.Record = keep.Write
	var done, round int
	cfg.Begin = func(_ results.Machine, visits int) { round = visits }
	cfg.Progress = func(v results.Visit) {
		if done++; done%round == 0 {
			fmt.Fprintf(stderr, "%s: round %d of %d\n", load.name, v.Round, o.rounds)
		}
	}
	report, err := lab.Run(ctx, cfg)
	r := outcome{workload: load, report: report}
	if err != nil {
		err = fmt.Errorf("%s: %w", load.name, err)
	}
	if !o.calls || ctx.Err() != nil || report == nil {
		return r, err
	}
	o.rounds, o.window = 1, o.window/2 // calls need no time to be counted well
	cfg = load.config(o, servers)
	cfg.CountCalls, cfg.Record = true, keep.Write
	cfg.Reference = "" // nothing of this round is compared
	// What fails here has failed before, or is shown as not available.
	r.calls, _ = lab.Run(ctx, cfg)
	return r, err
}

// listAll writes what there is.
func listAll(out io.Writer, o options, servers []lab.Server, absent []string) {
	fmt.Fprintln(out, "workloads:")
	for _, w := range o.workloads {
		fmt.Fprintf(out, "  %-10s %s\n", w.name, w.title)
	}
	fmt.Fprintln(out, "servers:")
	for _, s := range servers {
		fmt.Fprintf(out, "  %s\n", s.Name)
	}
	for _, line := range absent {
		fmt.Fprintln(out, " ", line)
	}
}
