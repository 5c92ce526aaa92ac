package stream_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// readerScript is a limit, and operations: each a name and its arguments, as JSON wants it.
type readerScript struct {
	limit int
	steps [][]any
}

func (s readerScript) MarshalJSON() ([]byte, error) { return json.Marshal([]any{s.limit, s.steps}) }

// randomReaderScript returns a script. Its bytes are of few kinds, so that separators come often,
// and things that only begin like one too.
func randomReaderScript(random *rand.Rand, several bool) readerScript {
	s := readerScript{limit: 1 + random.IntN(12)}
	letters := func(n int) string {
		p := make([]byte, n)
		for i := range p {
			p[i] = "aab\n"[random.IntN(4)]
		}
		return string(p)
	}
	for range 40 {
		step := []any{"feed", letters(random.IntN(9))}
		switch random.IntN(14) {
		case 0:
			step = []any{"cancel"}
		case 1:
			step = []any{"at_eof"}
		case 2, 3:
			step = []any{"read", random.IntN(8)}
		case 4, 5:
			step = []any{"readexactly", random.IntN(20)}
		case 6, 7, 8:
			step = []any{"readuntil", letters(1 + random.IntN(3))}
			for several && random.IntN(2) == 0 {
				step = append(step, letters(1+random.IntN(4)))
			}
		case 9, 10:
			step = []any{"readline"}
		case 11:
			if random.IntN(4) == 0 {
				step = []any{"end"}
			}
		}
		s.steps = append(s.steps, step)
	}
	return s
}

