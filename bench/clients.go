package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// The load generators that are compared, each with the C epoll server.
const (
	clientInC = "client in C"
	inGroups  = "client in C, in groups"
	labClient = "the lab's"
)

// groupInC is how many answers the client in C receives before it sends what follows, in groups.
const groupInC = 16

// forClients reports whether the workload is one that the client in C can make.
func (w workload) forClients() bool { return w.kind == results.Saturated && w.idle == 0 }

// chooseForClients leaves the workloads that both generators can make.
func (o *options) chooseForClients(named bool) error {
	if len(o.servers)+len(o.more) > 0 {
		return errors.New("-client compares load generators, all with the same server")
	}
	for _, w := range o.workloads {
		if named && !w.forClients() {
			return fmt.Errorf("workload %s: the client in C only saturates, all its connections",
				w.name)
		}
	}
	o.workloads = slices.DeleteFunc(o.workloads, func(w workload) bool { return !w.forClients() })
	return nil
}

// generators makes what the rows need: a server, and a client in C that is the reference.
func generators(w *workshop) ([]lab.Server, error) {
	server, err := placed(w.compile("c/epoll.c"))
	if err != nil {
		return nil, err
	}
	client, err := w.compile("c/client.c")
	if err != nil {
		return nil, err
	}
	by := func(group int) []string {
		return []string{client, "{addr}", "{conns}", "{size}", "{depth}", strconv.Itoa(group),
			"{warmup}", "{window}"}
	}
	return []lab.Server{
		{Name: clientInC, Command: server, Client: by(1)},
		{Name: inGroups, Command: server, Client: by(groupInC)},
		{Name: labClient, Command: server},
	}, nil
}

// compareClients measures the load generators under each workload and writes the tables.
func compareClients(ctx context.Context, o options, out, stderr io.Writer) (err error) {
	w, err := newWorkshop(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	rows, err := generators(w)
	if err != nil {
		return fmt.Errorf("the load generators cannot be compared here: %w", err)
	}
	if o.list {
		listAll(out, o, rows, nil)
		return nil
	}
	keep, closeResults, err := o.keep()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeResults()) }()
	fmt.Fprintf(out, "load generators, each with the %s server; CPU is theirs, per message; the "+
		"ratio is of messages/s, to the %s of the same round\n", reference, clientInC)
	began := time.Now()
	var failed error
	for _, load := range o.workloads {
		o.calls = false // they are counted of servers
		r, err := measure(ctx, o, load, rows, keep, stderr)
		if r.report != nil {
			r.writeClients(out)
		}
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Fprintf(out, "\n%v in all\n", time.Since(began).Round(time.Second))
	return failed
}

// writeClients writes the table of a workload.
func (r outcome) writeClients(out io.Writer) {
	rows := [][]string{{"", "messages/s", "CPU µs", "busy", "ratio", "interval", ""}}
	for _, s := range r.report.Servers {
		f := r.report.Figures(s, r.workload.kind)
		cells := []string{rowName(s), figure(f.Rate, "%.0f"), figure(r.clientCPU(s), "%.2f"), "n/a",
			"", "", ""}
		if f.Generator != nil {
			cells[3] = fmt.Sprintf("%.0f%%", 100**f.Generator)
		}
		compared(cells[4:], f.RateRatio)
		rows = append(rows, cells)
	}
	fmt.Fprintf(out, "\n%s (%s)\n\n", r.workload.title, r.workload.name)
	writeRows(out, rows)
	for i, s := range r.report.Summaries() {
		for _, err := range s.Errors {
			fmt.Fprintln(out, rowName(r.report.Servers[i])+": "+oneLine(err))
		}
	}
	for _, note := range r.report.Machine.Notes {
		fmt.Fprintln(out, note)
	}
}

// clientCPU returns the median of the CPU time that a generator has used for a message, in µs; nil
// if there is none.
func (r outcome) clientCPU(s lab.Server) *float64 {
	var xs []float64
	for _, v := range r.report.Visits {
		w := v.Window(r.workload.kind)
		if v.Server == s.Name && v.Again == s.Again && w != nil && w.Rate > 0 {
			xs = append(xs, 1e6*w.GeneratorShare/w.Rate)
		}
	}
	if len(xs) == 0 {
		return nil
	}
	slices.Sort(xs)
	return new(results.Median(xs))
}
