package main

import (
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// workload is one kind of load, and a table of its own.
type workload struct {
	name  string
	title string
	kind  results.Kind
	conns int
	idle  int // connections beside those that are silent
	size  int
	depth int
	rate  float64

	// A window is so many times as long as others: where there are few messages in the time, or
	// many connections that each should have several.
	times int

	// Why a loop of kettle's is not the cheapest but for C, where that is to be expected.
	dearer string
}

// wakes is why few messages at a time cost more than in C.
const wakes = "each message wakes the loop, which waits in Go's poller: the scheduler parks and " +
	"resumes a goroutine for it, where uvloop returns from epoll_wait in C"

// workloads returns those that servers are compared under, in order.
func workloads() []workload {
	ping := func(name, title string, conns, size, depth int) workload {
		return workload{name: name, title: title, kind: results.Saturated, conns: conns, size: size,
			depth: depth, times: max(1, conns/2500)}
	}
	paced := func(name, title string, rate float64) workload {
		return workload{name: name, title: title, kind: results.Paced, conns: 100, size: 64,
			depth: 1, rate: rate, times: 2, dearer: wakes}
	}
	one := ping("ping-1", "ping-pong: 1 connection, 64 bytes", 1, 64, 1)
	one.dearer = wakes
	all := []workload{
		one,
		ping("ping-100", "ping-pong: 100 connections, 64 bytes", 100, 64, 1),
		ping("ping-1000", "ping-pong: 1,000 connections, 64 bytes", 1000, 64, 1),
		ping("ping-5000", "ping-pong: 5,000 connections, 64 bytes", 5000, 64, 1),
		paced("rate-1k", "1,000 messages/s on 100 connections, 64 bytes", 1000),
		paced("rate-5k", "5,000 messages/s on 100 connections, 64 bytes", 5000),
		paced("rate-20k", "20,000 messages/s on 100 connections, 64 bytes", 20_000),
		ping("size-1k", "messages of 1 KiB: 100 connections", 100, 1<<10, 1),
		ping("size-16k", "messages of 16 KiB: 100 connections", 100, 16<<10, 1),
		ping("size-256k", "messages of 256 KiB: 100 connections", 100, 256<<10, 1),
		ping("depth-16", "16 requests in flight on each of 100 connections, 64 bytes", 100, 64, 16),
		{name: "churn", title: "connect, one exchange of 64 bytes, close: 100 at a time",
			kind: results.Churned, conns: 100, size: 64, depth: 1, times: 1,
			dearer: "each descriptor is unregistered before it is closed, as a process that is " +
				"being forked may hold it open: one system call more"},
	}
	crowd := ping("crowd", "100 busy connections beside 10,000 silent ones, 64 bytes", 100, 64, 1)
	crowd.idle = 10_000
	return append(all, crowd)
}

// config returns the run of the lab that measures a workload.
func (w workload) config(o options, servers []lab.Server) lab.Config {
	window := o.window * time.Duration(w.times)
	cfg := lab.Config{
		Servers: servers, Reference: servers[0].Name, Workload: w.name,
		Conns: w.conns, IdleConns: w.idle, Size: w.size, Depth: w.depth, Rate: w.rate,
		Rounds: o.rounds, Seed: o.seed,
		Warmup: window / 3,
		Greet:  10 * time.Second,
	}
	for _, s := range servers {
		if s.Name == reference {
			cfg.Reference = reference
		}
	}
	switch w.kind {
	case results.Saturated:
		cfg.Saturate = window
	case results.Churned:
		cfg.Churn = window
	case results.Paced:
		cfg.Pace = window
	}
	return cfg
}
