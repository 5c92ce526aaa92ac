package stream_test

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// idleConnections is how many are held to find what one of them costs.
const idleConnections = 2000

// BenchmarkIdleConnection checks docs/memory.md, byte by byte: it fails where the document is
// wrong. What Go's runtime adds is that of the version that the document names.
func BenchmarkIdleConnection(b *testing.B) {
	testenv.Need(b, testenv.Linux)
	testenv.NeedDescriptors(b, idleConnections+100)
	document := readIdleDocument(b)
	for _, kind := range []string{"protocol", "streams"} {
		for _, backend := range []string{"epoll", "io_uring"} {
			b.Run(kind+"/"+backend, func(b *testing.B) {
				if backend == "io_uring" {
					testenv.Need(b, testenv.Rings)
				}
				measured := measureIdle(b, kind, backend)
				compareIdle(b, document[kind+" on "+backend], measured)
				for b.Loop() { // it is not about time
				}
				b.ReportMetric(float64(measured["together"]), "B/conn")
			})
		}
	}
}

// documentedRow is a row of a table: what is where it is allocated, and how large it is.
var documentedRow = regexp.MustCompile("^\\| (?:`([^`]+)`|(together)) \\| ([0-9]+) \\|")

// readIdleDocument returns the tables of the document, by their headings.
func readIdleDocument(b *testing.B) map[string]map[string]int {
	text, err := os.ReadFile("../docs/memory.md")
	if err != nil {
		b.Fatal(err)
	}
	if !strings.Contains(string(text), goVersion()) {
		b.Fatalf("docs/memory.md is not about %s: measure again", goVersion())
	}
	tables, heading := map[string]map[string]int{}, ""
	for line := range strings.Lines(string(text)) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
			tables[heading] = map[string]int{}
		}
		if row := documentedRow.FindStringSubmatch(line); row != nil {
			n, _ := strconv.Atoi(row[3])
			tables[heading][row[1]+row[2]] = n
		}
	}
	return tables
}

// goVersion returns the version of Go without its last part.
func goVersion() string {
	parts := strings.SplitN(runtime.Version(), ".", 3)
	return strings.Replace(strings.Join(parts[:min(2, len(parts))], "."), "go", "Go ", 1)
}

// compareIdle fails the benchmark where the two differ by more than a tenth and 20 bytes: pages of
// tables are not full to the last.
func compareIdle(b *testing.B, documented, measured map[string]int) {
	b.Helper()
	names := map[string]bool{}
	for name := range documented {
		names[name] = true
	}
	for name, n := range measured {
		if n > 20 {
			names[name] = true
		}
	}
	for name := range names {
		want, got := documented[name], measured[name]
		if d := max(got-want, want-got); d > 20 && d > max(want, got)/10 {
			b.Errorf("%s: %d bytes, and docs/memory.md says %d", name, got, want)
		}
	}
}

// idleChild says in a process of its own what is to be measured.
const idleChild = "KETTLE_TEST_IDLE"

// measureIdle returns where the bytes of an idle connection were allocated. The server is a process
// of its own: what others have left behind would be used up first.
func measureIdle(b *testing.B, kind, backend string) map[string]int {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestIdleConnectionServer$")
	child.Env = append(os.Environ(), idleChild+"="+kind+" "+backend)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = in.Close() // which ends it
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatal("the server has not begun")
	}
	addr := lines.Text()
	exchangeIdly(b, addr) // what the first one brings along is not its own
	fmt.Fprintln(in, "begin")
	lines.Scan()
	for range idleConnections {
		exchangeIdly(b, addr)
	}
	fmt.Fprintln(in, "end")
	measured := map[string]int{}
	for lines.Scan() && lines.Text() != "" {
		name, n, _ := strings.Cut(lines.Text(), " ")
		measured[name], _ = strconv.Atoi(n)
	}
	return measured
}

// exchangeIdly makes a connection, has one answer, and leaves it open until the benchmark ends.
func exchangeIdly(b *testing.B, addr string) {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	if _, err = c.Write([]byte("hello")); err == nil {
		_, err = io.ReadFull(c, make([]byte, 5))
	}
	if err != nil {
		b.Fatal(err)
	}
}

