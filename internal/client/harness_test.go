package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"go.uber.org/goleak"
)

// Nothing that a client started may outlive it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is for tests whose time-out must not pass.
const patient = 30 * time.Second

// peer is a connection as the server sees it.
type peer = io.ReadWriteCloser

// upper is the service, written so that it shares nothing with what is tested.
func upper(p []byte) []byte {
	p = bytes.Clone(p)
	for i, b := range p {
		if 'a' <= b && b <= 'z' {
			p[i] = b - 32
		}
	}
	return p
}

// serveUpper answers until the client's end, then closes.
func serveUpper(c peer) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if _, werr := c.Write(upper(buf[:n])); werr != nil || err != nil {
			return
		}
	}
}

// serveNothing reads until the client's end and never answers.
func serveNothing(c peer) {
	defer c.Close()
	io.Copy(io.Discard, c)
}

// listen serves every connection with the function on a free port, until the test ends.
func listen(t *testing.T, serve func(*net.TCPConn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return ln.Addr().String()
}

// memory is one end of a connection in memory, for tests on a clock of their own.
type memory struct {
	*io.PipeReader
	w *io.PipeWriter
}

func (m memory) Write(p []byte) (int, error) { return m.w.Write(p) }
func (m memory) CloseWrite() error           { return m.w.Close() }

func (m memory) Close() error {
	m.w.Close()
	return m.PipeReader.Close()
}

// inMemory is a dialer that serves the n-th connection, from 1, with the function.
func inMemory(serve func(n int, c peer)) dialer {
	n := 0
	return func(context.Context, string) (conn, error) {
		n++
		r1, w1 := io.Pipe()
		r2, w2 := io.Pipe()
		go serve(n, memory{r1, w2})
		return memory{r2, w1}, nil
	}
}

// every serves all connections alike.
func every(serve func(peer)) func(int, peer) {
	return func(_ int, c peer) { serve(c) }
}

// desk is a prompt, somebody who types, and the screen that they see.
type desk struct {
	t      *testing.T
	keys   *io.PipeWriter
	screen *vt
	done   chan error
}

// sit starts a prompt.
func sit(t *testing.T, o Options, width int, dial dialer) *desk {
	r, w := io.Pipe()
	d := &desk{t: t, keys: w, screen: &vt{width: width}, done: make(chan error, 1)}
	t.Cleanup(func() { w.Close() })
	go func() {
		d.done <- prompt(t.Context(), o, dial, Terminal{
			In:   r,
			Out:  d.screen,
			Size: func() (int, int, error) { return d.screen.columns(), 24, nil },
		})
		r.Close() // so that nobody types into the void
	}()
	return d
}

// typ types.
func (d *desk) typ(keys string) {
	d.t.Helper()
	if _, err := io.WriteString(d.keys, keys); err != nil {
		d.t.Fatalf("typing %q: the prompt has ended: %v", keys, <-d.done)
	}
}

// leave waits for the end of the prompt.
func (d *desk) leave() error {
	d.t.Helper()
	err := <-d.done
	d.keys.Close()
	return err
}

// sees fails the test unless the screen shows exactly these lines, after the first one, which says
// that we are connected.
func (d *desk) sees(lines ...string) {
	d.t.Helper()
	want := strings.Join(lines, "\n")
	if got := d.screen.String(); got != want {
		d.t.Errorf("the screen shows\n%s\nwant\n%s", got, want)
	}
}

// vt is the part of a VT100 that the prompt uses, with unlimited height. It fails by panic on what
// it does not know, above all on bytes that a server smuggled in.
type vt struct {
	mu      sync.Mutex
	width   int
	rows    [][]rune // a wide character is followed by a 0
	x, y    int
	written int
}

func (v *vt) columns() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.width
}

// sent is the number of bytes written to the screen so far.
func (v *vt) sent() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.written
}

func (v *vt) resize(width int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.width = width
}

// String is what is on the screen below the greeting.
func (v *vt) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var lines []string
	for _, row := range v.rows {
		line := strings.ReplaceAll(string(row), "\x00", "")
		lines = append(lines, strings.TrimRight(line, " "))
	}
	greeting := func(line string) bool { return strings.HasSuffix(line, "Ctrl-D ends.") }
	lines = lines[slices.IndexFunc(lines, greeting)+1:]
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func (v *vt) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.written += len(p)
	for b := p; len(b) > 0; {
		n := 1
		switch {
		case b[0] == '\r':
			v.x = 0
		case b[0] == '\n':
			v.y++
		case bytes.HasPrefix(b, []byte("\x1b[")):
			n = 3 + bytes.IndexFunc(b[2:], func(r rune) bool { return r >= '@' })
			v.command(string(b[2:n-1]), b[n-1])
		case b[0] < ' ':
			panic("control character " + strconv.Quote(string(b[:1])))
		default:
			var r rune
			r, n = utf8.DecodeRune(b)
			v.put(r)
		}
		b = b[n:]
	}
	return len(p), nil
}

// command is what comes after ESC [.
func (v *vt) command(parameter string, final byte) {
	n, _ := strconv.Atoi(parameter)
	switch n = max(n, 1); final {
	case 'A':
		v.y = max(v.y-n, 0)
	case 'D':
		v.x = max(v.x-n, 0)
	case 'H':
		v.x, v.y = 0, 0
	case 'J':
		if n == 2 {
			v.rows = nil
			return
		}
		v.rows = v.rows[:min(v.y+1, len(v.rows))]
		if v.y < len(v.rows) {
			v.rows[v.y] = v.rows[v.y][:min(v.x, len(v.rows[v.y]))]
		}
	default:
		panic("escape sequence ESC [ " + parameter + string(final))
	}
}

// put shows a character and moves on, to the next row when it does not fit.
func (v *vt) put(r rune) {
	if r == 0x9b || r == 0x202e {
		panic("unprintable " + strconv.QuoteRune(r))
	}
	w := runewidth.RuneWidth(r)
	if v.x+w > v.width {
		v.x, v.y = 0, v.y+1
	}
	for len(v.rows) <= v.y {
		v.rows = append(v.rows, nil)
	}
	for len(v.rows[v.y]) < v.x+w {
		v.rows[v.y] = append(v.rows[v.y], ' ')
	}
	v.rows[v.y][v.x] = r
	if w == 2 {
		v.rows[v.y][v.x+1] = 0
	}
	v.x += w
}

// wantErr fails the test unless err matches target and says all the texts.
func wantErr(t *testing.T, err, target error, texts ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error %v, want one that matches %q", err, target)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q, want one that says %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want it in one line", err)
	}
}

// wantTimeout is wantErr for a time-out.
func wantTimeout(t *testing.T, err error, texts ...string) {
	t.Helper()
	wantErr(t, err, os.ErrDeadlineExceeded, texts...)
}
