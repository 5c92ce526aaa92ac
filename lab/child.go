package lab

import (
	"bufio"
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
)

// child is a server that runs as a process of its own.
type child struct {
	cmd  *exec.Cmd
	addr string
	done chan error // gets what Wait returns
	tail *tail
}

// start runs a server on the given CPUs and waits until it listens.
func start(ctx context.Context, s Server, cfg Config, cpus []int) (*child, error) {
	cmd := exec.Command(s.Command[0], s.Command[1:]...)
	cmd.Env = append(os.Environ(), cfg.Env...)
	c := &child{cmd: cmd, done: make(chan error, 1), tail: &tail{to: cfg.Stderr}}
	cmd.Stderr = c.tail
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	if err := startOn(cmd, cpus); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	first := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		line, _ := r.ReadString('\n')
		first <- line
		io.Copy(io.Discard, r) // so that the server never waits for us
		c.done <- cmd.Wait()
	}()
	select {
	case line := <-first:
		addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
		if ok {
			c.addr = addr
			return c, nil
		}
		c.stop()
		return nil, fmt.Errorf("start %s: its first line is %q, not \"listening on HOST:PORT\"%s",
			s.Name, strings.TrimSpace(line), c.tail)
	case <-ctx.Done():
		c.stop()
		return nil, context.Cause(ctx)
	case <-time.After(startTime):
		c.stop()
		return nil, fmt.Errorf("start %s: it does not listen after %v%s", s.Name, startTime, c.tail)
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

// stop tells the server to end, waits for it, and returns what was wrong with how it did.
func (c *child) stop() error {
	// Where there is no such signal, and where the process has ended already, Kill follows.
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.done:
		if err != nil {
			return fmt.Errorf("the server ended with %w%s", err, c.tail)
		}
		return nil
	case <-time.After(stopTime):
	}
	killErr := c.cmd.Process.Kill()
	<-c.done
	return errors.Join(fmt.Errorf("the server did not end in %v", stopTime), killErr)
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
		return t.to.Write(p)
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
