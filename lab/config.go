// Package lab puts the same load on every model, in one run, and shows side by side what each
// does and what it costs.
//
//	cfg := lab.Normal()
//	cfg.Servers = []lab.Server{{Name: "mine", Command: []string{"./mine", "--listen", "{addr}"}}}
//	report, err := lab.Run(ctx, cfg)
//	...
//	err = report.WriteTable(os.Stdout, 0)
//
// # Servers
//
// A server is any command that answers upper case. Either the lab tells it where to listen, by
// what stands in its command for the address ({addr}, or {host} and {port}), and connects until
// it accepts. Or it chooses, and says "listening on HOST:PORT" in the first line of its output.
// When it has been measured, SIGTERM goes to it and to all that it has started (its process
// group), and SIGKILL if it takes too long or leaves something behind. Its standard input ends
// when the lab does, in whatever way.
//
// # Method
//
// Each server is a process of its own, with nothing else in it. It is bound to one set of
// CPUs and the load generator to another, where there is more than one CPU. A visit is one
// server started, measured and stopped; a round is one visit of each model in a shuffled
// order; and a run is several rounds. So whatever drifts on the machine meets all models
// alike.
//
// In a visit all connections are opened, and each is asked for one answer: how many get it is
// "served". Then follow two windows, each after a warm-up: saturated (each connection sends as
// soon as it has its answer: how much can the server do?) and at a fixed rate (where real
// servers live: latency counts from the time at which the request was due, so a server that
// stalls pays for everybody who had to wait). Other kinds of windows, not part of an ordinary
// run, have a connection for each request, or one connection whose lines go to all. The first
// round also has a window in which nothing is sent.
//
// System calls are counted in visits of their own, of which nothing else is shown, as counting
// slows down each call.
//
// Models are compared by ratios of figures of the same round, to a reference: the median of
// the ratios, with the interval that contains the true median with a confidence of 95 %, as
// far as the number of rounds allows. The reference is also measured against itself, as one
// more row: what that shows for a difference is noise.
package lab

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/server"
)

// Server is one row of the table.
type Server struct {
	Name     string
	Command  []string // a program and its arguments: see Servers, above
	OwnLines int      // of code of the file that shows the model; 0 is not known
	Lines    int      // of code of that file and the others that it needs
	Again    bool     // the reference, measured a second time

	// Client is another load generator, which then saturates the server in place of the lab's own:
	// a program that checks the answers, and its arguments, in which {addr}, {conns}, {size},
	// {depth}, {warmup} and {window} (in milliseconds) stand for what is asked. It ends with 0 if
	// every answer was right, after "answered N messages in S s with S s of CPU" on its standard
	// output. There is no other window then.
	Client []string
}

// Placed reports whether the lab tells the server where to listen: whether its command has
// {addr}, {host} or {port} in it.
func (s Server) Placed() bool { return server.Placed(s.Command) }

// Config says what is measured, how long and how often.
type Config struct {
	Servers   []Server
	Reference string // the name of the server that the others are compared with
	Workload  string // the name of the load, for who reads the visits of several; may be empty

	Conns     int     // connections; fewer if the limit on descriptors is below
	IdleConns int     // connections beside those that are silent after their first answer
	Heavy     int     // of Conns, those whose requests have the server compute: see Work
	Deaf      int     // connections beside those that send and never read
	Batch     bool    // there is nothing but one request on each of Conns, all at once
	Size      int     // bytes of a request
	Depth     int     // requests in flight on a connection
	Rate      float64 // requests per second at the fixed rate, or lines that are published
	Rounds    int
	Seed      uint64

	// CountCalls has the system calls of each window counted. That slows down all of them, of
	// each server differently, so that nothing else of such a run is to be compared. Its visits
	// are recorded as counted ones.
	CountCalls bool

	// What the servers have been told, for who reads the results, and for what is sent to them.
	Service string        // "" is upper
	Wait    time.Duration // that each request waits
	Work    time.Duration // of CPU, that a heavy request costs

	Unbound bool // the servers may use each CPU, and so may the load
	Memory  bool // memory is measured, for which a visit waits until the server is at rest

	MemoryOnce bool // and so it is in the first round only

	Warmup   time.Duration // before each window
	Saturate time.Duration // the length of the saturated window; 0: there is none
	Pace     time.Duration // the length of the window at the fixed rate; 0: there is none
	Churn    time.Duration // the length of that with a connection for each request; 0: none
	Fanout   time.Duration // the length of that in which lines are published; 0: there is none
	Idle     time.Duration // the length of the silent window; 0: there is none
	Greet    time.Duration // how long to wait for the first answers
	Start    time.Duration // how long a server may take until it listens; 0 is 10 s
	Stop     time.Duration // how long it may take to end, before it is killed; 0 is 8 s

	// Record gets each visit as it ends. An error ends the run. It may be nil.
	Record func(results.Record) error

	Progress func(results.Visit) // called after each visit; may be nil
	Stderr   io.Writer           // what the servers say; may be nil

	// Begin is called first, with the visits of a round. It may be nil.
	Begin func(m results.Machine, visits int)
}

