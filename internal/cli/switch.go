package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/lab/switching"
)

// switchFlags are the flags of the lab's switch command.
type switchFlags struct {
	names    string
	kinds    []switching.Kind
	duration time.Duration
	json     bool
}

func newSwitch(s streams) *cobra.Command {
	f := switchFlags{}
	var names []string
	var each strings.Builder
	for _, kind := range switching.Kinds() {
		names = append(names, string(kind))
		fmt.Fprintf(&each, "  %-10s  %s\n", kind, kind.Summary())
	}
	cmd := &cobra.Command{
		Use:   "switch",
		Short: "Pass a token between two processes, threads, ... and show what a switch costs",
		Long: "Pass a token back and forth between two parties of each kind, and print what it\n" +
			"costs to hand over the turn one way: the time, the CPU time, and how often the\n" +
			"kernel had to switch.\n\n" + each.String(),
		Args: noArgs,
		PreRunE: func(*cobra.Command, []string) error {
			return asUsage(f.check())
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSwitch(cmd.Context(), s, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.names, "kinds", strings.Join(names, ","), "which, separated by commas")
	flags.DurationVar(&f.duration, "duration", 100*time.Millisecond,
		"how long to measure each of them")
	flags.BoolVar(&f.json, "json", false, "print a line of JSON for each in place of the table")
	return cmd
}

func (f *switchFlags) check() error {
	for name := range strings.SplitSeq(f.names, ",") {
		kind, err := switching.Lookup(strings.TrimSpace(name))
		switch {
		case err != nil:
			return err
		case slices.Contains(f.kinds, kind):
			return fmt.Errorf("kind %s is given twice", kind)
		}
		f.kinds = append(f.kinds, kind)
	}
	if f.duration <= 0 {
		return fmt.Errorf("--duration %v: must be more than nothing", f.duration)
	}
	return nil
}

// runSwitch measures one kind after the other. What has been measured before one that fails is
// shown all the same.
func runSwitch(ctx context.Context, s streams, f switchFlags) (err error) {
	var results []switching.Result
	if !f.json {
		fmt.Fprintf(s.err, "measuring: kinds %d, %v each\n", len(f.kinds), f.duration)
		defer func() {
			if len(results) == 0 {
				return
			}
			if writeErr := switching.WriteTable(s.out, results); err == nil && writeErr != nil {
				err = fmt.Errorf("write the table: %w", writeErr)
			}
		}()
	}
	lines := json.NewEncoder(s.out)
	for _, kind := range f.kinds {
		r, err := switching.Measure(ctx, kind, f.duration)
		if err != nil {
			return err
		}
		results = append(results, r)
		if !f.json {
			continue
		}
		if err := lines.Encode(r); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}