// TestIdleConnectionServer is the other process of BenchmarkIdleConnection. It is told by a line
// when to look, and ends with its input.
func TestIdleConnectionServer(t *testing.T) {
	kind, backend, ok := strings.Cut(os.Getenv(idleChild), " ")
	if !ok {
		return
	}
	runtime.MemProfileRate = 1
	serve := serveIdleStreams
	if kind == "protocol" {
		serve = serveIdleProtocols
	}
	ready := make(chan net.Addr)
	go serve(t, backend, ready) // until the process ends
	fmt.Println(<-ready)
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	before, stacks := allocated()
	fmt.Println("begun")
	lines.Scan()
	after, grown := allocated()
	sum := 0
	report := func(name string, n int) {
		if n > 0 {
			fmt.Println(name, n)
			sum += n
		}
	}
	for name, n := range after {
		report(name, (n-before[name])/idleConnections)
	}
	report("stack", (grown-stacks)/idleConnections)
	fmt.Printf("together %d\n\n", sum)
	lines.Scan()
	os.Exit(0) // with everything that is open
}

// allocated returns what is in use, by the function that has allocated it, and how much stacks
// have.
func allocated() (map[string]int, int) {
	for range 3 { // the profile is that of the last but one
		runtime.GC()
	}
	records := make([]runtime.MemProfileRecord, 10_000)
	n, _ := runtime.MemProfile(records, true)
	by := map[string]int{}
	for _, r := range records[:min(n, len(records))] {
		by[allocator(r.Stack())] += int(r.InUseBytes())
	}
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return by, int(sample[0].Value.Uint64())
}

// allocator returns the function that has allocated something: of Go's runtime the one that the
// rest of the program has called.
func allocator(stack []uintptr) string {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		name := f.Function[strings.LastIndex(f.Function, "/")+1:]
		name = regexp.MustCompile(`\[\.\.\.\]|\.func\d+(\.\d+)*`).ReplaceAllString(name, "")
		generic := strings.HasPrefix(name, "pages.")
		if !more || !generic && (!strings.HasPrefix(name, "runtime.") ||
			slices.Contains([]string{"runtime.malg", "runtime.newcoro"}, name)) {
			return cmp.Or(name, "unknown")
		}
	}
}

func serveIdleStreams(t *testing.T, backend string, ready chan<- net.Addr) {
	t.Error(kettle.Run(func(task *kettle.Task) error {
		ln, err := stream.Listen(task, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		ready <- ln.Addr()
		return stream.Serve(task, ln, new(attending).attend)
	}, kettle.Backend(backend)))
}

// attending has a handler as programs have them: a method, with variables of its own, which the
// stack of the task has to hold too.
type attending struct{ sum int }

func (a *attending) attend(_ *kettle.Task, c *stream.Conn) error {
	var header [64]byte
	for {
		chunk, err := c.Next()
		if err != nil {
			return err
		}
		copy(header[:], chunk)
		for _, b := range header {
			a.sum += int(b)
		}
		if _, err = c.Write(chunk); err != nil {
			return err
		}
	}
}

// echoing is a protocol that sends back what comes.
type echoing struct{ transport.Base }

func (*echoing) Data(t *transport.Transport, p []byte) { _ = t.Write(p) }

func serveIdleProtocols(t *testing.T, backend string, ready chan<- net.Addr) {
	s, err := selectors.Open(backend)
	if err != nil {
		t.Error(err)
		return
	}
	l, err := loop.New(loop.Config{Selector: s})
	if err != nil {
		t.Error(err)
		return
	}
	ln, err := transport.Listen(l, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)},
		transport.ListenConfig{})
	if err != nil {
		t.Error(err)
		return
	}
	all := &echoing{}
	if err := ln.Serve(func() transport.Protocol { return all }); err != nil {
		t.Error(err)
		return
	}
	ready <- ln.Addr()
	t.Error(l.Run())
}
