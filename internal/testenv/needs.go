package testenv

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// A Capability is something that a machine has or lacks.
type Capability int

// The capabilities that a test can need. NeedDescriptors, NeedProcesses, Long
// and NotShort are needs with a number or a choice of the user in them.
const (
	Python       Capability = iota // python3 on PATH, able to import asyncio
	GoCommand                      // the go command on PATH
	Curl                           // curl on PATH
	OpenSSL                        // the openssl command on PATH
	Root                           // user 0
	OrdinaryUser                   // any user but 0
	TwoCPUs                        // at least two processors that this process may use
	IPv6                           // a listener on [::1]
	Unix                           // signals, fork and exec, descriptors
	Linux                          // epoll, accept4, /proc in Linux's form
	Epoll                          // epoll(7)
	Kqueue                         // kqueue(2)
	Proc                           // a readable /proc/self/stat
	Limited                        // a limit on descriptors that can be reached
	OwnNetwork                     // a process with a network, and its settings, of its own
	Wrk                            // wrk on PATH
	Rings                          // io_uring, as of Linux 5.19, not forbidden
	CCompiler                      // cc on PATH
	Chromium                       // chromium, chromium-browser or google-chrome on PATH
	CountedCalls                   // tracefs, mounted, and the right to perf events
)

// entry is one row of the table of needs.
type entry struct {
	name    string       // the constant's name, as test files write it
	without string       // what is not tested without it
	probe   func() error // nil: this machine has it; runs once per process
}

// table has one row for each Capability.
var table = [...]entry{
	Python: {"Python", "interoperation with Python's asyncio and selectors",
		sync.OnceValue(probePython)},
	GoCommand: {"GoCommand", "what is built or listed by the go command",
		sync.OnceValue(func() error { return probeCommand("go") })},
	Curl: {"Curl", "that curl understands the servers of the examples",
		sync.OnceValue(func() error { return probeCommand("curl") })},
	OpenSSL: {"OpenSSL", "that OpenSSL's own client understands the TLS of the examples",
		sync.OnceValue(func() error { return probeCommand("openssl") })},
	Root: {"Root", "what only user 0 may do",
		func() error { return unless(os.Geteuid() == 0, "the user is not root") }},
	OrdinaryUser: {"OrdinaryUser", "what the system refuses to an ordinary user",
		func() error { return unless(os.Geteuid() > 0, "the user is root") }},
	TwoCPUs: {"TwoCPUs", "what needs two processors at the same time",
		func() error { return unless(runtime.NumCPU() > 1, "there is one processor") }},
	IPv6: {"IPv6", "listening and connecting over IPv6",
		sync.OnceValue(probeIPv6)},
	Unix: {"Unix", "signals, worker processes and descriptors",
		func() error { return unless(unix, "the system is "+runtime.GOOS) }},
	Linux: {"Linux", "what only Linux has",
		func() error { return unless(linux, "the system is "+runtime.GOOS) }},
	Epoll: {"Epoll", "the epoll selector",
		func() error { return unless(linux, "epoll is Linux's, this is "+runtime.GOOS) }},
	Kqueue: {"Kqueue", "the kqueue selector",
		func() error { return unless(bsd, "kqueue is the BSDs', this is "+runtime.GOOS) }},
	Proc: {"Proc", "figures read from /proc",
		sync.OnceValue(probeProc)},
	Limited: {"Limited", "what happens when descriptors run out", probeLimited},
	OwnNetwork: {"OwnNetwork", "what depends on the settings of the network",
		sync.OnceValue(probeOwnNetwork)},
	Wrk: {"Wrk", "serving HTTP to a load generator that others have written",
		sync.OnceValue(func() error { return probeCommand("wrk") })},
	Rings: {"Rings", "everything on io_uring", sync.OnceValue(probeRings)},
	CCompiler: {"CCompiler", "the client in C that the load generator is compared with",
		sync.OnceValue(func() error { return probeCommand("cc") })},
	Chromium: {"Chromium", "that the lab's page works in a browser",
		sync.OnceValue(probeChromium)},
	CountedCalls: {"CountedCalls", "that system calls are counted right",
		sync.OnceValue(probeCountedCalls)},
}

const (
	linux = runtime.GOOS == "linux"
	unix  = runtime.GOOS != "windows" && runtime.GOOS != "plan9" && runtime.GOOS != "js" &&
		runtime.GOOS != "wasip1"
	bsd = runtime.GOOS == "darwin" || runtime.GOOS == "freebsd" || runtime.GOOS == "netbsd" ||
		runtime.GOOS == "openbsd" || runtime.GOOS == "dragonfly"
)

// String returns the name of the constant.
func (c Capability) String() string {
	if c < 0 || int(c) >= len(table) {
		return fmt.Sprintf("Capability(%d)", int(c))
	}
	return table[c].name
}

// missing returns why this machine lacks c, and what is not tested without it;
// nil if it has it.
func (c Capability) missing() error {
	if c < 0 || int(c) >= len(table) {
		return fmt.Errorf("testenv: %v is not in the table of needs", c)
	}
	e := table[c]
	if err := e.probe(); err != nil {
		return fmt.Errorf("needs %s: %w; not tested without it: %s", e.name, err, e.without)
	}
	return nil
}

// unless returns an error with the reason unless ok.
func unless(ok bool, why string) error {
	if ok {
		return nil
	}
	return errors.New(why)
}

// probeCommand looks for a command on PATH.
func probeCommand(name string) error {
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("%s is not on PATH", name)
	}
	return nil
}

// probeChromium looks for a browser under the names that it goes by.
func probeChromium() error {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	for _, name := range names {
		if probeCommand(name) == nil {
			return nil
		}
	}
	return fmt.Errorf("none of %s is on PATH", strings.Join(names, ", "))
}

// probePython starts a Python, since finding a command of that name is not
// enough: minimal installations come without asyncio.
func probePython() error {
	if err := probeCommand("python3"); err != nil {
		return err
	}
	if err := exec.Command("python3", "-c", "import asyncio, selectors").Run(); err != nil {
		return fmt.Errorf("python3 does not import asyncio: %w", err)
	}
	return nil
}

// probeIPv6 listens, since an address family can be compiled in and turned off.
func probeIPv6() error {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return err
	}
	return l.Close()
}

// probeProc reads a file of /proc: sandboxes may mount it empty, or not at all.
func probeProc() error {
	if !linux {
		return fmt.Errorf("/proc in Linux's form does not exist on %s", runtime.GOOS)
	}
	_, err := os.ReadFile("/proc/self/stat")
	return err
}

// probeLimited looks whether the limit on descriptors is one that a test could
// reach.
func probeLimited() error {
	limit := descriptorLimit()
	return unless(limit > 0 && limit < 1<<30, "descriptors are not limited")
}
