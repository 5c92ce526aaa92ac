// Package server runs a server under test: a command, as a process of its own, that listens, is
// talked to, and ends when it is told to.
//
//	mine := server.Config{Name: "mine", Command: []string{"./mine", "{addr}"}}
//	p, err := server.Start(ctx, mine)
//	...
//	conn, err := net.Dial("tcp", p.Addr())
//	...
//	err = p.End()
//
// Either the command has a place for where to listen ({addr}, or {host} and {port}), or the server
// says "listening on HOST:PORT" in the first line of its output. Its standard input ends when this
// process does, in whatever way. End sends SIGTERM to it and to all that it has started, which is
// its process group, and SIGKILL if it takes too long or leaves something behind.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

const (
	startTime = 10 * time.Second // for a server to listen
	stopTime  = 8 * time.Second  // for a server to end, when told to
	leaveTime = time.Second      // for processes that it has started to end after it
	sweepTime = leaveTime / 20   // for those that have been killed after that
)

// Config says what is started, and how.
type Config struct {
	Name    string   // for errors
	Command []string // a program and its arguments
	CPUs    []int    // that it is bound to; none is all

	Stderr io.Writer     // what the server says; may be nil
	Start  time.Duration // how long it may take until it listens; 0 is 10 s
	Stop   time.Duration // how long it may take to end, before it is killed; 0 is 8 s
}

// Process is a server that runs, with a process group of its own. Its methods may be called from
// any goroutine, but End from one at a time.
type Process struct {
	cmd   *exec.Cmd
	addr  string
	tail  *Tail
	stop  time.Duration // for it to end
	ended chan struct{} // closed when it has
	err   error         // what Wait has returned, when it has ended
}

// Start runs a server and waits until it listens. End must follow.
func Start(ctx context.Context, cfg Config) (*Process, error) {
	where, command, err := place(cfg.Command)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	p, out, err := launch(command, cfg)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	first := watch(out)
	limit := cmp.Or(cfg.Start, startTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, notListening{limit})
	defer cancel()
	if where == "" {
		p.addr, err = p.told(ctx, first)
	} else {
		p.addr, err = where, p.accepts(ctx, where)
	}
	if err == nil {
		return p, nil
	}
	_ = p.End() // why it does not listen matters more than how it ends
	if _, late := errors.AsType[notListening](err); ctx.Err() != nil && !late {
		return nil, err // the run has been cancelled
	}
	return nil, fmt.Errorf("start %s: %w%s", cfg.Name, err, p.tail)
}

// Addr returns where the server listens.
func (p *Process) Addr() string { return p.addr }

// PID returns the process that was started; it may have started others.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// launch starts a process, and returns it and its standard output.
func launch(command []string, cfg Config) (*Process, *os.File, error) {
	cmd := exec.Command(command[0], command[1:]...)
	p := &Process{cmd: cmd, tail: &Tail{To: cfg.Stderr}, stop: cmp.Or(cfg.Stop, stopTime),
		ended: make(chan struct{})}
	cmd.SysProcAttr = sys.OwnGroup()
	cmd.Stderr = p.tail
	cmd.WaitDelay = leaveTime // a process that the server leaves behind holds its standard error
	out, in, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	if _, err := cmd.StdinPipe(); err != nil { // ends when we do, in whatever way: a lifeline
		out.Close()
		return nil, nil, err
	}
	cmd.Stdout = in // a file and no reader of Go's, so that Wait does not wait for its end
	if err := StartOn(cmd, cfg.CPUs); err != nil {
		out.Close()
		return nil, nil, err
	}
	go func() {
		p.err = cmd.Wait()
		sweep(cmd.Process.Pid)
		close(p.ended)
		out.Close()
	}()
	return p, out, nil
}

// sweep ends what a server has left behind, and gives it a moment to go, so that the next visit
// has the machine for itself. Whether it has gone cannot be told for sure: nobody may have asked
// for its exit status, which is not ours to ask for, and until then the group has a member.
func sweep(group int) {
	for begun := time.Now(); time.Since(begun) < sweepTime; time.Sleep(time.Millisecond) {
		if sys.SignalGroup(group, syscall.SIGKILL) != nil {
			return
		}
	}
}

// StartOn starts the process on a thread that is bound to cpus, which a child inherits: so
// also the child's runtime counts only these.
func StartOn(cmd *exec.Cmd, cpus []int) error {
	if len(cpus) == 0 {
		return cmd.Start()
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the bound thread ends with the goroutine
		if err := sys.SetAffinity(0, cpus); err != nil {
			result <- err
			return
		}
		result <- cmd.Start()
	}()
	return <-result
}

// Ended reports whether the server has ended by itself, and waits for that up to d: connections
// break a moment before it is known that the process is gone.
func (p *Process) Ended(d time.Duration) bool {
	select {
	case <-p.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// End tells the server to end, waits for it, and returns what was wrong with how it did. That the
// signal has ended it is not wrong: not every server catches it.
func (p *Process) End() error {
	select {
	case <-p.ended:
		if p.err == nil {
			return fmt.Errorf("the server ended by itself, with exit status 0%s", p.tail)
		}
		return p.badEnd()
	default:
	}
	// Where there is no such signal, Kill follows.
	if sys.SignalGroup(p.cmd.Process.Pid, syscall.SIGTERM) != nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.ended:
		if p.err == nil || byTermination(p.cmd.ProcessState) {
			return nil
		}
		return p.badEnd()
	case <-time.After(p.stop):
	}
	if sys.SignalGroup(p.cmd.Process.Pid, syscall.SIGKILL) != nil {
		_ = p.cmd.Process.Kill()
	}
	<-p.ended
	return fmt.Errorf("the server did not end in %v%s", p.stop, p.tail)
}

// badEnd is the error of a server that has ended in an unwanted way.
func (p *Process) badEnd() error {
	if errors.Is(p.err, exec.ErrWaitDelay) {
		return errors.New("the server left a process behind")
	}
	return fmt.Errorf("the server ended with %w%s", p.err, p.tail)
}

// byTermination reports whether SIGTERM has ended a process, or one that a shell has waited for,
// as the shell then says.
func byTermination(state *os.ProcessState) bool {
	const byShell = 128 + int(syscall.SIGTERM)
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM ||
		state.ExitCode() == byShell
}

// Tail keeps the end of what a process says, for the error that may follow.
type Tail struct {
	To   io.Writer // gets all of it; may be nil
	text []byte
}

const tailSize = 1024

// Write never fails: the process must not suffer if nobody can hear it.
func (t *Tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	if t.To != nil {
		_, _ = t.To.Write(p)
	}
	return len(p), nil
}

// String is what the process has said, as the end of a sentence. It may be called once that has
// ended.
func (t *Tail) String() string {
	text := strings.TrimSpace(string(t.text))
	if text == "" {
		return ""
	}
	return "; it said: " + text
}
