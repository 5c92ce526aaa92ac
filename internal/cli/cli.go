// Package cli is the kettle command: one file for each subcommand, which reads its flags and
// calls the package that does the work.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage. What a command answers goes to standard
// output, what it has to say about it to standard error.
//
// A command's PreRunE checks its flags and does nothing else: what is wrong with them is wrong
// usage, and nothing has been started then. Its RunE does the work.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab"
)

// streams are the files that a command reads and writes.
type streams struct {
	in       *os.File
	out, err *os.File
}

// usageError is wrong usage: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// asUsage makes a usage error of an error, and nothing of nil.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// Run runs the command with its arguments and returns the exit code for the process.
func Run(args []string, in, out, stderr *os.File) int {
	root := newRoot(streams{in, out, stderr})
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	ctx, stop := untilSignal()
	defer stop()
	return exitCode(root.ExecuteContext(ctx), stderr)
}

// exitCode says what went wrong, and returns the exit code for it.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "kettle: %s\n", oneLine(err))
	if _, wrong := errors.AsType[usageError](err); wrong {
		fmt.Fprintln(stderr, "kettle: see kettle --help, or kettle COMMAND --help")
		return 2
	}
	return 1
}

// oneLine is the text of an error without line breaks, for a log that is read by lines.
func oneLine(err error) string {
	return words.Printable(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool {
		return r == '\n' || r == '\r'
	}), "; "))
}

// untilSignal returns a context that the first SIGINT or SIGTERM cancels. From then on the
// signals have their default effect again, so that a second one ends the process at once.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case sig := <-signals:
			signal.Stop(signals)
			cancel(fmt.Errorf("stopped by signal: %v", sig))
		case <-done:
			signal.Stop(signals)
		}
	}()
	return ctx, func() {
		close(done)
		cancel(nil)
	}
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "kettle",
		Short: "One TCP service under every I/O model: run it, talk to it, compare what it costs",
		Long: "kettle runs one upper-casing TCP service under every I/O model, from a blocking\n" +
			"thread to tasks on an event loop, and shows side by side what each costs.",
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q: there is %s", args[0], commandNames(cmd))
			}
			return cmd.Help()
		},
	}
	// Declared here, as cobra's own would also take -v.
	root.Flags().Bool("version", false, "say which version this is")
	root.Version = version()
	root.SetVersionTemplate("kettle {{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if !cmd.HasParent() {
			return usageError{err} // whose name stands before every error
		}
		return usagef("%s: %w", commandName(cmd), err)
	})
	root.SetHelpCommand(newHelp())
	root.AddCommand(newModels(s), newServe(s), newClient(s), newLoad(s), newLab(s))
	return root
}

// version returns what the build has recorded: the module's version, the commit, and the Go
// version.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown version, " + runtime.Version()
	}
	parts := []string{cmp.Or(info.Main.Version, "(devel)")}
	if commit := lab.Commit(); commit != "" {
		parts = append(parts, "commit "+commit)
	}
	return strings.Join(append(parts, info.GoVersion), ", ")
}

// newHelp is cobra's help command, but for a topic that does not exist, which is wrong usage.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does and which flags it has",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("unknown command %q: there is %s", strings.Join(args, " "),
					commandNames(cmd.Root()))
			}
			return topic.Help()
		},
	}
}

func commandNames(root *cobra.Command) string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			names = append(names, c.Name())
		}
	}
	return strings.Join(names, ", ")
}

// commandName is what stands behind kettle to call a command: "lab switch".
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// noArgs refuses arguments that are not flags.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s: unexpected argument %q", commandName(cmd), args[0])
	}
	return nil
}
