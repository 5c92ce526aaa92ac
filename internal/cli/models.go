package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/models"
)

func newModels(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "models",
		Short: "List the models: who waits where, how far each goes, where it is explained",
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return listModels(s.out) },
	}
}

func listModels(w io.Writer) error {
	for _, m := range models.All() {
		fmt.Fprintf(w, "%s: %s\n", m.Name, m.Summary)
		tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
		own, all := m.Lines()
		fmt.Fprintf(tw, "  kind\t%s\n", kind(m))
		fmt.Fprintf(tw, "  threads\t%s\n", m.Threads)
		fmt.Fprintf(tw, "  waits\t%s\n", m.Waits)
		fmt.Fprintf(tw, "  limits\t%s\n", m.Limits)
		if why := m.Missing(); why != nil {
			fmt.Fprintf(tw, "  here\tno, it serves with another selector: %v\n", why)
		}
		fmt.Fprintf(tw, "  code\tmodels/%s, %d lines (%d with what it shares)\n",
			m.File(), own, all)
		fmt.Fprintf(tw, "  read\tdocs/async-model.md, section %s\n\n", m.Section)
		if err := tw.Flush(); err != nil {
			return fmt.Errorf("write the list of models: %w", err)
		}
	}
	return nil
}

func kind(m models.Model) string {
	order, call := "asynchronous", "non-blocking calls"
	if m.Synchronous {
		order = "synchronous"
	}
	if m.Blocking {
		call = "blocking calls"
	}
	return order + ", " + call
}
