package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/synthetic"
)

func newCheck(s streams) *cobra.Command {
	var self string
	var rounds int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Measure servers whose figures are known, and say whether the lab finds them",
		Long: "Start servers that answer at known times, one of them with stalls, measure them\n" +
			"as all others, and print each figure beside what arithmetic says: rates to 1 %,\n" +
			"latencies to 5 %, a stall in the latencies at a fixed rate, and none in those of\n" +
			"a closed loop, which sends too little meanwhile to notice. It takes some seconds\n" +
			"for each round. One figure that is wrong fails the check. On a machine that is\n" +
			"busy with something else that is to be expected, and what the lab says of other\n" +
			"servers is then wrong too.",
		Args: noArgs,
		PreRunE: func(*cobra.Command, []string) (err error) {
			if rounds < 1 {
				return usagef("check: --rounds %d: at least 1", rounds)
			}
			if self, err = os.Executable(); err != nil {
				err = fmt.Errorf("find this program, to run it as a server: %w", err)
			}
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCheck(cmd.Context(), s, synthetic.Options{Rounds: rounds,
				Most: 3 * rounds, Seed: seed,
				Command: func(b synthetic.Behaviour) []string { return syntheticArgs(self, b) }})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&rounds, "rounds", 3, "rounds, of which those count that "+
		"nothing else on the machine has disturbed; up to three times as many while figures are "+
		"wrong")
	flags.Uint64Var(&seed, "seed", 1, "of the order of the visits and the bytes sent")
	return cmd
}

// runCheck checks the lab, and fails if a figure is wrong.
func runCheck(ctx context.Context, s streams, o synthetic.Options) error {
	o.Machine = lab.Look()
	run := results.Run{Machine: o.Machine, Race: raceBuild()}
	for _, note := range append(warnings(&run), o.Machine.Notes...) {
		fmt.Fprintln(s.err, note)
	}
	o.Visited = func(done, total int) {
		fmt.Fprintf(s.err, "%d of %d servers measured\n", done, total)
	}
	report, err := synthetic.Check(ctx, o)
	if err != nil {
		return err
	}
	if err := writeCheck(s.out, report); err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	if wrong := report.Wrong(); wrong > 0 {
		return fmt.Errorf("%d of %d figures are not what arithmetic says; server or load "+
			"generator was held up by something else in %.1f%% of what they did", wrong,
			len(report.Figures), 100*report.HeldUp)
	}
	return nil
}

// writeCheck writes a table for each load.
func writeCheck(w io.Writer, r synthetic.Report) (err error) {
	print := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	load := ""
	for _, f := range r.Figures {
		if f.Load != load {
			load = f.Load
			print("%s\n", load)
			print("  %-22s  %10s  %10s  %6s\n", "", "measured", "arithmetic", "within")
		}
		expected, within, verdict := figureText(f.Expected), "", "ok"
		if f.Within > 0 {
			within = strconv.FormatFloat(100*f.Within, 'g', 3, 64) + " %"
		} else {
			expected = "below " + expected
		}
		if !f.OK() {
			verdict = "WRONG"
		}
		print("  %-22s  %10s  %10s  %6s  %s\n", f.Name, figureText(f.Measured), expected, within,
			verdict)
	}
	if r.Wrong() == 0 {
		print("all %d figures are what arithmetic says\n", len(r.Figures))
	}
	return err
}

// figureText writes a figure to as many digits as there is something to see in.
func figureText(x float64) string {
	switch {
	case x >= 1000:
		return fmt.Sprintf("%.0f", x)
	case x >= 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// newSynthetic is the server that newCheck runs.
func newSynthetic(s streams) *cobra.Command {
	var b synthetic.Behaviour
	var addr string
	cmd := &cobra.Command{
		Use:    "synthetic",
		Short:  "Run a server that answers at known times",
		Long:   "Run a server that answers at known times, until SIGTERM or the end of its input.",
		Hidden: true,
		Args:   noArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if err := checkAddr(addr); err != nil {
				return asUsage(err)
			}
			return asUsage(b.Validate())
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, lifeline, err := untilEnd(cmd.Context(), s.in)
			if err != nil {
				return err
			}
			defer runtime.KeepAlive(lifeline)
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			var unsaid error
			err = b.Serve(ctx, addr, func(where net.Addr) {
				if _, err := fmt.Fprintf(s.out, "listening on %s\n", where); err != nil {
					unsaid = fmt.Errorf("%w: %w", errUnsaid, err)
					cancel(unsaid)
				}
			}, s.err)
			if err == nil {
				err = unsaid
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&addr, "addr", "127.0.0.1:0", "where to listen")
	flags.IntVar(&b.Size, "size", 64, "bytes of a message")
	flags.DurationVar(&b.Delay, "delay", 0, "from a message to its answer")
	flags.DurationVar(&b.Interval, "interval", 0, "between two answers")
	flags.DurationVar(&b.Stall, "stall", 0, "at the beginning of each period: nothing is answered")
	flags.DurationVar(&b.Period, "period", 0, "with a stall each")
	return cmd
}

// syntheticArgs is the command of a server that behaves so.
func syntheticArgs(self string, b synthetic.Behaviour) []string {
	return []string{self, "lab", "synthetic", "--size", strconv.Itoa(b.Size),
		"--delay", b.Delay.String(), "--interval", b.Interval.String(),
		"--stall", b.Stall.String(), "--period", b.Period.String()}
}
