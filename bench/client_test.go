package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
)

// clientProgram makes the client in C, or skips the test.
func clientProgram(t *testing.T) string {
	t.Helper()
	testenv.NotShort(t)
	testenv.Need(t, testenv.Linux, testenv.GoCommand, testenv.CCompiler)
	w, err := newWorkshop(t.Context(), "GOPROXY=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	program, err := w.compile("c/client.c")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// runClient runs the client for 50 ms, and returns what it says.
func runClient(t *testing.T, program, addr string, conns, size, depth, group int) (
	out, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, addr, fmt.Sprint(conns), fmt.Sprint(size),
		fmt.Sprint(depth), fmt.Sprint(group), "10", "50")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// serveEach runs handle for each connection until the test ends.
func serveEach(t *testing.T, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait() // the client has ended, and with it its connections
	})
	return l.Addr().String()
}

// answering answers pieces of a stream with what change makes of them in upper case; it is told the
// number of bytes that came before.
func answering(change func(before int64, p []byte) []byte) func(net.Conn) {
	var before atomic.Int64
	return func(c net.Conn) {
		buf := make([]byte, 1<<16)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			for i, b := range buf[:n] {
				if 'a' <= b && b <= 'z' {
					buf[i] = b - 'a' + 'A'
				}
			}
			p := change(before.Add(int64(n))-int64(n), buf[:n:n])
			if p == nil {
				return
			}
			if _, err := c.Write(p); err != nil {
				return
			}
		}
	}
}

// TestClientInC counts what is answered: as much as the server has answered, but for what was not
// in the window.
func TestClientInC(t *testing.T) {
	program := clientProgram(t)
	for _, c := range []struct{ conns, size, depth, group int }{
		{1, 1, 1, 1}, {1, 64, 1, 16}, {20, 64, 1, 1}, {20, 64, 1, 16}, {7, 1000, 16, 3},
		{3, 12041, 2, 2}, {2, 300_000, 3, 1}, {1, 1 << 20, 4, 2},
	} {
		var answered atomic.Int64
		addr := serveEach(t, answering(func(_ int64, p []byte) []byte {
			answered.Add(int64(len(p)))
			return p
		}))
		out, said, err := runClient(t, program, addr, c.conns, c.size, c.depth, c.group)
		var messages int64
		var seconds, cpu float64
		_, scanErr := fmt.Sscanf(out, "answered %d messages in %f s with %f s of CPU\n", &messages,
			&seconds, &cpu)
		if err != nil || scanErr != nil || said != "" {
			t.Errorf("%+v: %q, %q: %v, %v", c, out, said, err, scanErr)
			continue
		}
		if whole := answered.Load() / int64(c.size); messages > whole || seconds < 0.05 ||
			cpu <= 0 || cpu > seconds*1.1 {
			t.Errorf("%+v: %s: the server has answered %d", c, strings.TrimSpace(out), whole)
		}
		if rest := answered.Load() % int64(c.size); rest != 0 {
			t.Errorf("%+v: it has not waited for the answers: %d bytes of one", c, rest)
		}
	}
}

// TestClientInCDoesNotBelieveAServerThatIsWrong.
func TestClientInCDoesNotBelieveAServerThatIsWrong(t *testing.T) {
	program := clientProgram(t)
	for name, c := range map[string]struct {
		change func(before int64, p []byte) []byte
		want   string
	}{
		"the first byte": {func(before int64, p []byte) []byte {
			if before == 0 {
				p[0] ^= 1
			}
			return p
		}, "wrong byte 0 of its answers: want "},
		"a byte far behind": {func(before int64, p []byte) []byte {
			if at := 50_000 - before; 0 <= at && at < int64(len(p)) {
				p[at] ^= 0x80
			}
			return p
		}, "wrong byte 50000 of its answers: want "},
		"a byte too many": {func(_ int64, p []byte) []byte { return append(p, 'x') },
			" of its answers: want no more, got 0x78"},
		"a byte too few": {func(before int64, p []byte) []byte {
			if before == 0 {
				return p[1:]
			}
			return p
		}, "connection 0: recv: wrong byte 0 of its answers"},
		"an early end": {func(before int64, p []byte) []byte {
			if before > 10_000 {
				return nil
			}
			return p
		}, "connection 0: "},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serveEach(t, answering(c.change))
			out, said, err := runClient(t, program, addr, 1, 64, 4, 2)
			if err == nil || out != "" || !strings.Contains(said, c.want) {
				t.Errorf("it says %q and %q, and ends with %v; want %q", out, said, err, c.want)
			}
		})
	}
}

