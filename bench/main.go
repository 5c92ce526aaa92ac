package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the flags say.
type options struct {
	workloads []workload
	servers   []string // names, empty for all
	more      []peer   // given by commands
	rounds    int
	window    time.Duration
	seed      uint64
	calls     bool
	list      bool
	client    bool // load generators are compared, and no servers
	json      string
}

// run is the command: it returns the exit code, 0 done, 1 something failed, 2 wrong usage.
func run(ctx context.Context, args []string, out, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	what := compare
	if o.client {
		what = compareClients
	}
	if err := what(ctx, o, out, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", oneLine(err.Error()))
		return 1
	}
	return 0
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (options, error) {
	o := options{}
	var names, servers string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&names, "workloads", "", "which, separated by commas (default all)")
	flags.StringVar(&servers, "servers", "", "which, separated by commas (default all)")
	flags.Func("server", "`NAME=COMMAND`, one more server; {addr} stands for where it listens",
		func(text string) error {
			name, command, ok := strings.Cut(text, "=")
			words := strings.Fields(command)
			if !ok || name == "" || len(words) == 0 {
				return errors.New("want NAME=COMMAND")
			}
			o.more = append(o.more, given(name, words))
			return nil
		})
	flags.IntVar(&o.rounds, "rounds", 4, "rounds of each workload; 15 for a narrow interval")
	flags.DurationVar(&o.window, "duration", 250*time.Millisecond, "length of a measured window")
	flags.Uint64Var(&o.seed, "seed", 1, "of the order of the visits and the bytes sent")
	flags.BoolVar(&o.calls, "calls", true, "count system calls, in one more round")
	flags.BoolVar(&o.client, "client", false, "compare the lab's load generator with one in C")
	flags.BoolVar(&o.list, "list", false, "say what there is, and measure nothing")
	flags.StringVar(&o.json, "json", "", "write one line of JSON for each visit to this file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if rest := flags.Args(); len(rest) > 0 {
		return o, fmt.Errorf("unexpected argument %q", rest[0])
	}
	if o.rounds < 1 || o.window <= 0 {
		return o, errors.New("-rounds and -duration must be more than nothing")
	}
	o.servers = list(servers)
	if err := o.choose(list(names)); err != nil || !o.client {
		return o, err
	}
	return o, o.chooseForClients(names != "")
}

// list returns what stands between the commas.
func list(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// choose picks the workloads, and checks the names of the servers.
func (o *options) choose(names []string) error {
	var known []string
	for _, w := range workloads() {
		known = append(known, w.name)
		if len(names) == 0 || slices.Contains(names, w.name) {
			o.workloads = append(o.workloads, w)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown workload %q: there is %s", name, strings.Join(known, ", "))
		}
	}
	known = nil
	for _, p := range o.peers() {
		if slices.Contains(known, p.name) {
			return fmt.Errorf("server %q is given twice", p.name)
		}
		known = append(known, p.name)
	}
	for _, name := range o.servers {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown server %q: there is %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// peers returns all servers that were not left out by name.
func (o *options) peers() []peer { return append(peers(), o.more...) }
