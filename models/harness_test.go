package models_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/denied"
	"github.com/kettle-go/kettle/models"
)

// The servers under test are processes: this test binary, executed again. So signals, exit
// codes, memory, CPU time and what is left behind are those of a real server, and under the
// race detector the servers run with it too.

// serverVariable names the environment variable that makes this binary a server. Its value is
// a launch.
const serverVariable = "KETTLE_TEST_SERVER"

// patience is how long a test waits for what must happen. Nothing takes nearly as long.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	text := os.Getenv(serverVariable)
	var l launch
	if err := json.Unmarshal([]byte(text), &l); text != "" && err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	held := l.occupy()
	switch {
	case models.IsWorker():
		os.Exit(models.RunWorker())
	case text != "":
		os.Exit(l.run())
	}
	runtime.KeepAlive(held)
	// Most of the time the tests wait for servers, so more can run beside each other than
	// there are processors; -parallel says otherwise.
	flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
	goleak.VerifyTestMain(m)
}

// launch says how a server is started.
type launch struct {
	Model  string
	Config models.Config

	// Descriptors is the limit on the server's descriptors; 0 leaves it as it is.
	Descriptors int

	// Occupied is how many descriptors each process of the server holds from the beginning,
	// as a program does that has many files open. The lowest numbers are free: see occupy.
	Occupied int

	// Inherited is how many descriptors, from 3 on, the server is born with, and its workers.
	Inherited int `json:"-"`

	// Group has the server begin a process group, so that it can be signalled as a terminal does.
	Group bool `json:"-"`

	// Program is what is executed; "" is this test binary.
	Program string `json:"-"`

	// Denied is what the kernel says to who wants a ring; 0 if it may have one.
	Denied syscall.Errno `json:"-"`

	// Env has variables of the environment beside those of the test.
	Env []string `json:"-"`
}

// freeBelow is how many of the lowest descriptors occupy leaves.
const freeBelow = 30

// occupy opens files until as many descriptors are in use, and then closes the lowest, so
// that a listener and the first clients get those, and all others a number above.
func (l launch) occupy() []*os.File {
	var held []*os.File
	for range l.Occupied {
		f, err := os.Open(os.DevNull)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		held = append(held, f)
	}
	for i := range min(freeBelow, len(held)) {
		held[i].Close()
	}
	return held
}

// run is the server process: it serves until SIGINT or SIGTERM, like the command. What is
// left when Serve has returned is an error of its own.
func (l launch) run() int {
	model, err := models.Lookup(l.Model)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal has its default effect
	if err := endWithTheTests(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if probe, err := net.Listen("tcp", l.Config.Addr); err == nil {
		probe.Close() // Go's own poller has its descriptors from now on
	}
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(os.Getpid())
	l.Config.Log = os.Stderr
	l.Config.Ready = func(a net.Addr) { fmt.Printf("listening on %v\n", a) }
	if err := model.Serve(ctx, l.Config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// N15. What is just ending on another goroutine has time to.
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		if runtime.NumGoroutine() <= goroutines && openDescriptors(os.Getpid()) <= descriptors {
			return 0
		}
		runtime.Gosched()
	}
	fmt.Fprintf(os.Stderr, "LEFT: %d goroutines, %d before; %d descriptors, %d before\n",
		runtime.NumGoroutine(), goroutines, openDescriptors(os.Getpid()), descriptors)
	pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	return 3
}

// endWithTheTests ends the process when the tests do, in whatever way: then its standard input
// ends.
func endWithTheTests() error {
	if err := sys.SetNonblock(int(os.Stdin.Fd()), true); err != nil {
		return err
	}
	stdin := os.NewFile(os.Stdin.Fd(), "standard input") // which waits in Go's poller
	go func() {
		io.Copy(io.Discard, stdin)
		os.Exit(3)
	}()
	return nil
}

// transcript collects what a process says.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.Write(p)
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.String()
}

func (tr *transcript) count(s string) int { return strings.Count(tr.String(), s) }

