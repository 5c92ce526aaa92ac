package lab

import (
	"bufio"
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
	startTime = 10 * time.Second // for a server to say that it listens
	stopTime  = 8 * time.Second  // for a server to end, when told to
	leaveTime = time.Second      // for processes that it has started to end after it

	// firstLineSize is how much of a server's output is looked at for where it listens.
	firstLineSize = 4096
)

// child is a server that runs as a process of its own.
type child struct {
	cmd  *exec.Cmd
	addr string
	done chan error // gets what Wait returns
	tail *tail
	stop time.Duration // for it to end
}

// start runs a server on the given CPUs and waits until it listens.
func start(ctx context.Context, s Server, cfg Config, cpus []int) (*child, error) {
	cmd := exec.Command(s.Command[0], s.Command[1:]...)
	c := &child{cmd: cmd, done: make(chan error, 1), tail: &tail{to: cfg.Stderr},
		stop: cmp.Or(cfg.Stop, stopTime)}
	cmd.Stderr = c.tail
	cmd.WaitDelay = leaveTime // a process that the server leaves behind holds its standard error
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // ends when we do, in whatever way: a lifeline
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	cmd.Stdout = in // a file and no reader of Go's, so that Wait does not wait for its end
	err = startOn(cmd, cpus)
	in.Close()
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	first := make(chan string, 1)
	go func() {
		r := bufio.NewReaderSize(out, firstLineSize)
		line, _ := r.ReadSlice('\n')
		first <- strings.TrimSpace(string(line))
		io.Copy(io.Discard, r) // so that the server never waits for us
	}()
	go func() {
		c.done <- cmd.Wait()
		out.Close()
	}()
	limit := cmp.Or(cfg.Start, startTime)
	select {
	case line := <-first:
		return c.listens(s.Name, line)
	case <-ctx.Done():
		c.end()
		return nil, context.Cause(ctx)
	case <-time.After(limit):
		c.end()
		return nil, fmt.Errorf("start %s: it does not listen after %v%s", s.Name, limit, c.tail)
	}
}

// listens looks for the address in the first line of a server's output, and ends the server
// that does not tell it.
func (c *child) listens(name, line string) (*child, error) {
	addr, ok := strings.CutPrefix(line, "listening on ")
	if ok {
		c.addr = addr
		return c, nil
	}
	if line == "" {
		// It has closed its output, so it has most likely ended by itself. Given a moment, its
		// exit status tells why.
		select {
		case err := <-c.done:
			c.done <- err
		case <-time.After(leaveTime):
		}
		_ = c.end() // says what state does, in other words
		return nil, fmt.Errorf("start %s: it does not say where it listens: %v%s", name,
			c.cmd.ProcessState, c.tail)
	}
	_ = c.end() // the line matters more than how it ends
	return nil, fmt.Errorf("start %s: its first line is %.200q, not \"listening on HOST:PORT\"%s",
		name, line, c.tail)
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

// end tells the server to end, waits for it, and returns what was wrong with how it did.
func (c *child) end() error {
	// Where there is no such signal, and where the process has ended already, Kill follows.
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.done:
		switch {
		case errors.Is(err, exec.ErrWaitDelay):
			return errors.New("the server left a process behind")
		case err != nil:
			return fmt.Errorf("the server ended with %w%s", err, c.tail)
		}
		return nil
	case <-time.After(c.stop):
	}
	killErr := c.cmd.Process.Kill()
	<-c.done
	return errors.Join(fmt.Errorf("the server did not end in %v%s", c.stop, c.tail), killErr)
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