// Normal returns the sizes and lengths of an ordinary run, without servers.
func Normal() Config {
	return Config{
		Conns: 100, Size: 64, Depth: 1, Rate: 5000, Rounds: 5, Memory: true,
		Warmup:   100 * time.Millisecond,
		Saturate: 250 * time.Millisecond,
		Pace:     350 * time.Millisecond,
		Idle:     500 * time.Millisecond,
		Greet:    600 * time.Millisecond,
	}
}

// Quick returns those of a run that shows that everything works, and little more.
func Quick() Config {
	cfg := Normal()
	cfg.Rounds = 1
	cfg.Saturate, cfg.Pace, cfg.Idle = cfg.Saturate/2, cfg.Pace/2, cfg.Idle/2
	cfg.Greet /= 2
	return cfg
}

// Validate returns an error that names the first value that is not possible.
func (c Config) Validate() error {
	switch {
	case len(c.Servers) == 0:
		return errors.New("there is no server to measure")
	case c.Rounds < 1:
		return fmt.Errorf("%d rounds: at least 1 is needed", c.Rounds)
	}
	if err := c.validLoad(); err != nil {
		return err
	}
	return c.checkServers()
}

// validLoad returns an error that names the first value of the load that is not possible.
func (c Config) validLoad() error {
	switch {
	case c.Pace+c.Fanout > 0 && !(c.Rate > 0 && c.Rate <= 1e7):
		return fmt.Errorf("a rate of %g requests per second: up to 10 million are possible", c.Rate)
	case c.Conns < 1:
		return fmt.Errorf("%d connections: at least 1 is needed", c.Conns)
	case c.Size < 1:
		return fmt.Errorf("messages of %d bytes: at least 1 is needed", c.Size)
	case c.Depth < 1:
		return fmt.Errorf("%d messages in flight: at least 1 is needed", c.Depth)
	case min(c.Saturate, c.Pace, c.Churn, c.Fanout, c.Idle, c.Warmup, c.Greet, c.Start, c.Stop) < 0:
		return errors.New("a time cannot be negative")
	case max(c.Saturate, c.Pace, c.Churn, c.Fanout, c.Idle) == 0 && !c.Batch:
		return errors.New("a measured window must have a length")
	}
	return c.load("127.0.0.1:1").Validate()
}

// checkServers returns an error if the rows could not be told apart, or one cannot be made.
func (c Config) checkServers() error {
	known := make(map[string]bool)
	for _, s := range c.Servers {
		switch {
		case s.Name == "":
			return errors.New("a server has no name")
		case len(s.Command) == 0:
			return fmt.Errorf("server %s has no command", s.Name)
		case len(s.Client) > 0 && !c.saturatesOnly():
			return fmt.Errorf("server %s has a load generator of its own, which only saturates it",
				s.Name)
		case known[s.Name]:
			return fmt.Errorf("server %s is given twice", s.Name)
		}
		known[s.Name] = true
	}
	if c.Reference != "" && !known[c.Reference] {
		return fmt.Errorf("the reference %s is not among the servers", c.Reference)
	}
	return nil
}

// saturatesOnly reports whether the load is what another load generator can be asked for.
func (c Config) saturatesOnly() bool {
	return c.Saturate > 0 && max(c.Pace, c.Churn, c.Fanout, c.Idle) == 0 &&
		c.IdleConns+c.Deaf+c.Heavy == 0 && !c.Batch
}

// unlocked ends the name of a service that differs only in how it works, not in what is asked.
const unlocked = "-unlocked"

// load returns the configuration of the load generator against a server at addr.
func (c Config) load(addr string) load.Config {
	service, _ := strings.CutSuffix(c.Service, unlocked)
	return load.Config{Addr: addr, Conns: c.Conns, Idle: c.IdleConns, Heavy: c.Heavy,
		Deaf: c.Deaf,
		Size: c.Size, Depth: c.Depth, Service: service, Seed: c.Seed,
		Timeout: max(2*time.Second, c.Greet)}
}

// withReference adds the reference once more, so that it is compared with itself.
func (c Config) withReference() []Server {
	servers := slices.Clone(c.Servers)
	i := slices.IndexFunc(servers, func(s Server) bool { return s.Name == c.Reference })
	if i < 0 || len(servers) == 1 {
		return servers
	}
	again := servers[i]
	again.Again = true
	return append(servers, again)
}
