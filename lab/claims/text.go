package claims

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/kettle-go/kettle/lab/results"
)

// WriteMarkdown writes a report of a run: the verdicts, the figures behind each, what has to be
// known to read them, and where they come from.
func WriteMarkdown(w io.Writer, set *results.Set, verdicts []Verdict) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# The claims, measured\n\n%s\n", escape(set.Run.Title()))
	for _, warning := range set.Run.Warnings {
		fmt.Fprintf(&b, "\n**%s**\n", escape(warning))
	}
	b.WriteString("\n| | claim | verdict | figure |\n|---|---|---|---|\n")
	for _, v := range verdicts {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", v.Claim.ID, escape(v.Claim.Text), v.Status,
			escape(v.Decisive()))
	}
	for _, v := range verdicts {
		v.writeMarkdown(&b)
	}
	writeCalls(&b, set)
	writeMethod(&b, set)
	writeMachine(&b, set)
	_, err := io.WriteString(w, b.String())
	return err
}

// Decisive is what decides, or why nothing does.
func (v Verdict) Decisive() string {
	if v.Status == NotMeasured || v.Figure == "" {
		return v.Why
	}
	if v.Status == TooClose && v.Why != "" {
		return v.Figure + "; " + v.Why
	}
	return v.Figure
}

func (v Verdict) writeMarkdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s: %s\n\n%s", v.Claim.ID, escape(v.Claim.Text), capital(string(v.Status)))
	if d := v.Decisive(); d != "" {
		fmt.Fprintf(b, ": %s", escape(d))
	}
	fmt.Fprintf(b, "%s\n\nPredicted: %s.\n", stop(v.Decisive()), escape(v.Claim.Predicted))
	if v.Claim.GoOwn != "" {
		fmt.Fprintf(b, "\nGo's, not the model's: %s\n", escape(v.Claim.GoOwn))
	}
	if len(v.Rows) == 0 {
		return
	}
	var names []string
	for _, r := range v.Rows {
		for _, f := range r.Figures {
			names = appendOnce(names, f.Name)
		}
	}
	b.WriteString("\n| |")
	for _, name := range names {
		fmt.Fprintf(b, " %s |", escape(name))
	}
	fmt.Fprintf(b, " |\n|---|%s---|\n", strings.Repeat("---|", len(names)))
	for _, r := range v.Rows {
		fmt.Fprintf(b, "| %s |", escape(r.Server))
		for _, name := range names {
			fmt.Fprintf(b, " %s |", escape(r.Text(name)))
		}
		said := string(r.Status)
		if r.Why != "" {
			said = strings.TrimPrefix(said+": "+r.Why, ": ")
		}
		fmt.Fprintf(b, " %s |\n", escape(said))
	}
}

// Text returns the figure of a name as it is shown; empty if the row has none.
func (r Row) Text(name string) string {
	for _, f := range r.Figures {
		if f.Name == name {
			return f.WithSpread()
		}
	}
	return ""
}

// howToRead is what has to be known of the figures.
const howToRead = `
## How to read it

Figures are medians over rounds, and what is in brackets is the interval that the true median lies
in. It is that of the sign test. With five rounds or fewer it is their whole range: a confidence of
50 % for two, 75 % for three, 87.5 % for four, and 93.75 % for five. One round has none. Ratios are
medians of those within a round, so they need not be the quotient of the medians beside them, which
may be of more rounds. What is not decided is looked at again once, where there is time, by more
rounds for that claim alone: two chances to be wrong in place of one.
`

func writeMethod(b *strings.Builder, set *results.Set) {
	b.WriteString(howToRead)
	for _, text := range Further(set) {
		fmt.Fprintf(b, "\nLooked at again, as it was not decided: %s.\n", escape(text))
	}
}

func writeMachine(b *strings.Builder, set *results.Set) {
	m := set.Run.Machine
	fmt.Fprintf(b, "\n## Where\n\n")
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "* %s: %s\n", name, escape(value))
		}
	}
	line("system", strings.TrimSpace(m.OS+" "+m.Kernel))
	line("CPU", fmt.Sprintf("%s, %d of them", m.CPU, m.CPUs))
	line("Go", m.Go)
	line("commit", m.Commit)
	line("command", strings.Join(set.Run.Args, " "))
	line("seed", fmt.Sprint(set.Run.Seed))
	for _, note := range m.Notes {
		fmt.Fprintf(b, "* %s\n", escape(note))
	}
	for _, text := range Cautions(set) {
		fmt.Fprintf(b, "* %s\n", escape(text))
	}
	if set.End != nil {
		line("it took", fmt.Sprintf("%.0f s", set.End.Seconds))
		line("interrupted", set.End.Interrupted)
	} else {
		line("interrupted", "the results have no end")
	}
}

// escape keeps text from being taken for Markdown's own signs, or for a terminal's.
func escape(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "&", "&amp;", "<", "&lt;",
		"*", `\*`, "[", `\[`, "`", "\\`").Replace(text)
}

// stop returns what ends a sentence that ends in the text.
func stop(text string) string {
	if strings.HasSuffix(text, "?") {
		return ""
	}
	return "."
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
