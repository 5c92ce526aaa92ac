package workloads

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// What follows needs servers that do more than to answer, so that there are only models: another
// server knows none of their flags.

// wait has requests that each wait for an upstream answer, all at once: the kettle and the
// television.
func wait() Workload {
	return Workload{
		Name:   "wait",
		About:  "10 requests at once, each waits for an upstream answer",
		Claims: []string{"C6"},
		Params: "requests 10, each on a connection of its own; --wait 100ms",
		models: []string{"blocking", "processes", "threads", "select", "selectors", "coroutines",
			"goroutines", "protocol", "streams"},
		rounds: [3]int{1, 2, 5},
		cells: func(p *plan) {
			cfg := p.base(10)
			cfg.Batch, cfg.Wait = true, pick[time.Duration](p, 50, 100, 100)*time.Millisecond
			cfg.Saturate, cfg.Greet = 0, 0
			for _, name := range p.concerned(p.workload.models...) {
				p.add(name, cfg, "--wait", cfg.Wait.String())
			}
		},
	}
}

// compute has requests that need the CPU: all at once, and one in ten at a fixed rate.
func compute() Workload {
	const work = 50 * time.Millisecond
	return Workload{
		Name:   "compute",
		About:  "requests that compute: 5 at once; and one of ten, beside others",
		Claims: []string{"C7", "C9"},
		Params: "--work 50ms of CPU; 100 requests/s, one of ten computes",
		models: []string{"processes", "threads", "goroutines", "selectors", "streams"},
		rounds: [3]int{1, 2, 5},
		cells: func(p *plan) {
			at := p.base(5)
			at.Batch, at.Heavy, at.Work = true, 5, work
			at.Saturate, at.Greet = 0, 0
			beside := p.base(10)
			beside.Heavy, beside.Work, beside.Rate = 1, work, 100
			beside.Saturate = 0
			beside.Pace = pick[time.Duration](p, 500, 500, 2000) * time.Millisecond
			for _, name := range p.concerned(p.workload.models...) {
				if name == "blocking" {
					continue // it serves one of the ten
				}
				p.add(name, at, "--work", work.String())
				p.add(name, beside, "--work", work.String())
			}
		},
	}
}

// slow has a client that sends and never reads beside others.
func slow() Workload {
	return Workload{
		Name:   "slow",
		About:  "a client that sends and never reads, beside 10 others: who suffers?",
		Claims: []string{"C9"},
		Params: "connections 10 at 1,000 requests/s, without and with 1 that does not read",
		models: []string{"threads", "goroutines", "selectors", "protocol", "streams"},
		rounds: [3]int{1, 1, 5},
		cells: func(p *plan) {
			for _, deaf := range []int{0, 1} {
				cfg := p.base(10)
				cfg.Rate, cfg.Deaf, cfg.Memory = 1000, deaf, true
				cfg.Saturate, cfg.Pace = 0, pick[time.Duration](p, 200, 300, 1000)*time.Millisecond
				p.each(p.workload.models, cfg)
			}
		},
	}
}

// fanout has one connection publish lines that go to all, of which some never read.
func fanout() Workload {
	return Workload{
		Name:   "fanout",
		About:  "one publishes, thousands subscribe, 10 never read: what does a delivery cost?",
		Params: "subscribers 2,000, lines of 4 KiB, and 10,000, of 64 bytes; 50,000 deliveries/s",
		models: []string{"goroutines", "selectors", "protocol", "streams", "uring"},
		rounds: [3]int{1, 3, 5},
		cells: func(p *plan) {
			for _, name := range p.Models {
				if !slices.Contains(p.workload.models, name) {
					p.leaveOut(name, errPublishes)
				}
			}
			for _, s := range p.Others {
				p.leaveOut(s.Name, errPublishes)
			}
			for _, n := range pick(p, []int{200}, []int{2000, 10_000}, []int{200, 2000, 10_000}) {
				const deaf = 10
				cfg := p.base(n - deaf)
				cfg.Deaf, cfg.Service, cfg.Rate = deaf, "publish", 50_000/float64(n)
				if n == 2000 { // what the kernel holds for the deaf is full after a second
					cfg.Size = 4 << 10
				}
				cfg.Saturate, cfg.Memory, cfg.Greet = 0, true, 10*time.Second
				cfg.Fanout = pick[time.Duration](p, 300, 2000, 4000) * time.Millisecond
				for _, name := range p.workload.models {
					if slices.Contains(p.Models, name) {
						p.add(name, cfg, strings.Fields(publishing)...)
					}
				}
			}
		},
	}
}

// publishing are the flags of a server that publishes.
const publishing = "--service publish"

// errPublishes is why a server is no part of fanout.
var errPublishes = errors.New("it cannot serve publish, which gives each line to all clients")

// shared has all connections of a server count with one counter.
func shared() Workload {
	return Workload{
		Name:   "shared",
		About:  "one counter for all connections: with a lock, without, and where none is needed",
		Claims: []string{"C4"},
		Params: "connections 50; --service count, and count-unlocked; on all CPUs",
		models: []string{"threads", "goroutines", "selectors", "streams"},
		rounds: [3]int{1, 3, 5},
		cells: func(p *plan) {
			for _, service := range []string{"count", "count-unlocked"} {
				cfg := p.base(50)
				cfg.Service, cfg.Unbound = service, true
				cfg.Saturate = pick[time.Duration](p, 150, 200, 500) * time.Millisecond
				for _, name := range p.concerned(p.workload.models...) {
					p.add(name, cfg, "--service", service)
				}
			}
		},
	}
}
