package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/words"
)

// tick is how often waiting times are shown anew, and how long an answer may take before it is
// shown as awaited at all: a server that answers at once should not make the screen flicker.
const tick = 100 * time.Millisecond

// Prompt opens o.Conns connections and then reads lines from the terminal and sends each to the
// next connection in turn. The prompt names the connection, [1] to [o.Conns]. Empty lines are
// skipped. Answers are printed as they come, with the connection's number; what is not printable
// in them as escapes. While an answer is awaited, a line above the prompt says so, and for how
// long. An answer that takes longer than o.Timeout is reported as missing, once, and if it comes
// nevertheless it is printed as late.
//
// Ctrl-D ends: the connections are half-closed, and the answers still missing are awaited for
// o.Timeout. Prompt then returns nil if every line was answered, and an error that matches
// os.ErrDeadlineExceeded if not. Ctrl-C ends at once, with ErrInterrupted; cancelling ctx does,
// with its cause. A connection that the server closes or resets is reported, with the number of
// lines that are lost with it, and ends the client as Ctrl-D does, with an error that matches
// ErrLost.
//
// Prompt blocks until it ends. It waits for everything that it started, except for one goroutine
// in a Read of t.In, which cannot be interrupted and ends with it.
func Prompt(ctx context.Context, o Options, t Terminal) error {
	return prompt(ctx, o, dialTCP, t)
}

