package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/lab/load"
)

// loadFlags are the flags of the load command.
type loadFlags struct {
	cfg      load.Config
	duration time.Duration
	rate     float64
	churn    bool
	batch    bool
}

func newLoad(s streams) *cobra.Command {
	f := loadFlags{cfg: load.Config{Addr: defaultAddr, Conns: 100, Size: 64, Depth: 1,
		Timeout: 2 * time.Second}}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Put load on a server and say how fast it answers",
		Long: "Open many connections to a server of the service, keep them busy, and check\n" +
			"every byte of every answer. Without --rate each connection sends as soon as it has\n" +
			"its answer; with it, requests are due at fixed times, and latency counts from\n" +
			"those. With --churn each message has a connection of its own, and latency counts\n" +
			"from before that. With --batch all connections are made at once, and each is\n" +
			"closed when its message is answered: latency counts from the beginning.\n\n" +
			"With --service publish the first connection sends --rate lines per second, and\n" +
			"all have to get each of them. To --deaf ones, which then send nothing, they are\n" +
			"sent too. Latency counts from when a line was due, to each of its deliveries, and\n" +
			"to the last of them.",
		Args:    noArgs,
		PreRunE: func(*cobra.Command, []string) error { return asUsage(f.check()) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLoad(cmd.Context(), s.out, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.cfg.Addr, "addr", f.cfg.Addr, "the server")
	flags.IntVar(&f.cfg.Conns, "conns", f.cfg.Conns, "connections")
	flags.IntVar(&f.cfg.Size, "size", f.cfg.Size, "bytes of a message")
	flags.IntVar(&f.cfg.Depth, "depth", f.cfg.Depth, "messages in flight on each connection")
	flags.DurationVar(&f.duration, "duration", 5*time.Second,
		"how long to measure; with --batch, how long to wait for the last answer")
	flags.Float64Var(&f.rate, "rate", 0,
		fmt.Sprintf("messages per second over all connections (0: closed loop; with --service "+
			"publish %d)", publishRate))
	flags.BoolVar(&f.churn, "churn", false, "a connection for each message")
	flags.BoolVar(&f.batch, "batch", false, "all connections at once, each for one message")
	flags.IntVar(&f.cfg.Heavy, "heavy", 0,
		"how many of the connections send what costs a server its --work")
	flags.IntVar(&f.cfg.Idle, "idle-conns", 0, "connections beside those, that send nothing")
	flags.IntVar(&f.cfg.Deaf, "deaf", 0,
		"connections beside those, that send without pause and never read")
	flags.StringVar(&f.cfg.Service, "service", "upper", "what the server answers: "+
		strings.Join(load.Services(), ", "))
	flags.Uint64Var(&f.cfg.Seed, "seed", 1, "of the bytes sent")
	return cmd
}

func (f *loadFlags) check() error {
	if err := checkServerAddr(f.cfg.Addr); err != nil {
		return err
	}
	switch {
	case f.duration <= 0:
		return fmt.Errorf("--duration %v: must be more than nothing", f.duration)
	case !(f.rate >= 0 && f.rate <= 1e7):
		return fmt.Errorf("--rate %g: up to 10 million per second are possible", f.rate)
	case f.cfg.Conns < 1:
		return fmt.Errorf("--conns %d: at least 1", f.cfg.Conns)
	case f.cfg.Size < 1:
		return fmt.Errorf("--size %d: at least 1", f.cfg.Size)
	case f.cfg.Depth < 1:
		return fmt.Errorf("--depth %d: at least 1", f.cfg.Depth)
	case f.cfg.Heavy < 0:
		return fmt.Errorf("--heavy %d: cannot be negative", f.cfg.Heavy)
	case f.cfg.Deaf < 0:
		return fmt.Errorf("--deaf %d: cannot be negative", f.cfg.Deaf)
	case f.cfg.Idle < 0:
		return fmt.Errorf("--idle-conns %d: cannot be negative", f.cfg.Idle)
	case f.churn && (f.rate > 0 || f.cfg.Depth > 1):
		return errors.New("--churn: a connection for one message has neither --rate nor --depth")
	case f.churn && f.cfg.Deaf > 0:
		return errors.New("--churn: it has no --deaf connections beside it")
	case f.batch && (f.rate > 0 || f.cfg.Depth > 1 || f.churn):
		return errors.New("--batch: a connection for one message has neither --rate, --depth nor " +
			"--churn")
	case f.batch && f.cfg.Idle+f.cfg.Deaf > 0:
		return errors.New("--batch: it has neither --idle-conns nor --deaf ones beside it")
	}
	return f.checkService()
}

// checkService checks what depends on the service.
func (f *loadFlags) checkService() error {
	if f.cfg.Service == publish && (f.churn || f.batch) {
		return errors.New("--service publish: it answers nobody, so that it has neither --churn " +
			"nor --batch")
	}
	return f.cfg.Validate()
}

const (
	publish     = "publish" // the service of which there is no request and no answer
	publishRate = 100       // lines per second, if nothing is said
)

func runLoad(ctx context.Context, out io.Writer, f loadFlags) (err error) {
	if f.batch {
		f.cfg.Timeout = f.duration
		result, err := load.Batch(ctx, f.cfg, load.Hooks{})
		if err != nil {
			return err
		}
		return writeLoad(out, load.Stats{Conns: result.Conns, Lost: result.Lost,
			First: result.First}, f.cfg, result.Report())
	}
	l, err := load.Dial(ctx, f.cfg)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := l.Close(); err == nil {
			err = closeErr
		}
	}()
	warmup := min(f.duration/10, time.Second)
	var result *load.Result
	switch {
	case f.cfg.Service == publish:
		result, err = l.Fanout(ctx, cmp.Or(f.rate, publishRate), warmup, f.duration, load.Hooks{})
	case f.churn:
		result, err = l.Churn(ctx, warmup, f.duration, load.Hooks{})
	case f.rate > 0:
		result, err = l.Pace(ctx, f.rate, warmup, f.duration, load.Hooks{})
	default:
		result, err = l.Saturate(ctx, warmup, f.duration, load.Hooks{})
	}
	if err != nil {
		return err
	}
	return writeLoad(out, l.Stats(), f.cfg, result.Report())
}

