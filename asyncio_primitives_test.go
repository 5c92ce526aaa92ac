package kettle_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
)

// actors is how many do one thing at a time, here and in Python.
const actors = 5

// instrument is a primitive as testdata/primitives_oracle.py knows it.
type instrument interface {
	// wait returns what an actor does, nil if an operation of that name is no wait.
	wait(name string, who, at int) func(t *kettle.Task) (string, error)
	mayBegin(who int, name string) bool
	mayCancel(who int) bool
	act(p *pythonist, name string, at int) // what is no wait
	seen() string
}

// pythonist is our side of the comparison: what class Script is in Python.
type pythonist struct {
	stage
	instrument
	states  []string
	scopes  []*kettle.Task
	inboxes []*kettle.Queue[func(t *kettle.Task)]
}

func newPythonist(s stage, i instrument) *pythonist {
	p := &pythonist{stage: s, instrument: i}
	for range actors {
		inbox := kettle.NewQueue[func(t *kettle.Task)](kettle.Unbounded)
		p.states, p.scopes = append(p.states, "idle"), append(p.scopes, nil)
		p.inboxes = append(p.inboxes, inbox)
		s.Go("actor", func(t *kettle.Task) error {
			for f, err := range inbox.All(t) {
				if err != nil {
					return err
				}
				f(t)
			}
			return nil
		})
	}
	return p
}

// run does one operation, and returns what can be seen when nobody can run any more.
func (p *pythonist) run(name string, at int) string {
	who := at % actors
	waits := p.states[who] == "waits"
	op := p.wait(name, who, at)
	switch {
	case name == "cancel":
		if waits && p.mayCancel(who) {
			p.scopes[who].Cancel(errGivenUp)
		}
	case op == nil:
		p.act(p, name, at)
	case !waits && p.mayBegin(who, name):
		p.states[who] = "waits"
		p.inboxes[who].TryPut(func(t *kettle.Task) {
			_ = t.WithCancel(func(t *kettle.Task) error {
				p.scopes[who] = t
				p.states[who] = pythons(op(t))
				return nil
			})
		})
	}
	p.settle()
	return strings.Join(p.states, " ") + ": " + p.seen()
}

// end has all actors end what they do: whoever has to lock a mutex again waits for it, cancelled or
// not.
func (p *pythonist) end() {
	for _, scope := range p.scopes {
		if scope != nil {
			scope.Cancel(errGivenUp)
		}
	}
	for range actors + 1 {
		p.settle()
		if c, ok := p.instrument.(*pythonCondition); ok {
			c.act(p, "release", 0)
		}
	}
}

// pythons turns what came of a wait into Python's name for it.
func pythons(result string, err error) string {
	switch {
	case err == nil:
		return result
	case errors.Is(err, errGivenUp):
		return "cancelled"
	case errors.Is(err, kettle.ErrBrokenBarrier):
		return "broken"
	case errors.Is(err, kettle.ErrClosed):
		return "QueueShutDown"
	}
	return err.Error()
}

// simple is an instrument that allows everything at any time.
type simple struct{}

func (simple) mayBegin(int, string) bool { return true }
func (simple) mayCancel(int) bool        { return true }

type pythonLock struct {
	simple
	m      kettle.Mutex
	holder int
}

func (l *pythonLock) wait(name string, who, _ int) func(*kettle.Task) (string, error) {
	if name != "acquire" {
		return nil
	}
	return func(t *kettle.Task) (string, error) {
		err := l.m.Lock(t)
		if err == nil {
			l.holder = who
		}
		return "ok", err
	}
}

func (l *pythonLock) mayBegin(who int, _ string) bool { return who != l.holder }

func (l *pythonLock) act(*pythonist, string, int) {
	if l.holder >= 0 {
		l.holder = -1
		l.m.Unlock()
	}
}

func (l *pythonLock) seen() string { return fmt.Sprint(l.m.Locked()) }

type pythonCondition struct {
	pythonLock
	c                *kettle.Condition
	modern           bool  // in Python, cancelling one wakes another
	waiting, locking []int // by number
}

