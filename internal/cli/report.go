package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/page"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/timeline"
)

func newReport(s streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "report FILE...",
		Short: "Draw the report of a run again, from its results; of several, side by side",
		Long: "Read the results of one run of the lab or of several (results.jsonl, as lab\n" +
			"--out writes it), say what became of each claim, and write the report and the page\n" +
			"anew, with the runs side by side. Nothing is measured.",
		Args: cobra.ArbitraryArgs,
		PreRunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("lab report: which results? Give it a results.jsonl, or several")
			case out == "":
				return usagef("lab report: --out: a directory is needed")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return redraw(s, args, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "lab-out", "directory for report and page")
	return cmd
}

// redraw draws what is in files.
func redraw(s streams, files []string, out string) error {
	var sets []*results.Set
	for _, name := range files {
		set, err := readResults(name)
		if err != nil {
			return err
		}
		sets = append(sets, set)
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return fmt.Errorf("make the directory of the report: %w", err)
	}
	c := newScreen(s, 0)
	for i, set := range sets {
		if len(sets) > 1 {
			fmt.Fprintf(s.out, "%s: %s\n", files[i], set.Run.Title())
		}
		for _, text := range doubts(set) {
			c.say(words.Printable(text))
		}
		for _, v := range claims.Of(set) {
			if v.Status != claims.NotMeasured || len(sets) == 1 {
				c.verdict(v)
			}
		}
		if err := writeTables(s.out, set, c.width); err != nil {
			return err
		}
	}
	paths, err := writeReport(out, sets...)
	for _, path := range paths {
		c.say("written: " + path)
	}
	return err
}

// doubts are what makes all figures of a run doubtful.
func doubts(set *results.Set) []string {
	texts := slices.Clone(set.Run.Warnings)
	switch {
	case set.End == nil:
		texts = append(texts, "the results have no end: the run goes on, or was killed")
	case set.End.Interrupted != "":
		texts = append(texts, "the run did not come to its end: "+set.End.Interrupted)
	}
	return texts
}

// readResults reads a file of results, or the one in a directory.
func readResults(name string) (*results.Set, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, resultsFile)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	set, err := results.Read(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return set, nil
}

// writeReport writes what is drawn from results into a directory, and returns the paths.
func writeReport(dir string, sets ...*results.Set) (paths []string, err error) {
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{markdownFile, func(w io.Writer) error { return writeMarkdown(w, sets) }},
		{pageFile, func(w io.Writer) error { return writePage(w, sets) }},
	} {
		path := filepath.Join(dir, f.name)
		file, err := os.Create(path)
		if err != nil {
			return paths, fmt.Errorf("write the report: %w", err)
		}
		if err := errors.Join(f.write(file), file.Close()); err != nil {
			return paths, fmt.Errorf("write the report: %s: %w", path, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func writeMarkdown(w io.Writer, sets []*results.Set) error {
	for _, set := range sets {
		if err := claims.WriteMarkdown(w, set, claims.Of(set)); err != nil {
			return err
		}
		if published := publishedOf(set); published != nil {
			if err := published.WriteMarkdown(w); err != nil {
				return fmt.Errorf("write the table: %w", err)
			}
		}
	}
	return nil
}

func writePage(w io.Writer, sets []*results.Set) error {
	var runs []page.Run
	for _, set := range sets {
		runs = append(runs, page.Run{Set: set, Verdicts: claims.Of(set)})
	}
	return page.Write(w, runs, page.Options{Draw: drawRecordings})
}

// drawRecordings draws what was recorded of some models, one below the other.
func drawRecordings(kind claims.ChartKind, models []string, set *results.Set) (string, error) {
	var b strings.Builder
	for _, r := range claims.Recordings(set) {
		if !slices.Contains(models, r.Server) {
			continue
		}
		picture := r.SVG(timeline.Drawing{})
		if kind == claims.KernelLanes {
			var err error
			if picture, err = r.KernelSVG(timeline.Drawing{}); err != nil {
				continue // there is no request that shows it
			}
		}
		b.WriteString(picture)
	}
	return b.String(), nil
}