// server is a server process.
type server struct {
	launch
	cmd     *exec.Cmd
	addr    string
	out     transcript
	log     transcript // standard error, that of the workers included
	ended   chan struct{}
	err     error // of Wait, once ended
	stopped bool  // the test has ended it itself
}

// start starts a server for the test, which ends with it: it must then drain without a
// complaint, unless the test has ended it itself.
func start(t *testing.T, v variant, l launch) *server {
	t.Helper()
	s := try(t, v, l)
	if s.over() {
		t.Fatalf("the server ended: %v\n%s", s.err, &s.log)
	}
	return s
}

// try is start, for a server that may refuse to begin and is then over.
func try(t *testing.T, v variant, l launch) *server {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	l.Model, l.Config.Backend, l.Config.Loops = v.model.Name, v.backend, v.loops
	if l.Config.Addr == "" {
		l.Config.Addr = "127.0.0.1:0"
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program = cmp.Or(l.Program, program)
	s := &server{launch: l, ended: make(chan struct{}), cmd: exec.Command(program)}
	if l.Descriptors > 0 {
		s.cmd = exec.Command("/bin/sh", "-c",
			fmt.Sprintf("ulimit -n %d && exec '%s'", l.Descriptors, program))
	}
	if l.Denied != 0 {
		s.cmd = denied.Rings(l.Denied, program)
	}
	// By default the race detector waits a second before a process ends.
	s.cmd.Env = slices.Concat(os.Environ(), l.Env, []string{serverVariable + "=" + string(text),
		"GORACE=atexit_sleep_ms=0 " + os.Getenv("GORACE")})
	s.cmd.Dir = filepath.Dir(program)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.log
	if _, err := s.cmd.StdinPipe(); err != nil { // see endWithTheTests
		t.Fatal(err)
	}
	if l.Group {
		s.cmd.SysProcAttr = sys.OwnGroup()
	}
	if l.Inherited > 0 {
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		s.cmd.ExtraFiles = slices.Repeat([]*os.File{null}, l.Inherited)
	}
	s.cmd.WaitDelay = 10 * time.Second // a process that is left holds the pipes open
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { s.finish(t) })
	eventually(t, "the server listens", func() bool { return s.out.count("\n") > 0 || s.over() })
	s.addr = strings.TrimPrefix(strings.TrimSpace(s.out.String()), "listening on ")
	return s
}

func (s *server) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// signal sends a signal to the server's main process.
func (s *server) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %v: %v", sig, err)
	}
}

// wait waits until the server and all of its processes have ended, and returns the exit code.
func (s *server) wait(t *testing.T) int {
	t.Helper()
	eventually(t, "the server ends", s.over)
	s.stopped = true
	if errors.Is(s.err, exec.ErrWaitDelay) {
		t.Errorf("a process of the server is left")
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop has the server drain, which must succeed.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if exit := s.wait(t); exit != 0 {
		t.Errorf("after SIGTERM the server ended with %v", s.cmd.ProcessState)
	}
}

// kill ends the server in its tracks. Its workers must end all the same.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.wait(t)
}

// finish ends the server with the test.
func (s *server) finish(t *testing.T) {
	switch {
	case s.stopped:
	case t.Failed():
		for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGQUIT} { // the last shows where
			s.cmd.Process.Signal(sig)
			select {
			case <-s.ended:
			case <-time.After(models.Grace + 3*time.Second):
			}
		}
	case s.over():
		t.Errorf("the server has ended by itself: %v", s.err)
	default:
		s.stop(t)
	}
	s.cmd.Process.Kill()
	<-s.ended
	for _, word := range []string{"DATA RACE", "panic:", "fatal error:", "LEFT:"} { // N16
		if s.log.count(word) > 0 {
			t.Errorf("the server said %q", word)
		}
	}
	if t.Failed() {
		text := s.log.String()
		t.Logf("%s said:\n%s", s.cmd.Args[0], text[max(0, len(text)-8000):])
	}
}
