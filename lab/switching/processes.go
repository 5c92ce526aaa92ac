package switching

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// partnerVariable names the environment variable that makes a process the other party.
const partnerVariable = "KETTLE_SWITCH_PARTNER"

// The descriptors that the other process is born with, after standard input, output and error.
const (
	partnerIn  = 3
	partnerOut = 4
)

// patience is how long the other process may take for what takes it milliseconds.
type patience struct {
	begin time.Duration // until it answers
	end   time.Duration // when it has been told to
}

// processes are this one and one that is this program executed anew.
func processes(ctx context.Context, d time.Duration) (Result, error) {
	return patience{10 * time.Second, 5 * time.Second}.processes(ctx, d)
}

func (p patience) processes(ctx context.Context, d time.Duration) (r Result, err error) {
	if IsPartner() {
		return r, errors.New("this process is the other party itself, and main has not called " +
			"RunPartner")
	}
	cpu, err := oneCPU()
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find this program, to run it as the other process: %w", err)
	}
	defer processors(max(spare, runtime.GOMAXPROCS(0)))()
	err = onCPU(cpu, func() error {
		other, err := p.start(ctx, self)
		if err != nil {
			return err
		}
		err = other.greet()
		if err == nil {
			r, err = measure(ctx, d, way{other.own.pass, other.own.usage})
		}
		return other.finish(err)
	})
	r.CPU = &cpu
	return r, err
}

// partner is the other process.
type partner struct {
	patience
	own    *ends // ours
	cmd    *exec.Cmd
	said   bytes.Buffer
	ctx    context.Context // its end kills it
	cancel context.CancelCauseFunc
}

// start starts the other process, which is bound as the calling thread is.
func (p patience) start(ctx context.Context, self string) (*partner, error) {
	own, theirs, err := newEnds()
	if err != nil {
		return nil, err
	}
	in, out := os.NewFile(uintptr(theirs.in), "pipe"), os.NewFile(uintptr(theirs.out), "pipe")
	defer in.Close() // it has its own copies
	defer out.Close()
	other := &partner{patience: p, own: own}
	other.ctx, other.cancel = context.WithCancelCause(ctx)
	other.cmd = exec.CommandContext(other.ctx, self)
	other.cmd.Env = append(os.Environ(), partnerVariable+"=1")
	other.cmd.ExtraFiles = []*os.File{in, out}
	other.cmd.Stderr = &other.said
	other.cmd.SysProcAttr = sys.OwnGroup() // what a terminal sends is for us to deal with
	other.cmd.WaitDelay = p.end
	if err := other.cmd.Start(); err != nil {
		other.cancel(nil)
		own.close()
		return nil, fmt.Errorf("start the other process: %w", err)
	}
	return other, nil
}

// kill ends the other process if it takes longer than that, and returns how to undo it.
func (p *partner) kill(after time.Duration, why string) (stop func() bool) {
	return time.AfterFunc(after, func() { p.cancel(fmt.Errorf("%s in %v", why, after)) }).Stop
}

// greet waits until the other process answers for the first time.
func (p *partner) greet() error {
	defer p.kill(p.begin, "the other process does not answer")()
	_, err := p.own.usage()
	return err
}

// finish has the other process end. It returns err, which is what measuring with it has come to, or
// why that is, if there is more to say.
func (p *partner) finish(err error) error {
	defer p.cancel(nil)
	killed := context.Cause(p.ctx) // before it was told to end
	p.own.close()
	stop := p.kill(p.end, "the other process has not ended")
	ended := p.cmd.Wait()
	stop()
	text := strings.TrimSpace(p.said.String())
	if text != "" {
		text = "; it said: " + text
	}
	switch cause := context.Cause(p.ctx); {
	case killed != nil:
		return fmt.Errorf("%w%s", killed, text)
	case err != nil && !errors.Is(err, errEnded):
		return err
	case cause != nil:
		return fmt.Errorf("%w%s", cause, text)
	case ended != nil:
		return fmt.Errorf("the other process has ended: %w%s", ended, text)
	case err != nil:
		return fmt.Errorf("the other process has ended: %v%s", p.cmd.ProcessState, text)
	}
	return nil
}

// IsPartner reports whether this process was started to be the other one of two processes. A
// program that measures Processes, a test binary included, calls RunPartner as the first thing in
// main if so.
func IsPartner() bool { return os.Getenv(partnerVariable) != "" }

// RunPartner answers until the process that has started this one has had enough, or has ended in
// whatever way. It returns the exit code for the process.
func RunPartner() int {
	runtime.GOMAXPROCS(spare)
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: what the thread has used is the party's
		e := ends{in: partnerIn, out: partnerOut}
		result <- e.answer()
	}()
	if err := <-result; err != nil {
		fmt.Fprintf(os.Stderr, "kettle: pass a token: %v\n", err)
		return 1
	}
	return 0
}
