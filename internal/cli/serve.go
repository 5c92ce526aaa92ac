package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/models"
	"github.com/kettle-go/kettle/selectors"
)

const defaultAddr = "127.0.0.1:8080"

func newServe(s streams) *cobra.Command {
	var name string
	var untilEOF bool
	var model models.Model
	cfg := models.Config{Log: s.err}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a server under one of the models",
		Long: "Run the service under one of the models until SIGINT or SIGTERM: then stop\n" +
			"accepting, answer what has been received, and end. A second SIGINT ends at once.\n\n" +
			"The first line on standard output is \"listening on HOST:PORT\".\n\n" +
			"What is answered, by --service:\n" + serviceList(),
		Args: noArgs,
		PreRunE: func(*cobra.Command, []string) (err error) {
			model, err = checkServe(name, cfg)
			return asUsage(err)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more ends no server
			ctx := cmd.Context()
			if untilEOF {
				ended, lifeline, err := untilEnd(ctx, s.in)
				if err != nil {
					return err
				}
				defer runtime.KeepAlive(lifeline)
				ctx = ended
			}
			return runServe(ctx, s, model, cfg)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&name, "model", "streams", "which: "+strings.Join(models.Names(), ", "))
	flags.StringVar(&cfg.Addr, "addr", defaultAddr,
		"where to listen; port 0 lets the system choose")
	flags.StringVar(&cfg.Backend, "backend", "auto",
		"what the loop waits with: auto, "+strings.Join(selectors.Candidates(), ", "))
	flags.IntVar(&cfg.Loops, "loops", 1,
		"how many loops "+manyLoops()+" run, each with its share of clients")
	flags.StringVar(&cfg.Service, "service", "upper",
		"what is answered: "+strings.Join(models.Services(), ", "))
	flags.DurationVar(&cfg.Wait, "wait", 0,
		"a simulated upstream call that each request waits for, such as 10ms")
	flags.DurationVar(&cfg.Work, "work", 0,
		fmt.Sprintf("CPU time that each request costs that begins with %q, such as 50ms",
			models.Marker))
	flags.IntVar(&cfg.MaxConns, "max-conns", 0,
		"connections open at once; more are refused (0: what the model can bear)")
	flags.BoolVar(&cfg.Verbose, "verbose", false, "log each connection and request")
	flags.StringVar(&cfg.Trace, "trace", "",
		"append what happens to this file when the server ends, a line of JSON for each event:\n"+
			"for the lab, which draws it")
	flags.BoolVar(&untilEOF, "until-eof", false,
		"drain also when standard input ends, as it does when the program at its other end dies")
	return cmd
}

// serviceList says what each service answers, in a line for each.
func serviceList() string {
	var text strings.Builder
	for _, name := range models.Services() {
		if service, err := models.LookupService(name); err == nil {
			fmt.Fprintf(&text, "  %-15s %s\n", name, service.Summary)
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// errUnsaid is matched by why a server was drained that could not say where it listens: nobody
// would find it.
var errUnsaid = errors.New("say where it listens")

// runServe runs the server until ctx is cancelled.
func runServe(ctx context.Context, s streams, model models.Model, cfg models.Config) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg.Ready = func(addr net.Addr) {
		if _, err := fmt.Fprintf(s.out, "listening on %s\n", addr); err != nil {
			cancel(fmt.Errorf("%w: %w", errUnsaid, err))
		}
	}
	if err := model.Serve(ctx, cfg); err != nil {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errUnsaid) {
		return cause
	}
	return nil
}

// untilEnd returns a context that is cancelled also when standard input ends. A pipe or socket
// is read without blocking, in Go's poller: a server that is measured must not have a thread
// more for it. Anything else, such as a terminal, may be shared with programs that do not
// expect that it does not block, so that it is read by a thread that waits.
//
// The file returned is what is read. It has the descriptor of in, and would close it when it is
// collected as garbage, so that the caller has to keep it.
func untilEnd(ctx context.Context, in *os.File) (context.Context, *os.File, error) {
	info, err := in.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read standard input: %w", err)
	}
	if info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
		if err := sys.SetNonblock(int(in.Fd()), true); err != nil {
			return nil, nil, fmt.Errorf("read standard input: %w", err)
		}
		in = os.NewFile(in.Fd(), in.Name())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		_, err := io.Copy(io.Discard, in)
		cancel(errors.Join(errors.New("standard input has ended"), err))
	}()
	return ctx, in, nil
}

// checkServe finds what is wrong with the flags before anything is started.
func checkServe(name string, cfg models.Config) (models.Model, error) {
	model, err := models.Lookup(name)
	if err != nil {
		return model, err
	}
	service, err := models.LookupService(cfg.Service)
	if err == nil {
		err = model.CanServe(service)
	}
	if err != nil {
		return model, err
	}
	if err := checkAddr(cfg.Addr); err != nil {
		return model, err
	}
	known := append([]string{"auto"}, selectors.Candidates()...)
	switch {
	case !slices.Contains(known, cfg.Backend):
		return model, fmt.Errorf("unknown backend %q: there is %s", cfg.Backend,
			strings.Join(known, ", "))
	case model.CanRunOn(cfg.Backend) != nil:
		return model, model.CanRunOn(cfg.Backend)
	case cfg.Loops < 1:
		return model, fmt.Errorf("--loops %d: must be at least 1", cfg.Loops)
	case cfg.Loops > 1 && !model.Loops:
		return model, fmt.Errorf("model %s cannot run on %d loops: %s can", name, cfg.Loops,
			manyLoops())
	case cfg.Loops > 1 && cfg.Trace != "":
		return model, fmt.Errorf("--loops %d: a --trace is of one loop", cfg.Loops)
	case cfg.Wait > 0 && service.CanWait() != nil:
		return model, fmt.Errorf("--wait %v: %w", cfg.Wait, service.CanWait())
	case cfg.Wait < 0:
		return model, fmt.Errorf("--wait %v: cannot be negative", cfg.Wait)
	case cfg.Work < 0:
		return model, fmt.Errorf("--work %v: cannot be negative", cfg.Work)
	case cfg.MaxConns < 0:
		return model, fmt.Errorf("--max-conns %d: cannot be negative", cfg.MaxConns)
	}
	return model, nil
}

// manyLoops returns the names of the models that can run on several loops.
func manyLoops() string {
	var names []string
	for _, m := range models.All() {
		if m.Loops {
			names = append(names, m.Name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// checkAddr checks the form of an address. What it names is found out when it is used.
func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("bad address %q: want HOST:PORT", addr)
	}
	// What is no number may be the name of a service.
	n, err := strconv.Atoi(port)
	if errors.Is(err, strconv.ErrRange) || err == nil && (n < 0 || n > 65535) {
		return fmt.Errorf("bad address %q: a port is 0 to 65535", addr)
	}
	return nil
}

// checkServerAddr checks the form of an address to connect to.
func checkServerAddr(addr string) error {
	if err := checkAddr(addr); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr) // checkAddr has seen that it has this form
	if n, err := strconv.Atoi(port); port == "" || err == nil && n == 0 {
		return fmt.Errorf("bad address %q: the port of a server is 1 to 65535", addr)
	}
	return nil
}