func (c *pythonCondition) wait(name string, who, at int) func(*kettle.Task) (string, error) {
	if name != "wait" {
		return c.pythonLock.wait(name, who, at)
	}
	return func(t *kettle.Task) (string, error) {
		c.holder = -1
		c.waiting = append(c.waiting, who)
		err := c.c.Wait(t)
		c.holder = who
		c.locking = slices.DeleteFunc(c.locking, func(n int) bool { return n == who })
		return "ok", err
	}
}

func (c *pythonCondition) mayBegin(who int, name string) bool {
	return (who == c.holder) == (name == "wait")
}

func (c *pythonCondition) mayCancel(who int) bool {
	if i := slices.Index(c.waiting, who); i >= 0 {
		if c.modern {
			return false
		}
		c.waiting = slices.Delete(c.waiting, i, i+1)
		c.locking = append(c.locking, who)
		return true
	}
	return !slices.Contains(c.locking, who)
}

func (c *pythonCondition) act(p *pythonist, name string, at int) {
	if name == "release" || c.holder < 0 {
		c.pythonLock.act(p, name, at)
		return
	}
	n, notify := min(at%3, len(c.waiting)), func(*kettle.Task) { c.c.Notify(at % 3) }
	if name == "notify_all" {
		n, notify = len(c.waiting), func(*kettle.Task) { c.c.NotifyAll() }
	}
	c.locking = append(c.locking, c.waiting[:n]...)
	c.waiting = c.waiting[n:]
	p.inboxes[c.holder].TryPut(notify) // only who has the mutex may
}

type pythonSemaphore struct {
	simple
	s        *kettle.Semaphore
	releases string
}

func (s *pythonSemaphore) wait(name string, _, _ int) func(*kettle.Task) (string, error) {
	if name != "acquire" {
		return nil
	}
	return func(t *kettle.Task) (string, error) { return "ok", s.s.Acquire(t) }
}

func (s *pythonSemaphore) act(*pythonist, string, int) {
	defer func() {
		if s.releases = "ok"; recover() != nil {
			s.releases = "too often"
		}
	}()
	s.s.Release()
}

func (s *pythonSemaphore) seen() string {
	return fmt.Sprint(s.s.Available() == 0, " ", s.releases)
}

type pythonEvent struct {
	simple
	e kettle.Event
}

func (e *pythonEvent) wait(name string, _, _ int) func(*kettle.Task) (string, error) {
	if name != "wait" {
		return nil
	}
	return func(t *kettle.Task) (string, error) { return "ok", e.e.Wait(t) }
}

func (e *pythonEvent) act(_ *pythonist, name string, _ int) {
	map[string]func(){"set": e.e.Set, "clear": e.e.Clear}[name]()
}

func (e *pythonEvent) seen() string { return fmt.Sprint(e.e.IsSet()) }

type pythonBarrier struct {
	simple
	b *kettle.Barrier
}

func (b *pythonBarrier) wait(name string, _, _ int) func(*kettle.Task) (string, error) {
	if name != "wait" {
		return nil
	}
	return func(t *kettle.Task) (string, error) {
		_, err := b.b.Wait(t)
		return "ok", err
	}
}

func (b *pythonBarrier) act(_ *pythonist, name string, _ int) {
	map[string]func(){"reset": b.b.Reset, "abort": b.b.Abort}[name]()
}

func (b *pythonBarrier) seen() string { return fmt.Sprint(b.b.Waiting(), " ", b.b.Broken()) }

type pythonQueue struct {
	simple
	q      *kettle.Queue[int]
	modern bool // Python can shut it down
	tried  string
}

func (q *pythonQueue) wait(name string, _, at int) func(*kettle.Task) (string, error) {
	switch name {
	case "put":
		return func(t *kettle.Task) (string, error) { return "ok", q.q.Put(t, at) }
	case "get":
		return func(t *kettle.Task) (string, error) {
			v, err := q.q.Get(t)
			return fmt.Sprint(v), err
		}
	case "join":
		return func(t *kettle.Task) (string, error) { return "ok", q.q.Join(t) }
	}
	return nil
}

