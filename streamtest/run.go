package streamtest

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// Make returns the two sides of a connection on the loop of t, and may suspend. Of what else it has
// made for that nothing may be left when it returns.
type Make func(t *kettle.Task) (a, b *stream.Conn, err error)

// limit is how long a check may take.
const limit = 30 * time.Second

// A check holds one promise.
type check struct {
	name string
	run  func(*fixture)
}

// Run runs the suite on the connections that make returns, a pair for each check. It blocks until
// all is done, a few seconds; as it counts descriptors it must not run beside other tests.
func Run(t *testing.T, make Make, options ...kettle.Option) {
	t.Helper()
	// Go's own poller has its descriptors from here on.
	if err := kettle.Run((*kettle.Task).Yield, options...); err != nil {
		t.Fatal(err)
	}
	for _, c := range slices.Concat(readChecks(), lineChecks(), writeChecks(), turnChecks(),
		endChecks(), misuseChecks(), deadlineChecks(), cancelChecks(), trafficChecks()) {
		t.Run(c.name, func(t *testing.T) { c.perform(t, make, options) })
	}
}

// perform runs one check on a loop of its own.
func (c check) perform(t *testing.T, make Make, options []kettle.Option) {
	before := openDescriptors()
	err := kettle.Run(func(task *kettle.Task) error {
		err := task.Group(func(g *kettle.Group) error {
			f := &fixture{T: t, group: g, task: g.Task, make: make}
			return f.play(c.run)
		})
		if errors.Is(err, errOver) {
			err = nil
		}
		return errors.Join(err, nothingLeft(t, task))
	}, options...)
	if err != nil && !(t.Failed() && errors.Is(err, kettle.ErrGoexit)) {
		t.Error(err)
	}
	if after := openDescriptors(); after > before && !t.Failed() {
		t.Errorf("%d descriptors are left open", after-before)
	}
}

// nothingLeft looks for what a check has left on the loop.
func nothingLeft(t *testing.T, task *kettle.Task) error {
	for range 3 { // the counts are those of the last turn
		if err := task.Yield(); err != nil {
			return err
		}
	}
	s := task.Stats()
	if s.Watched != 0 || s.Tasks != 1 || s.Timers != 0 {
		t.Errorf("left on the loop: %d watched descriptors, %d tasks, %d timers", s.Watched,
			s.Tasks-1, s.Timers)
	}
	return nil
}

// openDescriptors counts the descriptors of the process; 0 where no directory lists them.
func openDescriptors() int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// errOver is why tasks are cancelled: by a check, or as it has left them waiting.
var errOver = errors.New("the check is over")

// fixture is one check, and the connection that it looks at. It runs as a task.
type fixture struct {
	*testing.T
	group *kettle.Group
	task  *kettle.Task
	make  Make
	a, b  *stream.Conn
	all   []*stream.Conn
}

// play runs the check, and then ends what it has left.
func (f *fixture) play(run func(*fixture)) error {
	over := false
	f.group.Go("limit", func(t *kettle.Task) error {
		if t.Sleep(limit) != nil || over {
			return nil
		}
		var tasks strings.Builder
		t.Dump(&tasks)
		f.group.Cancel(errOver)
		f.Errorf("it has not ended after %v:\n%s", limit, &tasks)
		return nil
	})
	f.a, f.b = f.pair()
	defer func() {
		over = true
		for _, c := range f.all {
			c.Abort()
		}
		f.group.Cancel(errOver)
	}()
	run(f)
	return nil
}

// pair returns the two sides of one more connection.
func (f *fixture) pair() (a, b *stream.Conn) {
	f.Helper()
	a, b, err := f.make(f.task)
	if err != nil {
		f.Fatalf("make a connection: %v", err)
	}
	f.all = append(f.all, a, b)
	return a, b
}

// actor is a task that does one thing.
type actor struct {
	scope   *kettle.Task // around what it does; nil before it begins
	givenUp bool
	over    kettle.Event
	err     error // what came of it
}

// giveUp cancels what the actor does, with errOver.
func (a *actor) giveUp() {
	if a.givenUp = true; a.scope != nil {
		a.scope.Cancel(errOver)
	}
}

