package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/workloads"
	"github.com/kettle-go/kettle/models"
)

// labFlags are the flags of the lab command.
type labFlags struct {
	models      string
	workloads   string
	servers     []string // NAME=COMMAND
	quick, full bool
	rounds      int
	seed        uint64
	out         string
	load        lab.Config // of the storm, where it is given
	given       func(flag string) bool
	options     workloads.Options
	missing     []string // models that cannot run here, and why
	sources     []results.Model
}

func newLab(s streams) *cobra.Command {
	f := &labFlags{load: lab.Normal()}
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Test what is said about the models, and show what each costs under the same load",
		Long: "Start each model as a process of its own, put the same load on all of them, in\n" +
			"several rounds, and say of each claim about them whether it holds here. Verdicts\n" +
			"come as they are reached; figures and pictures are in the report that is written\n" +
			"to --out. If that leaves a claim open, what it rests on is visited more often, as\n" +
			"long as the run takes no more than a minute and a half (with --quick 35 s); not\n" +
			"with --full, --rounds, --models, or a load of one's own. A wrong byte in any\n" +
			"answer fails the run.\n\n" +
			"With --server, any other server of the service is measured too, in any language:\n" +
			"  kettle lab --models streams --server mine='./mine --port {port}'\n" +
			"The command is what a shell (sh) understands. {addr}, {host} and {port} stand for\n" +
			"where it has to listen; without one of them its first line has to be \"listening\n" +
			"on HOST:PORT\". To end it, SIGTERM is sent to it and all that it has started, and\n" +
			"SIGKILL later.\n\n" +
			"With a load of one's own (--conns and the flags below it) only the storm is run,\n" +
			"which has a table of its own and compares CPU time with --reference.\n\n" +
			"Workloads:\n" + listWorkloads(),
		Args: noArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program, to run it as a server: %w", err)
			}
			f.given = cmd.Flags().Changed
			return asUsage(f.complete(self))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLab(cmd.Context(), s, f)
		},
	}
	f.declare(cmd)
	cmd.AddCommand(newReport(s), newTimeline(s), newSwitch(s), newCheck(s), newSynthetic(s))
	return cmd
}

func (f *labFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.workloads, "workloads", "", "which, separated by commas (those above that "+
		"test a claim; with --full all)")
	flags.StringVar(&f.models, "models", allModels, "which, separated by commas, or "+noModels+": "+
		strings.Join(models.Names(), ","))
	flags.StringArrayVar(&f.servers, "server", nil,
		"another server beside the models, `NAME='COMMAND {addr}'`; may be given several times")
	flags.BoolVar(&f.quick, "quick", false, "short rounds: does everything work?")
	flags.BoolVar(&f.full, "full", false, "every model in each workload, in more rounds: hours")
	flags.IntVar(&f.rounds, "rounds", 0, "rounds; more give narrower intervals (by the workload)")
	flags.Uint64Var(&f.seed, "seed", 1, "of the order of the visits and the bytes sent")
	flags.StringVar(&f.out, "out", "lab-out", "directory for results, report and page")
	flags.IntVar(&f.load.Conns, "conns", f.load.Conns, "connections")
	flags.IntVar(&f.load.IdleConns, "idle-conns", f.load.IdleConns,
		"connections beside those, silent after their first answer")
	flags.IntVar(&f.load.Size, "size", f.load.Size, "bytes of a message")
	flags.IntVar(&f.load.Depth, "depth", f.load.Depth, "messages in flight on each connection")
	flags.Float64Var(&f.load.Rate, "rate", f.load.Rate, "messages per second at the fixed rate")
	flags.DurationVar(&f.load.Saturate, "duration", f.load.Saturate,
		"length of each measured window")
	flags.StringVar(&f.load.Reference, "reference", "",
		"the row that ratios are to (goroutines if it is measured, else the first)")
}

