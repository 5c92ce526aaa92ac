package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kettle-go/kettle/internal/testenv"
)

// The scripts in testdata/script run the command as a user does. Besides the commands of
// testscript they have:
//
//	exits CODE kettle ARG...   runs it, and checks the exit code, or that it is one of A|B
//	serve VAR ARG...           starts kettle serve on a free port, and sets VAR to its address
//	background VAR ARG...      starts another kettle
//	says VAR TEXT              waits until its standard error has the text
//	holds VAR                  connects to it, sends a byte, and stays until the script ends
//	signal VAR SIGNAL          sends SIGTERM or SIGINT to it
//	refuses VAR                waits until it accepts no more
//	ended VAR STATUS           waits for its end, and checks how it did; then as after exits
//	badserver VAR KIND         starts a server that is wrong in some way (bad_servers_test.go)
//	nobody VAR                 sets VAR to an address where nobody listens
//	lines FILE N               checks that the file is N lines of JSON

func TestScripts(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// By default the race detector waits a second before a process ends.
			env.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
			for _, name := range []string{"GOMAXPROCS", "GOCOVERDIR"} {
				if value := os.Getenv(name); value != "" {
					env.Setenv(name, value)
				}
			}
			env.Values[stateKey{}] = &state{servers: make(map[string]*served)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serve": serve, "holds": holds, "signal": sendSignal,
			"refuses": refuses, "ended": ended, "badserver": badServer, "nobody": nobody,
			"lines": jsonLines, "background": background, "says": says,
		},
	})
}

// state is what a script has started.
type state struct{ servers map[string]*served }

type stateKey struct{}

// servedBy returns the server of that variable.
func servedBy(ts *testscript.TestScript, name string) *served {
	s := ts.Value(stateKey{}).(*state).servers[name]
	if s == nil {
		ts.Fatalf("no server is named %s", name)
	}
	return s
}

// want checks how a command is used.
func want(ts *testscript.TestScript, neg, ok bool, usage string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 2, "exits CODE command ARG...")
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(code)) {
		ts.Fatalf("it ended with %d, not %s", code, args[0])
	}
	for _, word := range []string{"panic:", "DATA RACE", "goroutine "} {
		if strings.Contains(ts.ReadFile("stderr"), word) {
			ts.Fatalf("it said %q", word)
		}
	}
}

// served is a kettle serve that runs.
type served struct {
	cmd      *exec.Cmd
	addr     string
	out, err transcript
	ended    chan struct{}
}

// transcript collects what a process says; first is closed with the first whole line.
type transcript struct {
	mu    sync.Mutex
	text  bytes.Buffer
	first chan struct{}
}

func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	had := bytes.IndexByte(tr.text.Bytes(), '\n') >= 0
	tr.text.Write(p)
	if !had && bytes.IndexByte(p, '\n') >= 0 {
		close(tr.first)
	}
	return len(p), nil
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.String()
}

// patience is how long a script waits for what must happen.
const patience = 30 * time.Second

var firstLine = regexp.MustCompile(`^listening on (127\.0\.0\.1:[1-9]\d*)\n$`)

// start starts a command in the background, with the script's environment.
func start(ts *testscript.TestScript, args ...string) *served {
	s := &served{cmd: exec.Command("kettle", args...), ended: make(chan struct{})}
	s.out.first, s.err.first = make(chan struct{}), make(chan struct{})
	s.cmd.Env = append(os.Environ(), "GORACE="+ts.Getenv("GORACE"))
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	s.cmd.WaitDelay = patience / 3 // a worker that is left holds them open
	ts.Check(s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // the state tells
		close(s.ended)
	}()
	ts.Defer(func() {
		_ = s.cmd.Process.Kill() // it has commonly ended
		<-s.ended
	})
	return s
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 1, "serve VAR ARG...")
	s := start(ts, append([]string{"serve", "--addr", "127.0.0.1:0"}, args[1:]...)...)
	select {
	case <-s.out.first:
	case <-s.ended:
		ts.Fatalf("it ended: %v\n%s", s.cmd.ProcessState, &s.err)
	case <-time.After(patience):
		ts.Fatalf("it does not listen")
	}
	m := firstLine.FindStringSubmatch(s.out.String())
	if m == nil {
		ts.Fatalf("its first line is %q", s.out.String())
	}
	s.addr = m[1]
	ts.Setenv(args[0], s.addr)
	ts.Value(stateKey{}).(*state).servers[args[0]] = s
}

func background(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) >= 2, "background VAR ARG...")
	ts.Value(stateKey{}).(*state).servers[args[0]] = start(ts, args[1:]...)
}

func says(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2, "says VAR TEXT")
	s := servedBy(ts, args[0])
	for deadline := time.Now().Add(patience); !strings.Contains(s.err.String(), args[1]); {
		select {
		case <-s.ended:
			ts.Fatalf("it ended: %v\n%s", s.cmd.ProcessState, &s.err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it says nothing like that:\n%s", &s.err)
		}
	}
}

func holds(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "holds VAR")
	c, err := net.Dial("tcp", servedBy(ts, args[0]).addr)
	ts.Check(err)
	ts.Defer(func() { c.Close() })
	_, err = c.Write([]byte("x"))
	ts.Check(err)
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": os.Interrupt}
	want(ts, neg, len(args) == 2 && signals[args[1]] != nil, "signal VAR SIGTERM|SIGINT")
	ts.Check(servedBy(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func refuses(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "refuses VAR")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		c, err := net.Dial("tcp", servedBy(ts, args[0]).addr)
		if err != nil {
			return
		}
		c.Close()
	}
	ts.Fatalf("it still accepts")
}

func ended(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2, "ended VAR STATUS")
	s := servedBy(ts, args[0])
	select {
	case <-s.ended:
	case <-time.After(patience):
		ts.Fatalf("it does not end")
	}
	_, err := ts.Stdout().Write([]byte(s.out.String()))
	ts.Check(err)
	_, err = ts.Stderr().Write([]byte(s.err.String()))
	ts.Check(err)
	if got := s.cmd.ProcessState.String(); got != args[1] {
		ts.Fatalf("it ended with %q, not %q; it said:\n%s", got, args[1], &s.err)
	}
	if text := s.err.String(); strings.Contains(text, "DATA RACE") {
		ts.Fatalf("%s", text)
	}
}

func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2, "lines FILE N")
	lines := slices.Collect(strings.Lines(ts.ReadFile(args[0])))
	for i, line := range lines {
		var value map[string]any
		if err := json.Unmarshal([]byte(line), &value); err != nil || len(value) == 0 {
			ts.Fatalf("line %d: %v: %s", i+1, err, line)
		}
	}
	if strconv.Itoa(len(lines)) != args[1] {
		ts.Fatalf("%d lines, not %s", len(lines), args[1])
	}
}