// do has an actor do something.
func (f *fixture) do(what func(t *kettle.Task) error) *actor {
	f.Helper()
	a := &actor{}
	if err := f.group.Go("actor", func(t *kettle.Task) error {
		defer a.over.Set()
		return t.WithCancel(func(t *kettle.Task) error {
			if a.scope = t; a.givenUp {
				t.Cancel(errOver)
			}
			a.err = what(t)
			return nil
		})
	}); err != nil {
		f.Fatal(err)
	}
	return a
}

// waits has an actor do something, and says that it waits.
func (f *fixture) waits(what func(t *kettle.Task) error) *actor {
	f.Helper()
	a := f.do(what)
	f.stillWaits(a)
	return a
}

// stillWaits says that an actor has not done what it does.
func (f *fixture) stillWaits(a *actor) {
	f.Helper()
	f.settle()
	if a.over.IsSet() {
		f.Fatalf("it does not wait, but got %v", a.err)
	}
}

// settle lets everybody run, and everything that is under way arrive, for some turns.
func (f *fixture) settle() {
	f.Helper()
	f.turns(12)
}

// turns lets n turns of the loop pass.
func (f *fixture) turns(n int) {
	f.Helper()
	for range n {
		f.must(f.task.Yield())
	}
}

// result waits for the end of what an actor does, and returns what came of it.
func (f *fixture) result(a *actor) error {
	f.Helper()
	f.must(a.over.Wait(f.task))
	return a.err
}

// succeeds waits for an actor that is to succeed.
func (f *fixture) succeeds(a *actor) {
	f.Helper()
	f.must(f.result(a))
}

// fails waits for an actor that is to fail.
func (f *fixture) fails(a *actor, want error) {
	f.Helper()
	f.is(f.result(a), want)
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// is says that an error is, in the sense of errors.Is, the one that is wanted.
func (f *fixture) is(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("the error is %v, want %v", err, want)
	}
}

// write writes text, all of it.
func (f *fixture) write(c *stream.Conn, text string) {
	f.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		f.Fatalf("write %d bytes: %d, %v", len(text), n, err)
	}
}

// send writes text, and waits until the other side has it: a socket says when something is there,
// but not when all is.
func (f *fixture) send(from, to *stream.Conn, text string) {
	f.Helper()
	before := to.Buffered()
	f.write(from, text)
	if _, err := to.Peek(before + len(text)); err != nil {
		f.Fatalf("wait for %d bytes: %v", len(text), err)
	}
}

// reads says what the next bytes are.
func (f *fixture) reads(c *stream.Conn, want string) {
	f.Helper()
	p := make([]byte, len(want))
	if n, err := c.ReadFull(p); err != nil || string(p) != want {
		f.Fatalf("read %.80q (%d bytes), %v, want %.80q", p[:n], n, err, want)
	}
}

// atEnd says that nothing more comes.
func (f *fixture) atEnd(c *stream.Conn) {
	f.Helper()
	if p, err := c.Next(); err != io.EOF {
		f.Fatalf("read %.80q, %v, want the end", p, err)
	}
}

// got compares what a read has returned.
func (f *fixture) got(p []byte, err error, want string, wantErr error) {
	f.Helper()
	if string(p) != want || !errors.Is(err, wantErr) {
		f.Fatalf("got %.80q (%d bytes), %v; want %.80q (%d bytes), %v", p, len(p), err, want,
			len(want), wantErr)
	}
}

// pattern returns n bytes that can be told from those of another tag, or of another place less than
// 64 KiB away, after which they come again: the rest is copied, for the sake of the race detector.
func pattern(tag, n int) []byte {
	p := make([]byte, n)
	for i := range min(n, 64<<10) {
		p[i] = byte(i*31 + i>>8*7 + tag*131 + 1)
	}
	for done := 64 << 10; done < n; done *= 2 {
		copy(p[done:], p[:done])
	}
	return p
}

// drain reads everything up to the end of the stream.
func drain(c *stream.Conn) ([]byte, error) {
	var all bytes.Buffer
	_, err := io.Copy(&all, c)
	return all.Bytes(), err
}

// inOrder goes through a table in the order of its names, so that every run is the same.
func inOrder[V any](table map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			if !yield(name, table[name]) {
				return
			}
		}
	}
}
