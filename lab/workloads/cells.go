package workloads

import (
	"time"

	"github.com/kettle-go/kettle/lab"
)

// growth has ever more connections, all busy. Each is asked for one answer first: how many get it?
func growth() Workload {
	return Workload{
		Name:   "growth",
		About:  "ever more busy connections: who is served, at what cost?",
		Claims: []string{"C1", "C2", "C3"},
		Params: "connections 10, 100; in a full run 1 to 5,000",
		models: []string{"blocking", "processes", "threads", "goroutines", "selectors", "streams"},
		rounds: [3]int{1, 2, 5},
		cells: func(p *plan) {
			for _, conns := range pick(p, []int{10, 50}, []int{10, 100},
				[]int{1, 10, 100, 1000, 5000}) {
				cfg := p.base(conns)
				cfg.Memory, cfg.Greet = true, 5*time.Second // to start processes takes a while
				for _, name := range p.concerned(p.workload.models...) {
					cfg := cfg
					if name == "blocking" { // who is not answered at once is not answered
						cfg.Greet = 150 * time.Millisecond
					}
					if conns > 10 && name == "blocking" || conns > 1000 && !reaches(name) {
						continue
					}
					p.add(name, cfg)
				}
				for _, s := range p.Others {
					p.put(s, cfg)
				}
			}
		},
	}
}

// reaches reports whether a model serves thousands of connections.
func reaches(model string) bool {
	switch model {
	case "blocking", "processes", "threads", "select":
		return false
	}
	return true
}

// crowd has silent connections beside the busy ones.
func crowd() Workload {
	return Workload{
		Name:   "crowd",
		About:  "silent connections beside 100 busy ones: what does a message cost?",
		Claims: []string{"C10", "C11", "C12"},
		Params: "silent connections 0, 800, 4,000; in a full run up to 10,000",
		models: []string{"select", "poll", "polling", "selectors", "protocol", "streams"},
		rounds: [3]int{1, 3, 5},
		cells: func(p *plan) {
			for _, idle := range pick(p, []int{0, 800}, []int{0, 800, 4000},
				[]int{0, 100, 800, 3000, 10_000}) {
				cfg := p.base(100)
				cfg.IdleConns = idle
				cfg.Greet = 3 * time.Second
				saturated := cfg
				cfg.Saturate, cfg.Pace = 0, pick[time.Duration](p, 100, 160, 250)*time.Millisecond
				for _, name := range p.concerned(p.workload.models...) {
					switch {
					case idle > limitOf(name):
					case name == "polling": // which is as busy at a fixed rate without a crowd
						p.add(name, saturated)
					default:
						p.add(name, cfg)
					}
				}
				for _, s := range p.Others {
					p.put(s, cfg)
				}
			}
		},
	}
}

// limitOf returns beside how many silent connections a model can serve a hundred.
func limitOf(model string) int {
	switch model {
	case "blocking":
		return -1
	case "processes":
		return 100
	case "threads", "select":
		return 800
	}
	return 10_000
}

// idle has connections of which none says anything.
func idle() Workload {
	return Workload{
		Name:   "idle",
		About:  "connections that are all silent: what does waiting cost?",
		Claims: []string{"C5", "C10", "C12"},
		Params: "connections 50; silence of 300 ms",
		rounds: [3]int{1, 1, 3},
		cells: func(p *plan) {
			cfg := p.base(pick(p, 20, 50, 100))
			cfg.Saturate, cfg.Idle = 0, pick[time.Duration](p, 200, 300, 1000)*time.Millisecond
			for _, name := range p.concerned() {
				asked := cfg
				if name == "blocking" { // its other clients are silent for certain
					asked.Conns = 1
				}
				p.add(name, asked)
			}
			for _, s := range p.Others {
				p.put(s, cfg)
			}
		},
	}
}

// storm has every connection busy: how much can a server do, and at which latency does it do less?
func storm() Workload {
	return Workload{
		Name:   "storm",
		About:  "connections that are all busy, and the same at a fixed rate",
		Claims: []string{"C17"},
		Params: "--conns, --idle-conns, --size, --depth, --rate, --duration, --reference",
		models: []string{"selectors", "goroutines", "streams", "uring"},
		rounds: [3]int{1, 9, 15}, // 9 are the fewest whose interval leaves out one at each end

		manyModels: 4,
		cells: func(p *plan) {
			cfg := lab.Normal()
			if p.Scale == Quick {
				cfg = lab.Quick()
			}
			if p.Scale != Full && !p.All { // one workload of many
				cfg.Warmup, cfg.Saturate = 30*time.Millisecond, 120*time.Millisecond
				cfg.Pace, cfg.Idle, cfg.MemoryOnce = 120*time.Millisecond, 0, true
			}
			cfg.Rounds, cfg.Memory = 1, true
			if p.Storm != nil {
				p.Storm(&cfg)
			}
			p.each(p.workload.models, cfg)
			p.count()
			p.repeat()
		},
	}
}

// count has the system calls of each server counted, in a short window of its own: counting slows
// down each call, so that nothing else of such a visit is compared or shown.
func (p *plan) count() {
	if !p.CountCalls {
		return
	}
	for _, c := range p.cells {
		c.Config.CountCalls, c.Config.Memory = true, false
		c.Config.Pace, c.Config.Idle = 0, 0
		c.Config.Warmup = min(c.Config.Warmup, 30*time.Millisecond)
		c.Config.Saturate = min(c.Config.Saturate, 120*time.Millisecond)
		p.counted = append(p.counted, c)
	}
}

// repeat adds the reference once more, so that it is compared with itself.
func (p *plan) repeat() {
	for _, c := range p.cells {
		if c.Server.Name == p.Reference && len(p.cells) > 1 {
			c.Server.Again = true
			p.cells = append(p.cells, c)
			return
		}
	}
}

// churn has a connection for each request.
func churn() Workload {
	return Workload{
		Name:   "churn",
		About:  "connect, one exchange, close: 100 at a time",
		Params: "connections 100 at a time",
		models: []string{"threads", "goroutines", "selectors", "streams", "uring"},
		rounds: [3]int{0, 0, 5},
		cells: func(p *plan) {
			cfg := p.base(100)
			cfg.Churn, cfg.Saturate = cfg.Saturate, 0
			p.each(p.workload.models, cfg)
		},
	}
}

// pipeline has many requests in flight on each connection.
func pipeline() Workload {
	return Workload{
		Name:   "pipeline",
		About:  "16 requests in flight on each of 100 connections",
		Params: "requests in flight 1, 4, 16",
		models: []string{"goroutines", "selectors", "streams", "uring"},
		rounds: [3]int{0, 0, 5},
		cells: func(p *plan) {
			for _, depth := range []int{1, 4, 16} {
				cfg := p.base(100)
				cfg.Depth = depth
				p.each(p.workload.models, cfg)
			}
		},
	}
}

// size has messages of many sizes.
func size() Workload {
	return Workload{
		Name:   "size",
		About:  "messages of 64 bytes to 256 KiB",
		Params: "bytes 64, 1 Ki, 16 Ki, 256 Ki",
		models: []string{"goroutines", "selectors", "streams", "uring"},
		rounds: [3]int{0, 0, 5},
		cells: func(p *plan) {
			for _, size := range []int{64, 1 << 10, 16 << 10, 256 << 10} {
				cfg := p.base(100)
				cfg.Size = size
				p.each(p.workload.models, cfg)
			}
		},
	}
}
