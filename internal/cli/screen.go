package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"golang.org/x/term"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// screen is where a run of the lab says how far it is, and what it has found. On a terminal the
// progress is one line that changes; else there is a line for each workload, as it begins.
type screen struct {
	out, err *os.File
	live     bool // the progress is a line that changes
	width    int  // of the output; 0: not a terminal
	style    map[claims.Status]lipgloss.Style
	began    time.Time
	total    int // visits
	done     int
	workload string
	cells    int // of the workload
	rounds   int
	passed   int // visits since it began; those beyond its rounds are of other kinds
	spoke    time.Time
	until    time.Time // when all visits will be over at the latest; zero: that is not known
}

// narrow is what a table needs at least to be readable.
const narrow = 40

func newScreen(s streams, visits int) screen {
	c := screen{out: s.out, err: s.err, live: term.IsTerminal(int(s.err.Fd())), began: time.Now(),
		total: visits, width: widthOf(s.out)}
	c.style = statusStyles(s.out)
	return c
}

// widthOf returns how many columns a terminal has; 0 if the file is none.
func widthOf(f *os.File) int {
	if !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return max(width, narrow)
}

// statusStyles returns how a status looks: in colour on a terminal that has some and is not asked
// not to use them (NO_COLOR, TERM=dumb), else plain.
func statusStyles(w io.Writer) map[claims.Status]lipgloss.Style {
	r := lipgloss.NewRenderer(w)
	color := func(light, dark string) lipgloss.Style {
		return r.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: light, Dark: dark})
	}
	return map[claims.Status]lipgloss.Style{
		claims.Holds:       color("28", "78"),
		claims.DoesNotHold: color("160", "210"),
		claims.TooClose:    color("136", "221"),
		claims.NotMeasured: color("240", "247"),
	}
}

// say says something that stays.
func (c *screen) say(text string) {
	c.clear()
	fmt.Fprintln(c.err, text)
}

// clear takes away the line that changes.
func (c *screen) clear() {
	if c.live {
		fmt.Fprint(c.err, "\r\033[K")
	}
}

func (c *screen) begin(workload, about string, cells, rounds int) {
	c.workload, c.cells, c.rounds, c.passed, c.spoke = workload, cells, rounds, 0, time.Time{}
	if c.live {
		c.progress(about)
		return
	}
	fmt.Fprintf(c.err, "%s: %s%s\n", workload, about, c.left())
}

func (c *screen) visited(workload string, v *results.Visit) {
	c.done++
	c.passed++
	if c.live {
		c.workload = workload
		c.progress(v.Server)
		return
	}
	ended := c.passed <= c.cells*c.rounds && c.passed%c.cells == 0
	if ended && c.rounds > manyRounds && time.Since(c.spoke) > silence {
		c.spoke = time.Now()
		fmt.Fprintf(c.err, "%s: round %d of %d done%s\n", workload, v.Round, c.rounds, c.left())
	}
}

// further announces more visits, for claims that are not decided. None is begun that would end
// after until.
func (c *screen) further(visits int, until time.Time) {
	c.total += visits
	c.until = until
	c.say(fmt.Sprintf("some claims are not decided yet: up to %s more, as far as time allows",
		words.Count(visits, "visit")))
}

// Where a workload has many rounds, those that end are told of, but not more often than that.
const (
	manyRounds = 10
	silence    = 10 * time.Second
)

// progress writes the line that changes, as much of it as there is room for.
func (c *screen) progress(what string) {
	line := fmt.Sprintf("%s: %s, %d of %d visits%s", c.workload, what, c.done, c.total, c.left())
	if width := widthOf(c.err); width > 0 {
		line = lipgloss.NewStyle().MaxWidth(width - 1).Render(line)
	}
	fmt.Fprintf(c.err, "\r\033[K%s", line)
}

// fewVisits is how many there must have been for the time that is left to be estimated.
const fewVisits = 5

// left says how much time is left, as far as that can be told.
func (c *screen) left() string {
	if c.done < fewVisits || c.done >= c.total {
		return ""
	}
	left := time.Since(c.began) / time.Duration(c.done) * time.Duration(c.total-c.done)
	if !c.until.IsZero() {
		left = min(left, max(time.Until(c.until), 0))
	}
	return fmt.Sprintf(", %v left", left.Round(time.Second))
}

// verdict writes what has become of a claim.
func (c *screen) verdict(v claims.Verdict) {
	c.clear()
	head := fmt.Sprintf("%-3s  %s  ", v.Claim.ID,
		c.style[v.Status].Render(fmt.Sprintf("%-18s", v.Status)))
	const indent = 3 + 2 + 18 + 2
	text := v.Claim.Text
	if d := words.Printable(v.Decisive()); d != "" {
		text += "\n" + d
	}
	fmt.Fprintln(c.out, head+strings.ReplaceAll(c.wrap(text, indent), "\n",
		"\n"+strings.Repeat(" ", indent)))
}

// wrap breaks text where the terminal ends.
func (c *screen) wrap(text string, indent int) string {
	room := c.width - indent
	if c.width == 0 || room < narrow/2 {
		return text
	}
	var lines []string
	for line := range strings.Lines(lipgloss.NewStyle().Width(room).Render(text)) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n")
}

func (c *screen) end() { c.clear() }