func prompt(ctx context.Context, o Options, dial dialer, t Terminal) (err error) {
	conns, err := o.connect(ctx, dial, o.Conns)
	if err != nil {
		return err
	}
	c := &console{
		o:      o,
		screen: screen{out: bufio.NewWriter(t.Out), size: t.Size},
		events: make(chan event),
		keys:   make(chan keystrokes),
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, conn := range conns {
		l := &link{number: i + 1, conn: conn, send: make(chan []byte, 1)}
		c.links = append(c.links, l)
		l.run(c.events, quit, &wg)
		defer conn.Close()
	}
	defer close(quit)

	if t.Raw != nil {
		restore, rawErr := t.Raw()
		if rawErr != nil {
			return fmt.Errorf("preparing the terminal: %w", rawErr)
		}
		defer func() {
			if e := restore(); e != nil && err == nil {
				err = fmt.Errorf("restoring the terminal: %w", e)
			}
		}()
	}
	go t.readKeys(c.keys, quit)
	return c.run(ctx)
}

// console is the one owner of the terminal and of all that is known about the connections:
//
//	keyboard ── keystrokes ──▶           ── lines ──▶ one goroutine per link that writes
//	                           console
//	screen   ◀──── paint ─────           ◀─ events ── one goroutine per link that reads
//
// Only the goroutine in run touches it, so it needs no lock, and what happens has an order.
type console struct {
	o      Options
	screen screen
	editor editor
	rest   []byte // the beginning of a key whose end has not been read yet
	links  []*link
	next   int // links[next] gets the next line
	events chan event
	keys   chan keystrokes

	ending   bool      // nothing more is typed: what is awaited still may come, until
	deadline time.Time // this moment
	err      error     // why it ends, if not because the user wants it to
}

// run is the life of a console: paint, wait for the next thing to happen, deal with it.
func (c *console) run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	defer c.leave()
	c.screen.say(fmt.Sprintf("connected to %s %s. Ctrl-D ends.",
		c.o.Addr, times(len(c.links))))
	for !c.ending || c.awaited() > 0 {
		// Time matters only while an answer is awaited. A nil channel is never ready, and a ticker
		// that nobody listens to costs nothing.
		var ticks <-chan time.Time
		if c.awaited() > 0 {
			ticks = ticker.C
		}
		if err := c.paint(time.Now()); err != nil {
			return fmt.Errorf("writing to the terminal: %w", err)
		}
		var err error
		select {
		case k := <-c.keys:
			err = c.typed(k)
		case e := <-c.events:
			err = c.event(e)
		case <-ticks:
			err = c.overdue(time.Now())
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
	return c.err
}

// leave gives the terminal back with the cursor at the start of an empty row.
func (c *console) leave() {
	c.screen.erase()
	c.screen.out.Flush()
}

// times says how often we are connected.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// awaited returns the number of lines without an answer that may still come: all of them while
// the console is ending, as the server may have turned to us only now; else those not given up.
func (c *console) awaited() int {
	n := 0
	for _, l := range c.links {
		n += len(c.awaitedOn(l))
	}
	return n
}

// awaitedOn is awaited for one link, as a list, oldest line first.
func (c *console) awaitedOn(l *link) []asked {
	if c.ending {
		return l.answers.waiting
	}
	return l.answers.hoped()
}

// typed deals with one read of the keyboard, which may hold part of a key, or, when somebody
// pastes, many lines.
func (c *console) typed(k keystrokes) error {
	c.rest = append(c.rest, k.bytes...)
	for {
		pressed, n := decodeKey(c.rest)
		if n == 0 {
			break
		}
		c.rest = c.rest[n:]
		switch {
		case pressed == keyInterrupt:
			return ErrInterrupted
		case c.ending:
			// Only Ctrl-C means anything now.
		case pressed == keyClear:
			c.screen.clear()
		case pressed == keyEnd && len(c.editor.line) == 0:
			c.end(time.Now())
		default:
			if line, entered := c.editor.press(pressed); entered {
				c.entered(line, time.Now())
			}
		}
	}
	if k.err == nil {
		return nil
	}
	c.keys = nil // readKeys has ended
	if !errors.Is(k.err, io.EOF) {
		return fmt.Errorf("reading from the terminal: %w", k.err)
	}
	c.end(time.Now())
	return nil
}

// entered sends a line to the connection whose turn it is.
func (c *console) entered(line string, now time.Time) {
	if line == "" {
		return
	}
	l := c.links[c.next]
	// What was typed was in the zone that is painted anew; now it becomes part of what happened.
	c.screen.say(c.promptText() + visible([]rune(line)))
	l.ask(line+"\n", now)
	c.next = (c.next + 1) % len(c.links)
}

// end half-closes every connection and sets the time by which what is awaited must have come.
func (c *console) end(now time.Time) {
	if c.ending {
		return
	}
	c.ending, c.deadline = true, now.Add(c.o.Timeout)
	for _, l := range c.links {
		l.end()
	}
}

// event deals with what a link's goroutine tells.
func (c *console) event(e event) error {
	switch l := e.link; {
	case e.sent:
		// Lines typed while the writing goroutine was busy go out together now.
		l.busy = false
		l.pump()
	case e.err != nil:
		c.lose(l, e.err)
	default:
		now := time.Now()
		whole, err := l.answers.add(e.data)
		for _, a := range whole {
			c.answered(l, a, now)
		}
		if err != nil {
			return fmt.Errorf("connection %d to %s: %w", l.number, c.o.Addr, err)
		}
	}
	return nil
}

// answered prints a whole answer, without the newline that ends it.
func (c *console) answered(l *link, a answer, now time.Time) {
	text := strings.TrimSuffix(string(a.text), "\n")
	line := fmt.Sprintf("[%d] %s", l.number, printable([]byte(text)))
	if a.givenUp {
		line += fmt.Sprintf(" (late: after %s)", tenths(now.Sub(a.at)))
	}
	c.screen.say(line)
}

// lose says that a connection has ended, and ends the console. When the console is ending anyway,
// and all lines are answered, the end of the connection is only the server's good manners.
func (c *console) lose(l *link, err error) {
	lines := len(l.answers.waiting)
	if c.ending && lines == 0 {
		return
	}
	reason := why(err)
	if lines > 0 {
		reason += "; " + words.Count(lines, "line") + " unanswered"
	}
	l.answers.waiting = nil
	c.screen.say(fmt.Sprintf("[%d] lost: %s", l.number, reason))
	if c.err == nil {
		c.err = fmt.Errorf("%w: connection %d to %s: %s", ErrLost, l.number, c.o.Addr, reason)
	}
	c.end(time.Now())
}

// overdue reports the lines that have waited too long. Once the console is ending and its own
// time has passed too, it returns the error to end with.
func (c *console) overdue(now time.Time) error {
	for _, l := range c.links {
		n := l.answers.giveUp(now.Add(-c.o.Timeout))
		for range n {
			c.screen.say(fmt.Sprintf("[%d] no answer in %s", l.number, seconds(c.o.Timeout)))
		}
	}
	if !c.ending || now.Before(c.deadline) {
		return nil
	}
	if c.err != nil {
		return c.err
	}
	return fmt.Errorf("waiting for %s: %s unanswered: %w",
		c.o.Addr, words.Count(c.awaited(), "line"), os.ErrDeadlineExceeded)
}

// promptText names the connection that the next line goes to.
func (c *console) promptText() string { return fmt.Sprintf("[%d]> ", c.links[c.next].number) }

// paint brings the screen up to date.
func (c *console) paint(now time.Time) error {
	prompt := ""
	if !c.ending {
		prompt = c.promptText()
	}
	return c.screen.paint(c.status(now, c.screen.width()-1), prompt, &c.editor)
}

// status says in at most width columns which answers are awaited, the longest awaited first:
//
//	[2] waiting 3.1 s (2 lines)  [3] waiting 0.4 s  +6 more
func (c *console) status(now time.Time, width int) string {
	type wait struct {
		number, lines int
		since         time.Time
	}
	var waits []wait
	for _, l := range c.links {
		if lines := c.awaitedOn(l); len(lines) > 0 && now.Sub(lines[0].at) >= tick {
			waits = append(waits, wait{l.number, len(lines), lines[0].at})
		}
	}
	slices.SortStableFunc(waits, func(a, b wait) int { return a.since.Compare(b.since) })
	text := ""
	for i, w := range waits {
		item := fmt.Sprintf("[%d] waiting %s", w.number, tenths(now.Sub(w.since)))
		if w.lines > 1 {
			item += fmt.Sprintf(" (%d lines)", w.lines)
		}
		if i == 0 {
			text = item // even if it does not fit: its beginning is better than nothing
			continue
		}
		more := ""
		if after := len(waits) - i - 1; after > 0 {
			more = fmt.Sprintf("  +%d more", after)
		}
		if len(text)+2+len(item)+len(more) > width {
			if more = fmt.Sprintf("  +%d more", len(waits)-i); len(text)+len(more) <= width {
				text += more
			}
			break
		}
		text += "  " + item
	}
	return text
}

// tenths prints a waiting time in seconds, with one digit behind the point, never rounded up.
func tenths(d time.Duration) string {
	return fmt.Sprintf("%.1f s", d.Truncate(tick).Seconds())
}