// TestClientInCMeetsNobody, or somebody who keeps quiet: it ends all the same.
func TestClientInCMeetsNobody(t *testing.T) {
	program := clientProgram(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	out, said, err := runClient(t, program, addr, 1, 64, 1, 1)
	if err == nil || out != "" || said != "connection 0: connect: Connection refused\n" {
		t.Errorf("it says %q and %q, and ends with %v", out, said, err)
	}
	deaf := serveEach(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	out, said, err = runClient(t, program, deaf, 2, 64, 1, 16)
	if err == nil || out != "" || said != "connection 0: recv: an answer does not come\n" {
		t.Errorf("it says %q and %q, and ends with %v", out, said, err)
	}
	for _, args := range []string{"", "127.0.0.1:1 0 64 1 1 0 1", "127.0.0.1:1 1 2000000 1 1 0 1",
		"127.0.0.1:1 1 64 x 1 0 1", "127.0.0.1:1 1 64 1 0 0 1", "127.0.0.1:1 1 64 1 1 0 0",
		"nowhere 1 64 1 1 0 1"} {
		err := exec.Command(program, strings.Fields(args)...).Run()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 {
			t.Errorf("arguments %q: %v, want exit status 2", args, err)
		}
	}
}

// TestGeneratorsAreCompared runs all of that comparison, in small.
func TestGeneratorsAreCompared(t *testing.T) {
	clientProgram(t)
	var out, said bytes.Buffer
	args := []string{"-client", "-workloads", "ping-1,depth-16", "-rounds", "2", "-duration",
		"20ms"}
	if code := run(t.Context(), args, &out, &said); code != 0 {
		t.Errorf("it ended with %d: %s", code, &said)
	}
	for _, want := range []string{"\nping-pong: 1 connection, 64 bytes (ping-1)\n",
		"\nclient in C  ", "\nclient in C again  ", "\nclient in C, in groups  ",
		"\nthe lab's  ", "(depth-16)\n", " in all\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
	out.Reset()
	if code := run(t.Context(), append(args, "-list"), &out, &said); code != 0 ||
		!strings.Contains(out.String(), "\n  the lab's\n") {
		t.Errorf("the list: %d\n%s", code, &out)
	}
}

// TestGeneratorThatFailsHasARow: the comparison says why, and fails.
func TestGeneratorThatFailsHasARow(t *testing.T) {
	testenv.NotShort(t)
	testenv.Need(t, testenv.Unix, testenv.GoCommand)
	w, err := newWorkshop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	server, err := placed(w.goBuild("bench/gonet", "."))
	if err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{"-client", "-workloads", "ping-1", "-rounds", "1", "-duration",
		"10ms"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	keep, end, err := o.keep()
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	rows := []lab.Server{{Name: clientInC, Command: server,
		Client: []string{"sh", "-c", "echo out of water >&2; exit 3"}}, {Name: labClient,
		Command: server}}
	o.calls = false
	var out bytes.Buffer
	r, err := measure(t.Context(), o, o.workloads[0], rows, keep, io.Discard)
	r.writeClients(&out)
	const want = "client in C: load by sh: exit status 3; it said: out of water"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(out.String(), want) {
		t.Errorf("%v\n%s", err, &out)
	}
}
