// The command figures puts the figures and pictures of a run of the lab into the documents, so that
// none is written by hand:
//
//	go run ./internal/figures RUN STORM
//
// RUN and STORM are directories that kettle lab has written, of an ordinary run and of one of the
// storm with all models. In the documents the places are marked, each by a line
//
//	<!-- figures: NAME -->
//
// behind which the next fenced block, or the next table, is replaced: verdicts is what the lab says
// of each claim, storm is the table, and machine says where it was measured. Pictures go to
// docs/pictures: the timelines and kernel lanes that the documents show, and the top of the page,
// for which a Chromium is needed.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kettle-go/kettle/internal/cli"
	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/timeline"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: figures RUN STORM")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// documents are those that have figures.
var documents = [...]string{"README.md", "README.zh-CN.md", "docs/async-model.md",
	"docs/async-model.zh-CN.md"}

const pictures = "docs/pictures"

func run(dir, storm string) error {
	set, err := read(dir)
	if err != nil {
		return err
	}
	blocks := map[string]string{"machine": machine(set)}
	if blocks["verdicts"], err = said(dir); err != nil {
		return err
	}
	if blocks["storm"], err = said(storm); err != nil {
		return err
	}
	if blocks["verdicts"], _, err = parts(blocks["verdicts"]); err != nil {
		return err
	}
	if _, blocks["storm"], err = parts(blocks["storm"]); err != nil {
		return err
	}
	for _, name := range documents {
		if err := rewrite(name, blocks); err != nil {
			return err
		}
	}
	return errors.Join(draw(set), photograph(filepath.Join(dir, "report.html")))
}

// read reads the results of a run.
func read(dir string) (*results.Set, error) {
	file, err := os.Open(filepath.Join(dir, "results.jsonl"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return results.Read(file)
}

// said returns what the lab says of a run.
func said(dir string) (string, error) {
	out, err := os.CreateTemp("", "figures")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if code := cli.Run([]string{"lab", "report", "--out", dir, dir}, os.Stdin, out,
		os.Stderr); code != 0 {
		return "", fmt.Errorf("kettle lab report %s: exit code %d", dir, code)
	}
	text, err := os.ReadFile(out.Name())
	return string(text), err
}

// parts returns the verdicts and the table: an empty line is between them.
func parts(text string) (verdicts, table string, err error) {
	verdicts, table, ok := strings.Cut(text, "\n\n")
	if !ok {
		return "", "", errors.New("there is no table: the storm was not part of the run")
	}
	return verdicts, strings.TrimRight(table, "\n"), nil
}

// machine says where and when a run was made.
func machine(set *results.Set) string {
	m := set.Run.Machine
	commit := m.Commit
	if commit == "" {
		commit = "not recorded"
	}
	return fmt.Sprintf("%s %s, %s, %d CPUs, %s, %s, commit %.12s", m.OS, m.Kernel, m.CPU, m.CPUs,
		m.Go, set.Run.Time.Format("2006-01-02"), commit)
}

// rewrite replaces the blocks that are marked in a document.
func rewrite(name string, blocks map[string]string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var out strings.Builder
	rest := string(text)
	for {
		before, after, found := strings.Cut(rest, "<!-- figures: ")
		out.WriteString(before)
		if !found {
			break
		}
		kind, after, ok := strings.Cut(after, " -->\n")
		if !ok || blocks[kind] == "" {
			return fmt.Errorf("%s: there are no figures %q", name, kind)
		}
		_, behind, ok := strings.Cut(after, "```text\n")
		if ok {
			_, behind, ok = strings.Cut(behind, "\n```\n")
		}
		if !ok {
			return fmt.Errorf("%s: no block of text follows the mark for %s", name, kind)
		}
		fmt.Fprintf(&out, "<!-- figures: %s -->\n```text\n%s\n```\n", kind, blocks[kind])
		rest = behind
	}
	return os.WriteFile(name, []byte(out.String()), 0o644)
}

// draw draws what the documents show of the recordings.
func draw(set *results.Set) error {
	if err := os.MkdirAll(pictures, 0o777); err != nil {
		return err
	}
	for _, r := range claims.Recordings(set) {
		switch r.Server {
		case "blocking", "streams":
			picture := r.SVG(timeline.Drawing{Width: 960})
			name := filepath.Join(pictures, "timeline-"+r.Server+".svg")
			if err := os.WriteFile(name, []byte(picture), 0o644); err != nil {
				return err
			}
		}
		switch r.Server {
		case "blocking", "polling", "select":
			picture, err := r.KernelSVG(timeline.Drawing{Width: 640})
			if err != nil {
				return fmt.Errorf("draw the kernel's part of %s: %w", r.Server, err)
			}
			name := filepath.Join(pictures, "kernel-"+r.Server+".svg")
			if err := os.WriteFile(name, []byte(picture), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// photograph makes a picture of the top of the page.
func photograph(page string) error {
	page, err := filepath.Abs(page)
	if err != nil {
		return err
	}
	to, err := filepath.Abs(filepath.Join(pictures, "report.png"))
	if err != nil {
		return err
	}
	for _, browser := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(browser)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu",
			"--hide-scrollbars", "--window-size=1100,1500", "--screenshot="+to,
			"file://"+page).CombinedOutput()
		if err != nil {
			return fmt.Errorf("photograph the page: %w: %s", err, out)
		}
		return nil
	}
	return errors.New("photograph the page: there is no Chromium")
}
