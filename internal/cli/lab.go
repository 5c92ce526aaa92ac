package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/models"
)

// labFlags are the flags of the lab command.
type labFlags struct {
	models  string
	servers []string // NAME=COMMAND
	leftOut []string // models that cannot run here, and why
	quick   bool
	json    string
	cfg     lab.Config
}

func newLab(s streams) *cobra.Command {
	f := labFlags{cfg: lab.Normal()}
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Put the same load on every model and show what each costs",
		Long: "Start each model as a process of its own, put the same load on all of them, in\n" +
			"several rounds, and print one table. A wrong byte in any answer fails the run.\n\n" +
			"With --server, any other server of the service is a row too, in whatever language:\n" +
			"  kettle lab --models streams --server mine='./mine --port {port}'\n" +
			"The command is what a shell (sh) understands. {addr}, {host} and {port} stand for\n" +
			"where it has to listen; without one of them its first line has to be \"listening\n" +
			"on HOST:PORT\". To end it, SIGTERM is sent to it and all that it has started, and\n" +
			"SIGKILL later.",
		Args: noArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program, to run it as a server: %w", err)
			}
			return asUsage(f.complete(cmd, self))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLab(cmd.Context(), s, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.models, "models", allModels, "which, separated by commas, or "+noModels+": "+
		strings.Join(models.Names(), ","))
	flags.StringArrayVar(&f.servers, "server", nil,
		"another server beside the models, `NAME='COMMAND {addr}'`; may be given several times")
	flags.StringVar(&f.cfg.Reference, "reference", "",
		"the row that ratios are to (goroutines if it is measured, else the first)")
	flags.BoolVar(&f.quick, "quick", false, "one short round: does everything work?")
	flags.IntVar(&f.cfg.Rounds, "rounds", f.cfg.Rounds, "rounds; more give narrower intervals")
	flags.IntVar(&f.cfg.Conns, "conns", f.cfg.Conns, "connections")
	flags.IntVar(&f.cfg.IdleConns, "idle-conns", f.cfg.IdleConns,
		"connections beside those, silent after their first answer")
	flags.IntVar(&f.cfg.Size, "size", f.cfg.Size, "bytes of a message")
	flags.IntVar(&f.cfg.Depth, "depth", f.cfg.Depth, "messages in flight on each connection")
	flags.Float64Var(&f.cfg.Rate, "rate", f.cfg.Rate, "messages per second at the fixed rate")
	flags.DurationVar(&f.cfg.Saturate, "duration", f.cfg.Saturate,
		"length of each measured window")
	flags.Uint64Var(&f.cfg.Seed, "seed", 1, "of the order of the visits and the bytes sent")
	flags.StringVar(&f.json, "json", "", "write one line of JSON for each visit to this file")
	cmd.AddCommand(newTimeline(s))
	return cmd
}

// complete works out what the flags leave open and checks the rest. The program self is run as
// each of the servers.
func (f *labFlags) complete(cmd *cobra.Command, self string) error {
	if cmd.Flags().Changed("duration") {
		f.cfg.Pace = f.cfg.Saturate
	}
	if f.quick {
		quick := lab.Quick()
		given := cmd.Flags().Changed
		if !given("rounds") {
			f.cfg.Rounds = quick.Rounds
		}
		if !given("duration") {
			f.cfg.Saturate, f.cfg.Pace = quick.Saturate, quick.Pace
		}
		f.cfg.Idle, f.cfg.Greet = quick.Idle, quick.Greet
	}
	if err := f.addModels(self); err != nil {
		return err
	}
	if err := f.addServers(); err != nil {
		return err
	}
	if f.cfg.Reference == "" && len(f.cfg.Servers) > 0 {
		f.cfg.Reference = f.cfg.Servers[0].Name
		if f.measures(defaultReference) {
			f.cfg.Reference = defaultReference
		}
	}
	return f.cfg.Validate()
}

// What --models says that is no list of names.
const (
	allModels = "all"
	noModels  = "none"
)

// defaultReference is the model that ratios are to, if it is measured and nothing else is said:
// what a Go program does without any of this.
const defaultReference = "goroutines"

// chosen returns the models that a list names; of all models, those that cannot run here are left
// out, and why.
func chosen(list string) (found []models.Model, leftOut []string, err error) {
	var names []string
	switch list {
	case allModels:
		names = models.Names()
	case noModels:
	default:
		names = strings.Split(list, ",")
	}
	for _, name := range names {
		model, err := models.Lookup(strings.TrimSpace(name))
		if err != nil {
			return nil, nil, err
		}
		if why := model.Missing(); why != nil && list != allModels {
			return nil, nil, fmt.Errorf("model %s cannot be measured here: %w", model.Name, why)
		} else if why != nil {
			leftOut = append(leftOut, fmt.Sprintf("left out: %s: %v", model.Name, why))
			continue
		}
		found = append(found, model)
	}
	return found, leftOut, nil
}

