package meter_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/meter"
)

// What is measured are processes: this test binary, executed again, which does what the lines
// of its standard input tell it and answers each with one line. It ends with its input.

// childVariable names the environment variable that makes this binary such a process.
const childVariable = "KETTLE_TEST_METERED"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(obey(os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

// obey is the process.
func obey(in io.Reader, out io.Writer) int {
	var held [][]byte
	orders := bufio.NewScanner(in)
	for orders.Scan() {
		var n int
		var what string
		if _, err := fmt.Sscan(orders.Text(), &what, &n); err != nil {
			return 2
		}
		switch what {
		case "spin": // for n milliseconds
			for began := time.Now(); time.Since(began) < time.Duration(n)*time.Millisecond; {
				continue
			}
		case "hold": // n bytes
			held = append(held, touched(n))
		case "switch": // n times
			bounce(n)
		case "pass": // n bytes, through a pipe
			if err := pass(n); err != nil {
				return 4
			}
		case "fork": // n processes, which end with this one
			for range n {
				if err := fork(); err != nil {
					return 3
				}
			}
		}
		fmt.Fprintln(out, "done", len(held))
	}
	return 0
}

// touched returns n bytes of which every page has been written.
func touched(n int) []byte {
	p := make([]byte, n)
	for i := 0; i < n; i += 1024 {
		p[i] = 1
	}
	return p
}

// bounce waits n times for a line that another process sends back.
func bounce(n int) {
	echo := exec.Command("/bin/sh", "-c", "while read -r line; do echo; done")
	in, inErr := echo.StdinPipe()
	out, outErr := echo.StdoutPipe()
	if inErr != nil || outErr != nil || echo.Start() != nil {
		return
	}
	p := []byte{'\n'}
	for range n {
		if _, err := in.Write(p); err != nil {
			return
		}
		if _, err := out.Read(p); err != nil {
			return
		}
	}
	in.Close()
	_ = echo.Wait()
}

// pass sends n bytes to itself, one at a time.
func pass(n int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	p := []byte{'x'}
	for range n {
		if _, err := w.Write(p); err != nil {
			return err
		}
		if _, err := io.ReadFull(r, p); err != nil {
			return err
		}
	}
	return nil
}

// fork starts a process that lives as long as this one: it waits for the end of its standard
// input, which only this one can write to.
func fork() error {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	if _, err := child.StdinPipe(); err != nil {
		return err
	}
	return child.Start()
}

// process is a process that is measured.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
	meter   *meter.Meter
}

// start starts a process that ends with the test.
func start(t *testing.T) *process {
	t.Helper()
	testenv.Need(t, testenv.Linux, testenv.Proc)
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), childVariable+"=1", "GORACE=atexit_sleep_ms=0")
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.answers = in, bufio.NewScanner(out)
	p.meter = meter.New(p.cmd.Process.Pid)
	t.Cleanup(func() { p.end(t) })
	p.do(t, "spin 1") // it runs, and its runtime has started its threads
	return p
}

// do has the process do something, and waits until it has.
func (p *process) do(t *testing.T, order string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, order); err != nil {
		t.Fatal(err)
	}
	if !p.answers.Scan() || !strings.HasPrefix(p.answers.Text(), "done") {
		t.Fatalf("%s: the process said %q, %v", order, p.answers.Text(), p.answers.Err())
	}
}

// end ends the process, and reaps it.
func (p *process) end(t *testing.T) {
	if p.cmd.ProcessState != nil {
		return
	}
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the process: %v", err)
	}
}

// sample takes a sample, of the processes that there are now.
func (p *process) sample(t *testing.T) meter.Sample {
	t.Helper()
	if err := p.meter.Refresh(); err != nil {
		t.Fatal(err)
	}
	s, err := p.meter.Sample()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// memory measures the memory of the processes that there are now.
func (p *process) memory(t *testing.T) int64 {
	t.Helper()
	if err := p.meter.Refresh(); err != nil {
		t.Fatal(err)
	}
	n, err := p.meter.Memory()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
