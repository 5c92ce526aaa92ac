package lab_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/ascii"
	"github.com/kettle-go/kettle/lab"
)

// The servers under test are this test binary, executed again: each is told by its first
// argument what is wrong with it, and by its second, if there is one, where to listen.

const (
	// fakeVariable names the environment variable that makes this binary a server.
	fakeVariable = "KETTLE_TEST_FAKE"

	// anchorVariable names the variable with an address. A process that is to outlive its
	// server stays until the connection that it makes there is closed.
	anchorVariable = "KETTLE_TEST_ANCHOR"
)

func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) != "" {
		os.Exit(fake(os.Args[1]))
	}
	goleak.VerifyTestMain(m)
}

// fake is the server process; it returns its exit code.
func fake(kind string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	switch kind {
	case "exits":
		fmt.Fprintln(os.Stderr, "no kettle here")
		return 4
	case "garbage":
		fmt.Println("good morning")
		<-stop
		return 0
	case "endless": // a first line that does not end
		go func() {
			for text := strings.Repeat("z", 4096); ; {
				if _, err := os.Stdout.WriteString(text); err != nil {
					return
				}
			}
		}()
		<-stop
		return 0
	case "mute":
		fmt.Fprintln(os.Stderr, "thinking")
		<-stop
		return 0
	case "closed": // no output at all, but it lives
		os.Stdout.Close()
		<-stop
		return 0
	case "limited":
		return runLimited()
	case "orphan":
		return orphan()
	case "uncaught":
		signal.Reset(syscall.SIGTERM)
	case "scheduled":
		fmt.Fprint(os.Stderr, allowed("/proc/self/status"))
	}
	listen(kind)
	for range stop {
		if kind != "stubborn" {
			return 0
		}
		fmt.Fprintln(os.Stderr, "not now")
	}
	return 0
}

// listen serves upper case in the background, with what kind says is wrong with it.
func listen(kind string) {
	addr := "127.0.0.1:0"
	if len(os.Args) > 2 {
		addr = os.Args[2]
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(5)
	}
	if kind == "orphans" {
		if err := leaveBehind(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(5)
		}
	}
	if len(os.Args) > 2 {
		fmt.Println("good morning")
		fmt.Fprintln(os.Stderr, "at", l.Addr())
	} else {
		fmt.Println("listening on", l.Addr())
	}
	var requests atomic.Int64
	go func() {
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				os.Exit(6)
			}
			go converse(c, kind, i, &requests)
		}
	}()
}

// converse serves connection number i.
func converse(c net.Conn, kind string, i int, requests *atomic.Int64) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		ascii.Upper(buf[:n])
		switch k := requests.Add(1); {
		case kind == "deaf":
			continue
		case kind == "wrong" && k > 20:
			buf[n/2] ^= 0x40
		case kind == "crashes" && k > 20:
			fmt.Fprintln(os.Stderr, "out of water")
			os.Exit(3)
		case kind == "leaves" && k > 20:
			os.Exit(0)
		case kind == "closes":
			return
		case kind == "refuses" && i%2 == 1:
			return
		case kind == "halves" && i%2 == 1:
			c.Write(buf[:n])
			return
		case kind == "stops" && k > 20:
			continue
		case kind == "starves" && i == 1 && k > 20:
			continue
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// leaveBehind starts a process that has this one's output and outlives it.
func leaveBehind() error {
	cmd := exec.Command(os.Args[0], "orphan")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	out, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer out.Close()
	return cmd.Start()
}

func orphan() int {
	c, err := net.Dial("tcp", os.Getenv(anchorVariable))
	if err != nil {
		return 5
	}
	io.Copy(io.Discard, c)
	return 0
}

// servers returns one server of each kind, named after it. Until the test ends, every process
// that this one starts of itself is a server.
func servers(t *testing.T, kinds ...string) []lab.Server {
	t.Helper()
	t.Setenv(fakeVariable, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // by default a process ends a second later
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all []lab.Server
	for _, kind := range kinds {
		all = append(all, lab.Server{Name: kind, Command: []string{program, kind},
			OwnLines: 5, Lines: 7})
	}
	return all
}

// small is a run that takes as little time as a run can. The first server is the reference.
func small(servers []lab.Server) lab.Config {
	return lab.Config{
		Servers: servers, Reference: servers[0].Name,
		Conns: 4, Size: 32, Depth: 1, Rate: 500, Rounds: 1, Seed: 1, Memory: true,
		Warmup: 5 * time.Millisecond, Saturate: 40 * time.Millisecond,
		Pace: 60 * time.Millisecond, Idle: 10 * time.Millisecond, Greet: 2 * time.Second,
		Start: 20 * time.Second, Stop: 20 * time.Second,
	}
}

// allowed returns the line of a /proc/PID/status that says which CPUs it may run on.
func allowed(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "Cpus_allowed_list:") {
			return lines.Text()
		}
	}
	return errors.ErrUnsupported.Error()
}