// listWorkloads describes the workloads, for the help.
func listWorkloads() string {
	var b strings.Builder
	for _, w := range workloads.All() {
		fmt.Fprintf(&b, "  %-9s %s", w.Name, w.About)
		if len(w.Claims) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(w.Claims, ", "))
		}
		b.WriteString("\n")
		if w.Params != "" {
			fmt.Fprintf(&b, "            %s\n", w.Params)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// complete works out what the flags leave open and checks the rest. The program self is run as
// each of the servers.
func (f *labFlags) complete(self string) error {
	switch {
	case f.quick && f.full:
		return errors.New("--quick and --full: which?")
	case f.rounds < 0 || f.given("rounds") && f.rounds == 0:
		return fmt.Errorf("%d rounds: at least 1 is needed", f.rounds)
	case f.given("duration") && f.load.Saturate <= 0:
		return errors.New("a measured window must have a length")
	case f.out == "":
		return errors.New("--out: a directory is needed")
	}
	o := &f.options
	o.Self, o.Scale, o.Rounds, o.Seed = self, workloads.Normal, f.rounds, f.seed
	o.Make = f.maker(self)
	if f.quick {
		o.Scale = workloads.Quick
	} else if f.full {
		o.Scale = workloads.Full
	}
	if err := f.addModels(); err != nil {
		return err
	}
	if err := f.addServers(); err != nil {
		return err
	}
	if len(o.Models)+len(o.Others) == 0 {
		return errors.New("there is no server to measure")
	}
	if err := f.chooseWorkloads(); err != nil {
		return err
	}
	if err := f.checkMeasured(); err != nil {
		return err
	}
	return f.completeStorm()
}

// ofTheStorm are the flags that describe a load, or compare servers under one.
var ofTheStorm = []string{"conns", "idle-conns", "size", "depth", "rate", "duration", "reference"}

// chooseWorkloads chooses those that are named; else the storm alone if its load is described or
// there is no model, of which all claims are; else what belongs to the scale.
func (f *labFlags) chooseWorkloads() error {
	o := &f.options
	switch {
	case f.workloads != "":
		for name := range strings.SplitSeq(f.workloads, ",") {
			w, err := workloads.Lookup(strings.TrimSpace(name))
			if err != nil {
				return err
			}
			if slices.ContainsFunc(o.Workloads, called(w.Name)) {
				return fmt.Errorf("workload %s is given twice", w.Name)
			}
			o.Workloads = append(o.Workloads, w)
		}
		i := slices.IndexFunc(ofTheStorm, f.given)
		if i >= 0 && !slices.ContainsFunc(o.Workloads, called("storm")) {
			return fmt.Errorf("--%s is of the storm, which is not among the --workloads",
				ofTheStorm[i])
		}
	case slices.ContainsFunc(ofTheStorm, f.given), len(o.Models) == 0:
		storm, err := workloads.Lookup("storm")
		if err != nil {
			return err
		}
		o.Workloads, o.All = []workloads.Workload{storm}, true
	default:
		o.Workloads = workloads.Default(o.Scale)
	}
	return nil
}

// called returns what tells the workload of that name from others.
func called(name string) func(workloads.Workload) bool {
	return func(w workloads.Workload) bool { return w.Name == name }
}

// checkMeasured returns an error if a server was given that no workload would visit.
func (f *labFlags) checkMeasured() error {
	for _, s := range f.options.Others {
		if !f.options.Visit(s.Name) {
			return fmt.Errorf("--server %s: the workloads that are run have only models", s.Name)
		}
	}
	return nil
}

// completeStorm says what the storm is to be, and checks it.
func (f *labFlags) completeStorm() error {
	o := &f.options
	o.Reference = f.load.Reference
	known := slices.Clone(o.Models)
	for _, s := range o.Others {
		known = append(known, s.Name)
	}
	switch {
	case o.Reference != "" && !slices.Contains(known, o.Reference):
		return fmt.Errorf("the reference %s is not among the servers", o.Reference)
	case o.Reference == "" && slices.Contains(known, defaultReference):
		o.Reference = defaultReference
	case o.Reference == "":
		o.Reference = known[0]
	}
	o.Storm = func(cfg *lab.Config) {
		set := func(flag string, change func()) {
			if f.given(flag) {
				change()
			}
		}
		set("conns", func() { cfg.Conns = f.load.Conns })
		set("idle-conns", func() { cfg.IdleConns = f.load.IdleConns })
		set("size", func() { cfg.Size = f.load.Size })
		set("depth", func() { cfg.Depth = f.load.Depth })
		set("rate", func() { cfg.Rate = f.load.Rate })
		set("duration", func() { cfg.Saturate, cfg.Pace = f.load.Saturate, f.load.Saturate })
	}
	checked := lab.Normal()
	o.Storm(&checked)
	checked.Servers = []lab.Server{{Name: "any", Command: []string{"any"}}}
	return checked.Validate()
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

// addModels chooses the models.
func (f *labFlags) addModels() error {
	list, leftOut, err := chosen(f.models)
	if err != nil {
		return err
	}
	f.missing = leftOut
	o := &f.options
	o.All = f.given("models")
	for _, model := range list {
		if slices.Contains(o.Models, model.Name) {
			return fmt.Errorf("server %s is given twice", model.Name)
		}
		o.Models = append(o.Models, model.Name)
		f.sources = append(f.sources, sourceOf(model))
	}
	return nil
}

// sourceOf is what the results have of a model.
func sourceOf(m models.Model) results.Model {
	own, all := m.Lines()
	r := results.Model{Name: m.Name, Summary: m.Summary, File: "models/" + m.File(),
		Source: m.Source(), OwnLines: own, Lines: all}
	if n, ok := m.Tests(); ok {
		r.Tests = &n
	}
	return r
}

// maker returns the function that makes servers of models: this program, with its serve command.
func (f *labFlags) maker(self string) func(string, ...string) (lab.Server, error) {
	return func(name string, more ...string) (lab.Server, error) {
		model, err := models.Lookup(name)
		if err != nil {
			return lab.Server{}, err
		}
		own, all := model.Lines()
		return lab.Server{Name: name, OwnLines: own, Lines: all,
			Command: append(serving(self, model), more...)}, nil
	}
}

// named returns what tells a server of that name from others.
func named(name string) func(lab.Server) bool {
	return func(s lab.Server) bool { return s.Name == name }
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
		case slices.ContainsFunc(f.options.Others, named(name)):
			return fmt.Errorf("server %s is given twice", name)
		}
		f.options.Others = append(f.options.Others,
			lab.Server{Name: name, Command: runnable(command)})
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