// micros returns latencies as text; most is the greatest of them all.
func micros(most int64, ns ...int64) []any {
	var all []any
	for _, n := range ns {
		if most == 0 { // nothing was answered
			all = append(all, "n/a")
			continue
		}
		all = append(all, time.Duration(n).Round(time.Microsecond))
	}
	return all
}

// special says what only some loads have.
func special(r load.Report) string {
	var text strings.Builder
	if r.HeavyConns > 0 {
		fmt.Fprintf(&text, "heavy connections %d, messages answered %d: ", r.HeavyConns,
			r.HeavyRequests)
		fmt.Fprintf(&text, "latency p50 %s  p99 %s  max %s\n",
			micros(r.HeavyMax, r.HeavyP50, r.HeavyP99, r.HeavyMax)...)
	}
	if r.Fanout {
		fmt.Fprintf(&text, "lines %d: ", r.Lines)
		fmt.Fprintf(&text, "last delivery p50 %s  p99 %s  max %s\n",
			micros(r.LastMax, r.LastP50, r.LastP99, r.LastMax)...)
		fmt.Fprintf(&text, "lines that connections have missed that read: %d\n", r.Missed)
	}
	if r.DeafConns > 0 {
		fmt.Fprintf(&text, "deaf connections %d, ended by the server %d: sent %d KiB\n",
			r.DeafConns, r.DeafLost, r.DeafSent>>10)
	}
	if r.CountAnswers > 0 {
		fmt.Fprintf(&text, "numbers %d, from %d to %d: given twice %d, missing %d\n",
			r.CountAnswers, r.CountLowest, r.CountHighest, r.CountTwice, r.CountMissing)
	}
	return text.String()
}

// wording is how a result is told.
type wording struct {
	reached  string // what has become of connections
	messages string // what was counted
	answered string
	missing  string
}

func wordingOf(r load.Report) wording {
	if r.Fanout {
		return wording{"reached", "deliveries", "", "deliveries missing"}
	}
	return wording{"answered", "messages", " answered", "unanswered messages"}
}

// asked says what was asked of which connections.
func asked(cfg load.Config, r load.Report) (conns, how string) {
	conns = fmt.Sprintf("%d connections", cfg.Conns)
	due := int(math.Round(r.Offered * r.Seconds))
	if r.Offered > 0 && due < cfg.Conns && !r.Fanout {
		conns = fmt.Sprintf("%d connections asked, of %d,", due, cfg.Conns)
	}
	if cfg.Idle > 0 {
		conns += fmt.Sprintf(" (and %d idle)", cfg.Idle)
	}
	switch {
	case r.Fanout:
		how = fmt.Sprintf("%g published/s; latency counts from when each was due", r.Offered)
	case r.Churn:
		how = "a connection for each; latency counts from before it"
	case r.Batch:
		how = "all at once; latency counts from the beginning"
	case r.Offered > 0:
		how = fmt.Sprintf("%.0f messages/s due; latency counts from then", r.Offered)
	default:
		how = fmt.Sprintf("closed loop, %d in flight on each connection", r.Depth)
	}
	return conns, how
}

func writeLoad(out io.Writer, stats load.Stats, cfg load.Config, r load.Report) error {
	generator := "n/a"
	if r.GeneratorShare > 0 {
		generator = fmt.Sprintf("%.0f%% of a CPU", 100*r.GeneratorShare)
	}
	words := wordingOf(r)
	conns, how := asked(cfg, r)
	latency := fmt.Sprintf("latency p50 %s  p99 %s  p99.9 %s  max %s",
		micros(r.LatencyMax, r.LatencyP50, r.LatencyP99, r.LatencyP999, r.LatencyMax)...)
	_, err := fmt.Fprintf(out, "%d of %s %s, messages of %d bytes, %s\n"+
		"%.0f %s/s%s, %d in %.2f s\n"+
		"%s\n%s"+
		"lost connections %d, never connected %d, %s %d\n"+
		"load generator: %s, %d messages sent over 1 ms late\n",
		r.Served, conns, words.reached, r.Size, how, r.Rate, words.messages, words.answered,
		r.Requests, r.Seconds, latency, special(r), stats.Lost, stats.Failed, words.missing,
		r.Unanswered, generator, r.Late)
	if err == nil && stats.First != nil {
		_, err = fmt.Fprintf(out, "first error: %v\n", stats.First)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
