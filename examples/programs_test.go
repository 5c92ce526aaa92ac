package examples_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

// patience is how long these tests wait for something that must happen: long enough for a machine
// that has much else to do.
const patience = 30 * time.Second

// program is an example that runs as a process of its own, as a user would run it.
type program struct {
	addr  string // where it listens
	pid   int
	input io.WriteCloser

	t      *testing.T
	cmd    *exec.Cmd
	stdout *os.File
	stderr bytes.Buffer
	ended  bool
}

// start builds an example, starts it, and waits until it listens.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	testenv.NotShort(t)
	p := &program{t: t, cmd: exec.Command(build(t, name), args...)}
	input, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.input, p.stdout, p.cmd.Stdout, p.cmd.Stderr = input, r, w, &p.stderr
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	p.pid = p.cmd.Process.Pid
	t.Cleanup(func() {
		if !p.ended {
			p.cmd.Process.Kill()
			p.cmd.Wait()
			t.Logf("%s wrote to standard error:\n%s", name, p.stderr.String())
		}
		r.Close()
	})
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	addr, ok := strings.CutPrefix(line, "listening on ")
	if err != nil || !ok {
		t.Fatalf("the first line of %s is %q, %v", name, line, err)
	}
	p.addr = strings.TrimSuffix(addr, "\n")
	return p
}

// dial connects to the program. What the test does with the connection has its end, too.
func (p *program) dial() *net.TCPConn {
	p.t.Helper()
	c, err := net.DialTimeout("tcp", p.addr, patience)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// signal sends a signal to the program.
func (p *program) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until the program has ended, as it must without an error, and without a word.
func (p *program) wait() {
	p.t.Helper()
	if said := p.reports(); said != "" {
		p.t.Errorf("%s wrote to standard error:\n%s", filepath.Base(p.cmd.Path), said)
	}
}

// reports waits until the program has ended, and returns what it wrote to standard error. A turn of
// a loop that takes long is left out: where the machine has much else to do the program may be kept
// from running in the midst of one.
func (p *program) reports() string {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Signal(syscall.SIGQUIT) })
	err := p.cmd.Wait()
	timer.Stop()
	p.ended = true
	if err != nil {
		p.t.Errorf("%s ended with %v:\n%s", filepath.Base(p.cmd.Path), err, p.stderr.String())
	}
	var said strings.Builder
	for line := range strings.Lines(p.stderr.String()) {
		if !strings.Contains(line, "a turn takes too long") {
			said.WriteString(line)
		}
	}
	return said.String()
}

// stop has the program drain, and waits for its end.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.wait()
}

// expect reads exactly want.
func expect(t *testing.T, from io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got[:n], err, want)
	}
}

// expectEnd reads the end of the stream, and nothing before it.
func expectEnd(t *testing.T, from io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(from); err != nil || len(rest) > 0 {
		t.Fatalf("read %q, %v, want the end of the stream", rest, err)
	}
}

// send writes text.
func send(t *testing.T, to io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Fatal(err)
	}
}

// broken reports whether err says that the peer has reset the connection.
func broken(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// pattern is what large streams are made of: what is at an offset tells which offset it is.
func pattern(size int) []byte {
	p := make([]byte, size)
	x := uint32(1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// TestExamplesAreShort: an example is to be read in one go.
func TestExamplesAreShort(t *testing.T) {
	const most = 79
	files, err := filepath.Glob("*/*.go")
	if err != nil || len(files) < 7 {
		t.Fatalf("there are %d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > most {
			t.Errorf("%s has %d lines, more than %d", file, n, most)
		}
	}
}