func (q *pythonQueue) act(_ *pythonist, name string, at int) {
	switch name {
	case "try_put":
		if q.tried = "no"; q.q.TryPut(at) {
			q.tried = "ok"
		}
	case "try_get":
		if q.tried = "no"; q.q.Len() > 0 {
			v, _ := q.q.TryGet()
			q.tried = fmt.Sprint(v)
		}
	case "done":
		defer func() {
			if q.tried = "ok"; recover() != nil {
				q.tried = "too often"
			}
		}()
		q.q.Done()
	case "shutdown":
		if q.modern && at%4 == 0 {
			q.q.Shutdown(at%8 == 0)
		}
	}
}

func (q *pythonQueue) seen() string { return fmt.Sprint(q.q.Len(), " ", q.tried) }

// instruments makes one of each kind; operations are what a script of it is made of.
func instruments(kind string, modern bool) (i instrument, operations string) {
	switch kind {
	case "Lock":
		return &pythonLock{holder: -1}, "acquire acquire release cancel"
	case "Condition":
		c := &pythonCondition{pythonLock: pythonLock{holder: -1}, modern: modern}
		c.c = kettle.NewCondition(&c.m)
		return c, "acquire acquire wait wait release notify notify_all cancel"
	case "Semaphore":
		s := kettle.NewSemaphore(2)
		return &pythonSemaphore{s: s, releases: "ok"}, "acquire acquire release cancel"
	case "Event":
		return &pythonEvent{}, "wait wait set clear cancel"
	case "Barrier":
		return &pythonBarrier{b: kettle.NewBarrier(3)}, "wait wait wait wait cancel reset abort"
	}
	return &pythonQueue{q: kettle.NewQueue[int](2), modern: modern, tried: "ok"},
		"put put get get cancel join try_put try_get done shutdown"
}

// TestSamePrimitivesAsPython runs random scripts with asyncio's own primitives and with ours, and
// compares what can be seen after each operation.
func TestSamePrimitivesAsPython(t *testing.T) { // K10, K11, K12, K13, K14
	testenv.Need(t, testenv.Python)
	for _, kind := range []string{"Lock", "Condition", "Semaphore", "Event", "Barrier", "Queue"} {
		t.Run(kind, func(t *testing.T) {
			scripts, answers, modern := askPython(t, kind)
			for seed, script := range scripts {
				onStageOnce(t, func(t *testing.T, s stage) {
					i, _ := instruments(kind, modern)
					p := newPythonist(s, i)
					for n, op := range script {
						got := p.run(op[0].(string), op[1].(int))
						if want := answers[seed][n]; got != want {
							t.Errorf("seed %d: %v gives %q, with Python %q; before it: %v", seed,
								op, got, want, script[:n])
							break
						}
					}
					p.end()
				}, virtualTime(), kettle.Seed(uint64(seed)))
			}
		})
	}
}

// askPython returns random scripts, and what Python sees after each of their operations.
func askPython(t *testing.T, kind string) (scripts [][][2]any, answers [][]string, modern bool) {
	_, operations := instruments(kind, false)
	names := strings.Fields(operations)
	var input bytes.Buffer
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 11))
		script := make([][2]any, 40)
		for i := range script {
			script[i] = [2]any{names[random.IntN(len(names))], 1 + random.IntN(99)}
		}
		scripts = append(scripts, script)
		if err := json.NewEncoder(&input).Encode(script); err != nil {
			t.Fatal(err)
		}
	}
	python := exec.CommandContext(t.Context(), "python3", "testdata/primitives_oracle.py", kind)
	python.Stdin, python.Stderr = &input, os.Stderr
	output, err := python.Output()
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &modern) != nil {
		t.Fatal("python3 has not begun")
	}
	for seed := range scripts {
		var answer []string
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &answer) != nil {
			t.Fatalf("python3 ended after %d scripts", seed)
		}
		answers = append(answers, answer)
	}
	return scripts, answers, modern
}
