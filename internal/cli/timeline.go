package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kettle-go/kettle/lab/timeline"
	"github.com/kettle-go/kettle/models"
)

// timelineFlags are the flags of the timeline command.
type timelineFlags struct {
	models  string
	clients int
	wait    time.Duration
	kernel  bool
	out     string
	json    string

	configs []timeline.Config // one for each model
	leftOut []string          // models that cannot run here, and why
}

// Of pictures in files, in pixels.
const (
	timelineWidth = 960
	kernelWidth   = 640
)

func newTimeline(s streams) *cobra.Command {
	var f timelineFlags
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "Show who was served when, by which thread, and who waited for what",
		Long: "Start each model as a process of its own, have a few clients talk to it, one\n" +
			"coming after the other, and draw what happened: a row for each client, and one\n" +
			"for each thread, process or goroutine that served them. What is drawn is what\n" +
			"the server has recorded (kettle serve --trace), by the clock of the clients.\n\n" +
			"With --kernel it shows one request, as the program and the kernel saw it: the\n" +
			"call, the wait, what would have blocked, the copy.\n\n" +
			"  kettle lab timeline --models blocking,threads,streams\n" +
			"  kettle lab timeline --models blocking,polling,select --kernel",
		Args: noArgs,
		PreRunE: func(*cobra.Command, []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program, to run it as a server: %w", err)
			}
			return asUsage(f.complete(self))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runTimeline(cmd.Context(), s, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.models, "models", "blocking,streams", "which, separated by commas, or "+
		allModels+": "+strings.Join(models.Names(), ","))
	flags.IntVar(&f.clients, "clients", 3, "clients")
	flags.DurationVar(&f.wait, "wait", 10*time.Millisecond,
		"a simulated upstream call that each request waits for")
	flags.BoolVar(&f.kernel, "kernel", false,
		"show one request of each model, as the program and the kernel saw it")
	flags.StringVar(&f.out, "out", "", "also draw each picture, as an SVG file in this `directory`")
	flags.StringVar(&f.json, "json", "", "write one line of JSON for each model to this file")
	return cmd
}

// complete works out what is to be recorded, and checks it.
func (f *timelineFlags) complete(self string) error {
	list, leftOut, err := chosen(f.models)
	if err != nil {
		return err
	}
	f.leftOut = leftOut
	known := make(map[string]bool)
	for _, model := range list {
		cfg := timeline.Config{Name: model.Name, Clients: f.clients, Wait: f.wait,
			Command: append(serving(self, model), "--wait", f.wait.String(), "--trace", "{trace}")}
		if err := cfg.Validate(); err != nil {
			return err
		}
		if known[model.Name] {
			return fmt.Errorf("model %s is given twice", model.Name)
		}
		known[model.Name] = true
		f.configs = append(f.configs, cfg)
	}
	if len(f.configs) == 0 {
		return errors.New("there is no model to show")
	}
	return nil
}

func runTimeline(ctx context.Context, s streams, f timelineFlags) (err error) {
	var lines *json.Encoder
	if f.json != "" {
		file, createErr := os.Create(f.json)
		if createErr != nil {
			return fmt.Errorf("write recordings: %w", createErr)
		}
		defer func() {
			if closeErr := file.Close(); closeErr != nil && err == nil {
				err = fmt.Errorf("write recordings: %w", closeErr)
			}
		}()
		lines = json.NewEncoder(file)
	}
	if f.out != "" {
		if err := os.MkdirAll(f.out, 0o777); err != nil {
			return fmt.Errorf("draw pictures: %w", err)
		}
	}
	for _, note := range f.leftOut {
		fmt.Fprintln(s.err, note)
	}
	for i, cfg := range f.configs {
		rec, err := timeline.Record(ctx, cfg)
		if err != nil {
			return err
		}
		if lines != nil {
			if err := lines.Encode(rec); err != nil {
				return fmt.Errorf("write recordings: %w", err)
			}
		}
		if err := f.show(s, rec, i > 0); err != nil {
			return err
		}
	}
	return nil
}

// show prints a recording, and draws it into a file if that is wanted.
func (f timelineFlags) show(s streams, rec *timeline.Recording, another bool) error {
	width, color := terminal(s.out)
	text, err := rec.Text(width, color), error(nil)
	if f.kernel {
		text, err = rec.KernelText(width, color)
	}
	if err != nil {
		return err
	}
	if another {
		text = "\n" + text
	}
	if _, err := fmt.Fprint(s.out, text); err != nil {
		return fmt.Errorf("write the timeline: %w", err)
	}
	if f.out == "" {
		return nil
	}
	name, picture := "timeline-", rec.SVG(timeline.Drawing{Width: timelineWidth})
	if f.kernel {
		name = "kernel-"
		if picture, err = rec.KernelSVG(timeline.Drawing{Width: kernelWidth}); err != nil {
			return err
		}
	}
	name = filepath.Join(f.out, name+rec.Server+".svg")
	if err := os.WriteFile(name, []byte(picture), 0o666); err != nil {
		return fmt.Errorf("draw pictures: %w", err)
	}
	fmt.Fprintln(s.err, "drawn:", name)
	return nil
}

// terminal returns how many columns what is printed to a file may have, and whether colours.
func terminal(out *os.File) (width int, color bool) {
	const usual = 80
	width, _, err := term.GetSize(int(out.Fd()))
	if err != nil || width <= 0 {
		width = usual
	}
	plain := os.Getenv("NO_COLOR") != "" || cmp.Or(os.Getenv("TERM"), "dumb") == "dumb"
	return width, term.IsTerminal(int(out.Fd())) && !plain
}