// serving returns the command that serves a model, to which more can be added.
func serving(self string, model models.Model) []string {
	return []string{self, "serve", "--model", model.Name, "--addr", "127.0.0.1:0", "--until-eof"}
}

// addModels adds the models that were chosen.
func (f *labFlags) addModels(self string) error {
	list, leftOut, err := chosen(f.models)
	if err != nil {
		return err
	}
	f.leftOut = leftOut
	for _, model := range list {
		own, all := model.Lines()
		f.cfg.Servers = append(f.cfg.Servers, lab.Server{Name: model.Name,
			Command: serving(self, model), OwnLines: own, Lines: all})
	}
	return nil
}

// addServers adds the servers that are no models. They stand behind the models, in their order.
func (f *labFlags) addServers() error {
	for _, text := range f.servers {
		name, command, ok := strings.Cut(text, "=")
		name, command = strings.TrimSpace(name), strings.TrimSpace(command)
		switch {
		case !ok || name == "" || command == "":
			return fmt.Errorf("--server %q: want NAME='COMMAND {addr}'", text)
		case strings.ContainsFunc(name, unicode.IsControl):
			return fmt.Errorf("--server %q: a name is one line of text", text)
		case slices.Contains(models.Names(), name):
			return fmt.Errorf("--server %s: there is a model of that name", name)
		}
		f.cfg.Servers = append(f.cfg.Servers, lab.Server{Name: name, Command: runnable(command)})
	}
	return nil
}

// shellOnly are the characters that mean something to a shell, in whatever place.
const shellOnly = "|&;<>()$`\\\"'*?[]#~=%!\n\t"

// runnable returns the program and arguments for a command as a shell reads it. A program and
// plain words need no shell, and then no shell is among what is measured, and waits for it.
func runnable(command string) []string {
	if words := strings.Fields(command); !strings.ContainsAny(command, shellOnly) {
		if _, err := exec.LookPath(words[0]); err == nil {
			return words
		}
	}
	return []string{"sh", "-c", command}
}

// measures reports whether a server of that name is measured.
func (f *labFlags) measures(name string) bool {
	return slices.ContainsFunc(f.cfg.Servers, func(s lab.Server) bool { return s.Name == name })
}

func runLab(ctx context.Context, s streams, f labFlags) (err error) {
	if f.json != "" {
		file, createErr := os.Create(f.json)
		if createErr != nil {
			return fmt.Errorf("write results: %w", createErr)
		}
		defer func() {
			if closeErr := file.Close(); closeErr != nil && err == nil {
				err = fmt.Errorf("write results: %w", closeErr)
			}
		}()
		f.cfg.JSON = file
	}
	for _, note := range f.leftOut {
		fmt.Fprintln(s.err, note)
	}
	p := progress{w: s.err, live: term.IsTerminal(int(s.err.Fd())), began: time.Now(),
		rounds: f.cfg.Rounds}
	f.cfg.Begin = p.begin
	f.cfg.Progress = p.visited
	report, err := lab.Run(ctx, f.cfg)
	p.end()
	if report != nil && len(report.Visits) > 0 {
		if writeErr := report.WriteTable(s.out); writeErr != nil {
			return fmt.Errorf("write the table: %w", writeErr)
		}
	}
	return err
}

// progress says how far a run is: on a terminal in one line that changes, else in a line for
// each round.
type progress struct {
	w      io.Writer
	live   bool
	began  time.Time
	rounds int
	per    int // visits of a round
	done   int
}

func (p *progress) begin(m lab.Machine, visits int) {
	p.per = visits
	for _, note := range m.Notes {
		fmt.Fprintln(p.w, note)
	}
	fmt.Fprintf(p.w, "measuring: servers %d, rounds %d", p.per, p.rounds)
	if !p.live {
		fmt.Fprintln(p.w)
	}
}

func (p *progress) visited(v lab.Visit) {
	p.done++
	total := p.rounds * p.per
	spent := time.Since(p.began)
	left := time.Duration(float64(spent) / float64(p.done) * float64(total-p.done))
	if p.live {
		fmt.Fprintf(p.w, "\r\033[Kround %d of %d: %s, %d of %d done, %v left", v.Round, p.rounds,
			v.Server, p.done, total, left.Round(time.Second))
		return
	}
	if p.done%p.per == 0 {
		fmt.Fprintf(p.w, "round %d of %d done, %v left\n", v.Round, p.rounds,
			left.Round(time.Second))
	}
}

func (p *progress) end() {
	if p.live {
		fmt.Fprint(p.w, "\r\033[K")
	}
}
