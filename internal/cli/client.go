package cli

import (
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/internal/client"
)

func newClient(s streams) *cobra.Command {
	var o client.Options
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Talk to a server: by hand on a terminal, else as a pipe",
		Long: "On a terminal each line goes to the next of several connections, and its answer\n" +
			"comes back with the connection's number; the prompt never waits. Else standard\n" +
			"input goes to one connection, and what comes back to standard output, byte for byte.",
		Args: noArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if err := checkServerAddr(o.Addr); err != nil {
				return asUsage(err)
			}
			switch {
			case o.Conns < 1:
				return usagef("--conns %d: at least 1", o.Conns)
			case o.Timeout <= 0:
				return usagef("--timeout %v: must be more than nothing", o.Timeout)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGPIPE) // a closed standard output is an error to report
			return client.Run(cmd.Context(), o, s.in, s.out)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.Addr, "addr", defaultAddr, "the server")
	flags.IntVar(&o.Conns, "conns", 10, "connections that the lines go to in turn, on a terminal")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second,
		"how long connecting, and each answer, may take")
	return cmd
}
