package lab

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

// child is a server that runs as a process of its own, with a process group of its own.
type child struct {
	cmd   *exec.Cmd
	addr  string
	tail  *tail
	stop  time.Duration // for it to end
	ended chan struct{} // closed when it has
	err   error         // what Wait has returned, when it has ended
}

// start runs a server on the given CPUs and waits until it listens.
func start(ctx context.Context, s Server, cfg Config, cpus []int) (*child, error) {
	where, command, err := s.place()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	c, out, err := launch(command, cfg, cpus)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	first := watch(out)
	limit := cmp.Or(cfg.Start, startTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, notListening{limit})
	defer cancel()
	if where == "" {
		c.addr, err = c.told(ctx, first)
	} else {
		c.addr, err = where, c.accepts(ctx, where)
	}
	if err == nil {
		return c, nil
	}
	_ = c.end() // why it does not listen matters more than how it ends
	if _, late := errors.AsType[notListening](err); ctx.Err() != nil && !late {
		return nil, err // the run has been cancelled
	}
	return nil, fmt.Errorf("start %s: %w%s", s.Name, err, c.tail)
}

// launch starts a process, and returns it and its standard output.
func launch(command []string, cfg Config, cpus []int) (*child, *os.File, error) {
	cmd := exec.Command(command[0], command[1:]...)
	c := &child{cmd: cmd, tail: &tail{to: cfg.Stderr}, stop: cmp.Or(cfg.Stop, stopTime),
		ended: make(chan struct{})}
	cmd.SysProcAttr = sys.OwnGroup()
	cmd.Stderr = c.tail
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
	if err := startOn(cmd, cpus); err != nil {
		out.Close()
		return nil, nil, err
	}
	go func() {
		c.err = cmd.Wait()
		sweep(cmd.Process.Pid)
		close(c.ended)
		out.Close()
	}()
	return c, out, nil
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

// startOn starts the process on a thread that is bound to cpus, which a child inherits: so
// also the child's runtime counts only these.
func startOn(cmd *exec.Cmd, cpus []int) error {
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

// end tells the server to end, waits for it, and returns what was wrong with how it did. That the
// signal has ended it is not wrong: not every server catches it.
func (c *child) end() error {
	select {
	case <-c.ended:
		if c.err == nil {
			return fmt.Errorf("the server ended by itself, with exit status 0%s", c.tail)
		}
		return c.badEnd()
	default:
	}
	// Where there is no such signal, Kill follows.
	if sys.SignalGroup(c.cmd.Process.Pid, syscall.SIGTERM) != nil {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-c.ended:
		if c.err == nil || byTermination(c.cmd.ProcessState) {
			return nil
		}
		return c.badEnd()
	case <-time.After(c.stop):
	}
	if sys.SignalGroup(c.cmd.Process.Pid, syscall.SIGKILL) != nil {
		_ = c.cmd.Process.Kill()
	}
	<-c.ended
	return fmt.Errorf("the server did not end in %v%s", c.stop, c.tail)
}

// badEnd is the error of a server that has ended in an unwanted way.
func (c *child) badEnd() error {
	if errors.Is(c.err, exec.ErrWaitDelay) {
		return errors.New("the server left a process behind")
	}
	return fmt.Errorf("the server ended with %w%s", c.err, c.tail)
}

// byTermination reports whether SIGTERM has ended a process, or one that a shell has waited for,
// as the shell then says.
func byTermination(state *os.ProcessState) bool {
	const byShell = 128 + int(syscall.SIGTERM)
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM ||
		state.ExitCode() == byShell
}

// tail keeps the end of what a server says, for the error that may follow.
type tail struct {
	to   io.Writer
	text []byte
}

const tailSize = 1024

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	if t.to != nil {
		_, _ = t.to.Write(p) // the server must not suffer if nobody can hear it
	}
	return len(p), nil
}

// String is what the server has said, as the end of a sentence. It may be called once the
// server has ended.
func (t *tail) String() string {
	text := strings.TrimSpace(string(t.text))
	if text == "" {
		return ""
	}
	return "; it said: " + text
}