// TestSameAsPythonsReader runs random scripts with asyncio's own StreamReader and with ours, and
// compares them result by result: R4 to R9, R12 to R21, R24 to R30, R32 to R35. What is otherwise
// by design the player translates: ReadLine returns no line end, and what is too long stays.
func TestSameAsPythonsReader(t *testing.T) {
	testenv.Need(t, testenv.Python)
	// Several separators are known to Python since 3.13.
	several := exec.Command("python3", "-c",
		"import sys; sys.exit(sys.version_info < (3, 13))").Run() == nil
	seed := looptest.Seed(t)
	var scripts []readerScript
	var input bytes.Buffer
	for i := range uint64(1000) {
		script := randomReaderScript(rand.New(rand.NewPCG(seed, i)), several)
		scripts = append(scripts, script)
		if err := json.NewEncoder(&input).Encode(script); err != nil {
			t.Fatal(err)
		}
	}
	python := exec.Command("python3", "testdata/reader_oracle.py")
	python.Stdin, python.Stderr = &input, os.Stderr
	output, err := python.Output()
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 1<<20)
	err = kettle.Run(func(task *kettle.Task) error {
		for i, script := range scripts {
			var want []any
			if !lines.Scan() || json.Unmarshal(lines.Bytes(), &want) != nil {
				t.Fatalf("python3 ended after %d scripts", i)
			}
			if !compareReader(t, task, script, want) {
				break
			}
		}
		return nil
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	if err != nil {
		t.Error(err)
	}
}

// errReaderOver ends the read that is under way when its script is over.
var errReaderOver = errors.New("the script is over")

func compareReader(t *testing.T, task *kettle.Task, script readerScript, want []any) (ok bool) {
	err := task.Group(func(g *kettle.Group) error {
		a, b := stream.Pipe(task)
		defer b.Abort()
		defer a.Abort()
		defer g.Cancel(errReaderOver)
		p := &readerPlayer{group: g, reader: a, writer: b, limit: script.limit}
		for i, step := range script.steps {
			got, err := p.play(step[0].(string), step[1:])
			if err != nil {
				return err
			}
			if ok = reflect.DeepEqual(got, want[i]); !ok {
				t.Errorf("limit %d: %q gives %#v, with Python %#v; before it: %q", script.limit,
					step, got, want[i], script.steps[:i])
				return nil
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errReaderOver) {
		t.Error(err)
		return false
	}
	return ok
}

// readerPlayer is our side of the comparison: what testdata/reader_oracle.py does in Python.
type readerPlayer struct {
	group          *kettle.Group
	reader, writer *stream.Conn
	limit          int
	held           int // bytes that were fed, and that no read has taken
	ended          bool
	scope          *kettle.Task // of the read that is under way
	result         any          // of one that has ended
}

// settle lets everything arrive: a virtual clock goes on when nobody can run.
func (p *readerPlayer) settle() error { return p.group.Sleep(1) }

// outcome returns the result of the read that is under way, if it has one by now.
func (p *readerPlayer) outcome(otherwise any) (any, error) {
	err := p.settle()
	result := p.result
	p.result = nil
	switch {
	case result != nil:
		return result, err
	case p.scope != nil:
		return "waits", err
	}
	return otherwise, err
}

func (p *readerPlayer) play(name string, args []any) (any, error) {
	switch {
	case name == "feed" && p.ended:
		return "skipped", nil
	case name == "feed":
		text := args[0].(string)
		p.held += len(text)
		if _, err := p.writer.Write([]byte(text)); err != nil {
			return nil, err
		}
		return p.outcome("fed")
	case name == "end":
		p.ended = true
		if err := p.writer.CloseWrite(); err != nil {
			return nil, err
		}
		return p.outcome("fed")
	case name == "cancel" && p.scope != nil:
		p.scope.Cancel(nil)
		return p.outcome("")
	case p.scope != nil || name == "cancel":
		return "skipped", nil
	}
	// Python's reader has all that was fed; ours has asked for no more than it needed.
	if err := p.pull(); err != nil {
		return nil, err
	}
	if name == "at_eof" {
		return p.reader.AtEOF(), nil
	}
	err := p.group.Go(name, func(t *kettle.Task) error {
		return t.WithCancel(func(t *kettle.Task) error {
			p.scope = t
			defer func() { p.scope = nil }()
			p.result = p.read(name, args)
			p.held = p.reader.Buffered() // it has received everything
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return p.outcome("")
}

// pull has the reader receive everything that was fed, the end included.
func (p *readerPlayer) pull() error {
	if err := p.reader.SetLimit(1 << 20); err != nil {
		return err
	}
	n := p.held
	if p.ended {
		n++
	}
	if _, err := p.reader.Peek(n); err != nil && err != io.EOF {
		return err
	}
	return p.reader.SetLimit(p.limit)
}

// read returns what a read gives, in words that both sides have.
func (p *readerPlayer) read(name string, args []any) any {
	var got []byte
	var err error
	expected := 0
	switch name {
	case "read", "readexactly":
		expected = args[0].(int)
		buffer := make([]byte, expected)
		n := 0
		if name == "read" {
			if n, err = p.reader.Read(buffer); err == io.EOF {
				err = nil
			}
		} else {
			n, err = p.reader.ReadFull(buffer)
		}
		got = buffer[:n]
	case "readuntil":
		var separators [][]byte
		for _, s := range args {
			separators = append(separators, []byte(s.(string)))
		}
		got, err = p.reader.ReadUntil(separators...)
	case "readline":
		return p.readLine()
	}
	return p.failure(err, string(got), expected)
}

func (p *readerPlayer) failure(err error, got string, expected int) any {
	var incomplete *stream.IncompleteReadError
	var limit *stream.LimitError
	switch {
	case err == nil:
		return got
	case err == io.EOF:
		return []any{"incomplete", "", float64(expected)}
	case errors.As(err, &incomplete):
		return []any{"incomplete", string(incomplete.Partial), float64(incomplete.Expected)}
	case errors.As(err, &limit):
		return []any{"limit", float64(limit.Consumed), limit.Found}
	case p.scope.Cancelled(err):
		return "cancelled"
	}
	return err.Error()
}

// readLine is ReadLine. Of what is too long Python drops the line, or if that has no end,
// everything: ours is to have it all still.
func (p *readerPlayer) readLine() any {
	line, err := p.reader.ReadLine()
	var limit *stream.LimitError
	switch {
	case err == io.EOF:
		return "end"
	case errors.As(err, &limit):
		drop := p.reader.Buffered()
		if limit.Found {
			drop = limit.Consumed + 1
		}
		if _, err := p.reader.Discard(drop); err != nil {
			return err.Error()
		}
		return "too long"
	case err != nil:
		return p.failure(err, "", 0)
	}
	return "line " + string(line)
}
