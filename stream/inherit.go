package stream

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
)

// Inherit returns listeners for the sockets that a supervisor, as systemd, has opened for this
// process and passed on (socket activation, sd_listen_fds(3)), in its order; see Listener.Name. To
// a process that was started in another way none are passed on: then there are no listeners, and
// no error. The sockets may be of TCP and of the unix family. It does not suspend.
//
// Each call returns listeners of its own for the same sockets, so every loop may have them: who
// comes first accepts. To close one leaves the others, and the file of a unix socket, which is the
// supervisor's. The environment variables stay as they are; programs that this one starts are not
// meant by them, and do not inherit the sockets.
func Inherit(t *kettle.Task) ([]*Listener, error) { return (&ListenConfig{}).Inherit(t) }

// Inherit is the function of that name, with this configuration, of which the Backlog does not
// count.
func (c ListenConfig) Inherit(t *kettle.Task) ([]*Listener, error) {
	err := onLoop(t)
	var passed []passed
	if err == nil {
		passed, err = passedOn()
	}
	if err != nil {
		return nil, fmt.Errorf("stream: inherit sockets: %w", err)
	}
	var all []*Listener
	for _, p := range passed {
		ln, err := c.inherit(t, p)
		if err != nil {
			for _, ln := range all {
				_ = ln.Close()
			}
			return nil, fmt.Errorf("stream: inherit socket %q: %w", p.name, err)
		}
		all = append(all, ln)
	}
	return all, nil
}

func (c ListenConfig) inherit(t *kettle.Task, p passed) (*Listener, error) {
	kind, err := sys.SocketKind(p.fd)
	switch {
	case err != nil:
		return nil, fmt.Errorf("descriptor %d: %w", p.fd, err)
	case !kind.Stream || !kind.Listening:
		return nil, fmt.Errorf("descriptor %d does not listen for connections", p.fd)
	}
	// It was inherited, so the next program would inherit it too.
	if err := sys.SetCloexec(p.fd); err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", p.fd, err)
	}
	ln := c.listener(t)
	ln.name = p.name
	ln.ln, err = duplicate(t, p.fd, ln)
	return ln, err
}

// passed is a socket that was passed on.
type passed struct {
	fd   int
	name string
}

// The variables of the protocol: for which process the descriptors are, how many they are, and what
// they are called, with colons between.
const (
	listenPID   = "LISTEN_PID"
	listenFDs   = "LISTEN_FDS"
	listenNames = "LISTEN_FDNAMES"

	firstPassed = 3 // behind standard input, output and error
	maxPassed   = 1 << 16
	unnamed     = "unknown" // what the protocol calls one without a name
)

// passedOn returns what was passed on to this process.
func passedOn() ([]passed, error) {
	if os.Getenv(listenPID) == "" || os.Getenv(listenFDs) == "" {
		return nil, nil
	}
	pid, err := variable(listenPID)
	if err != nil || pid != os.Getpid() {
		return nil, err // it is for the process that has started this one
	}
	n, err := variable(listenFDs)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil
	}
	if n > maxPassed {
		return nil, fmt.Errorf("%s is %d, which is no number of descriptors", listenFDs, n)
	}
	var names []string
	if list, ok := os.LookupEnv(listenNames); ok {
		if names = strings.Split(list, ":"); len(names) != n {
			return nil, fmt.Errorf("%s has %d names, and %s is %d", listenNames, len(names),
				listenFDs, n)
		}
	}
	all := make([]passed, n)
	for i := range all {
		all[i] = passed{fd: firstPassed + i, name: unnamed}
		if names != nil && names[i] != "" {
			all[i].name = names[i]
		}
	}
	return all, nil
}

// variable returns the number in an environment variable.
func variable(name string) (int, error) {
	text := os.Getenv(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q, which is no number", name, text)
	}
	return n, nil
}
