package stream_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
)

// eachBackend runs a test on each selector that works here.
func eachBackend(t *testing.T, test func(t *testing.T, backend kettle.Option)) {
	t.Helper()
	for _, name := range selectors.Candidates() {
		s, err := selectors.Open(name)
		if err != nil {
			continue
		}
		_ = s.Close()
		t.Run(name, func(t *testing.T) { test(t, kettle.Backend(name)) })
	}
}

// runQuietly runs main, which has to succeed, and nothing may go wrong behind its back. When the
// loop has ended there are as many descriptors as before.
func runQuietly(t *testing.T, main func(t *kettle.Task) error, options ...kettle.Option) {
	t.Helper()
	warmUp(t)
	before := openDescriptors(t)
	options = append([]kettle.Option{kettle.OnIncident(func(in loop.Incident) {
		t.Errorf("%s: %v\n%s", in.What, in.Err, in.Stack)
	})}, options...)
	if err := kettle.Run(main, options...); err != nil {
		t.Errorf("%v", err)
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are left, and there were %d", after, before)
	}
}

// warmUp has Go's runtime open what it keeps open.
func warmUp(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
}

// openDescriptors counts the descriptors of the process.
func openDescriptors(t *testing.T) int {
	t.Helper()
	n := 0
	for fd := range min(sys.DescriptorLimit(), 4096) {
		if sys.CheckOpen(fd) == nil {
			n++
		}
	}
	return n
}

// clockThatJumps returns a clock that jumps, and the option of a loop that goes by it.
func clockThatJumps() (*looptest.Clock, kettle.Option) {
	clock := looptest.NewClock()
	return clock, kettle.Clock(func() loop.Clock { return clock })
}

// listening returns a listener on the loopback interface, which the end of the loop closes.
func listening(t *kettle.Task, config stream.ListenConfig) (*stream.Listener, error) {
	return config.Listen(t, "tcp", "127.0.0.1:0")
}

// silent is an address where connecting gets no answer: somebody listens, and the backlog is full.
type silent struct {
	addr netip.AddrPort
	fds  []int
}

// newSilent returns an address of 127.0.0.1 without an answer. Only Linux drops what does not fit
// into the backlog.
func newSilent(t *testing.T) *silent {
	t.Helper()
	testenv.Need(t, testenv.Linux)
	s := &silent{}
	t.Cleanup(s.close)
	fd, err := sys.Listen(netip.MustParseAddrPort("127.0.0.1:0"), sys.ListenOptions{Nonblock: true})
	if err != nil {
		t.Fatal(err)
	}
	s.fds = append(s.fds, fd)
	if s.addr, err = sys.LocalAddr(fd); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := sys.Connect(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		s.fds = append(s.fds, fd)
		ready := []sys.PollFD{{Fd: int32(fd), Events: sys.PollOut}}
		if n, err := sys.Poll(ready, 0); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return s // this one gets no answer any more
		}
	}
}

func (s *silent) close() {
	for _, fd := range s.fds {
		_ = sys.Close(fd)
	}
	s.fds = nil
}

// beside returns a listener on another address of the loopback network, with the same port.
func (s *silent) beside(t *kettle.Task, host string) (*stream.Listener, error) {
	return stream.Listen(t, "tcp", s.on(host).String())
}

func (s *silent) on(host string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(host), s.addr.Port())
}

// dialTo returns the address of a name with the port of s.
func (s *silent) dialTo(name string) string {
	_, port, _ := net.SplitHostPort(s.addr.String())
	return net.JoinHostPort(name, port)
}

// names returns a resolver that knows one name.
func names(ips ...string) func(context.Context, string, string) ([]netip.Addr, error) {
	return func(_ context.Context, network, host string) ([]netip.Addr, error) {
		if network != "ip" || host != "kettle.example" {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		var all []netip.Addr
		for _, ip := range ips {
			all = append(all, netip.MustParseAddr(ip))
		}
		return all, nil
	}
}

// elapsed returns how long f takes by the clock.
func elapsed(clock *looptest.Clock, f func()) time.Duration {
	begun := clock.Now()
	f()
	return clock.Now() - begun
}

const ownProcess = "KETTLE_TEST_OWN_PROCESS"

// inOwnProcess runs the test again in a process of its own, with the environment that is given and
// what a shell does first, and returns false; in that process it returns true. Files are its
// descriptors 3 and so on.
func inOwnProcess(t *testing.T, env []string, first string, files ...*os.File) bool {
	t.Helper()
	if os.Getenv(ownProcess) != "" {
		return true
	}
	testenv.Need(t, testenv.Unix)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	child := exec.Command("/bin/sh", "-c", first+` exec "$0" "$@"`, self,
		"-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	child.Env = append(append(os.Environ(), ownProcess+"=1"), env...)
	child.Stdout, child.Stderr, child.ExtraFiles = &output, &output, files
	if err := child.Run(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, output.String())
	}
	return false
}

// wantErrors fails the test unless err is each of the targets.
func wantErrors(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("the error is %v, want one that is %v", err, target)
		}
	}
}
