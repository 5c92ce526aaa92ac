//go:build unix

package selectors_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/selectors/selectortest"
)

// operation is a name, the number of a connection, and an argument, as JSON wants it.
type operation [3]any

// randomScript returns operations as a careless program would do them: registering twice,
// unregistering what is unknown, events that do not exist, connections that have ended.
func randomScript(random *rand.Rand) []operation {
	names := []string{"register", "register", "modify", "unregister", "key", "send", "receive",
		"fill", "drain", "half-close", "hang up", "replace", "select", "select", "select"}
	script := make([]operation, 60)
	for i := range script {
		name := names[random.IntN(len(names))]
		argument := random.IntN(3) + 1
		if name == "register" && random.IntN(10) == 0 { // Python's modify does not look
			argument = []int{0, 4, 255}[random.IntN(3)]
		}
		script[i] = operation{name, random.IntN(4), argument}
	}
	return script
}

// TestSameAsPython runs random scripts with Python's own selectors and with ours, and compares
// them result by result.
func TestSameAsPython(t *testing.T) {
	testenv.Need(t, testenv.Python)
	for _, name := range selectors.Candidates() {
		t.Run(name, func(t *testing.T) {
			needRings(t, name)
			var scripts [][]operation
			var input bytes.Buffer
			for seed := range uint64(300) {
				script := randomScript(rand.New(rand.NewPCG(seed, 7)))
				scripts = append(scripts, script)
				if err := json.NewEncoder(&input).Encode(script); err != nil {
					t.Fatal(err)
				}
			}
			python := exec.Command("python3", "testdata/selectors_oracle.py", name)
			python.Stdin, python.Stderr = &input, os.Stderr
			output, err := python.Output()
			if err != nil {
				t.Fatalf("python3: %v", err)
			}
			lines := bufio.NewScanner(bytes.NewReader(output))
			for seed, script := range scripts {
				var want []any
				if !lines.Scan() || json.Unmarshal(lines.Bytes(), &want) != nil {
					t.Fatalf("python3 ended after %d scripts", seed)
				}
				compareScript(t, name, seed, script, want)
			}
		})
	}
}

func compareScript(t *testing.T, name string, seed int, script []operation, want []any) {
	t.Helper()
	sel, err := selectors.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer selectortest.AtOnce(sel)()
	p := &player{sel: sel}
	defer p.close()
	for i := range p.pairs {
		p.pairs[i] = p.pair()
	}
	for i, op := range script {
		got := p.result(op[0].(string), op[1].(int), op[2].(int))
		if !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("seed %d: %v gives %v, with Python %v; before it: %v", seed, op, got, want[i],
				script[:i])
		}
	}
}

// player is our side of the comparison: what testdata/selectors_oracle.py does in Python.
type player struct {
	sel   *selectors.Selector
	pairs [4][2]int
}

func (p *player) pair() [2]int {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	for _, fd := range fds {
		err = errors.Join(err, sys.SetNonblock(fd, true))
	}
	if err != nil {
		panic(err)
	}
	return fds
}

func (p *player) close() {
	p.sel.Close()
	for _, pair := range p.pairs {
		for _, fd := range pair {
			if fd >= 0 {
				sys.Close(fd)
			}
		}
	}
}

// result gives what JSON makes of Python's result: numbers are float64, lists are []any.
func (p *player) result(name string, at, argument int) any {
	value, err := p.run(name, at, argument)
	switch {
	case err == nil:
		return value
	case sys.WouldBlock(err):
		return "would block"
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return "broken"
	case errors.Is(err, selectors.ErrRegistered), errors.Is(err, selectors.ErrNotRegistered):
		return "KeyError"
	case errors.Is(err, selectors.ErrInvalidEvents):
		return "ValueError"
	}
	return "OSError"
}

func (p *player) run(name string, at, argument int) (any, error) {
	mine, peer := p.pairs[at][0], p.pairs[at][1]
	events := selectors.Events(argument)
	switch name {
	case "register":
		return keyResult(p.sel.Register(mine, events, argument))
	case "modify":
		return keyResult(p.sel.Modify(mine, events, argument))
	case "unregister":
		return keyResult(p.sel.Unregister(mine))
	case "key":
		return keyResult(p.sel.Key(mine))
	case "send":
		return number(sys.TrySend(peer, bytes.Repeat([]byte("x"), argument)))
	case "receive":
		return number(sys.TryRecv(mine, make([]byte, argument)))
	case "fill":
		return "full", all(func(b []byte) (int, error) { return sys.TrySend(mine, b[:16384]) })
	case "drain":
		return "drained", all(func(b []byte) (int, error) { return sys.TryRecv(peer, b) })
	case "half-close":
		return "half-closed", sys.Shutdown(peer, sys.ShutdownWrite)
	case "hang up":
		if peer >= 0 {
			sys.Close(peer)
		}
		p.pairs[at][1] = -1
		return "hung up", nil
	case "replace":
		p.replace(at)
		return "replaced", nil
	case "select":
		return p.ready()
	}
	return nil, errors.ErrUnsupported
}

// replace closes a connection before it unregisters it, as careless programs do.
func (p *player) replace(at int) {
	for _, fd := range p.pairs[at] {
		if fd >= 0 {
			sys.Close(fd)
		}
	}
	_, _ = p.sel.Unregister(p.pairs[at][0])
	p.pairs[at] = p.pair()
}

func (p *player) ready() (any, error) {
	if _, err := p.sel.Select(0); err != nil {
		return nil, err
	}
	ready := []any{0.0, 0.0, 0.0, 0.0}
	for key, events := range p.sel.Ready() {
		for i, pair := range p.pairs {
			if pair[0] == key.FD {
				ready[i] = ready[i].(float64) + float64(events)
			}
		}
	}
	return ready, nil
}

func keyResult(key selectors.Key, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return []any{float64(key.Events), float64(key.Data.(int))}, nil
}

func number(n int, err error) (any, error) { return float64(n), err }

// all repeats one call until it fails or there is no more.
func all(call func([]byte) (int, error)) error {
	buf := make([]byte, 65536)
	for {
		if n, err := call(buf); n == 0 || err != nil {
			return err
		}
	}
}
