package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// The limits of a Config.
const (
	MaxSize  = 1 << 20 // bytes of a request
	MaxDepth = 1000    // requests in flight on a connection
)

// Config says what load to make. The zero value of every field but Addr is its default.
type Config struct {
	Addr    string        // host:port of the server
	Conns   int           // connections; 1
	Idle    int           // connections beside those, that take part in Greet and Idle only; 0
	Heavy   int           // how many of Conns send requests that begin with Marker; 0
	Deaf    int           // connections beside Conns that send (under Fanout not) and never read; 0
	Size    int           // bytes of a request, 1 to MaxSize; 64
	Depth   int           // requests in flight on a connection under Saturate, to MaxDepth; 1
	Service string        // what the server does: see Services; "upper"
	Seed    uint64        // of the bytes that are sent
	Backend string        // "auto", or one of Backends; "auto"
	Timeout time.Duration // for connecting, and for each drain; 10 s

	// Spin keeps the loop awake under Pace, for a generator that has a CPU of its own. Sends are
	// then on time to about a microsecond. And a server is not charged for waking the generator's
	// CPU with each answer, which is the kernel's work on the server's time, and in a virtual
	// machine costs more than the answer itself. A client across a network would cost it nothing.
	Spin bool
}

// Services returns the services whose answers can be checked: "upper" answers every byte in upper
// case, "echo" as it is, and "count" every line by the next number; "publish" gives every line to
// all connections, for Fanout.
func Services() []string {
	return []string{serviceUpper, serviceEcho, serviceCount, servicePublish}
}

// withDefaults returns the configuration with its zero fields filled in.
func (c Config) withDefaults() Config {
	if c.Conns == 0 {
		c.Conns = 1
	}
	if c.Size == 0 {
		c.Size = 64
	}
	if c.Depth == 0 {
		c.Depth = 1
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Service == "" {
		c.Service = serviceUpper
	}
	if c.Backend == "" {
		c.Backend = backendAuto
	}
	return c
}

// Validate returns an error that names the first value that is not possible, and what is.
// It does not look at the address or at the machine.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Conns < 1:
		return fmt.Errorf("%d connections: at least 1 is needed", c.Conns)
	case c.Idle < 0:
		return fmt.Errorf("%d idle connections: there cannot be less than none", c.Idle)
	case c.Deaf < 0:
		return fmt.Errorf("%d deaf connections: there cannot be less than none", c.Deaf)
	case c.Size < 1 || c.Size > MaxSize:
		return fmt.Errorf("requests of %d bytes: 1 to %d are possible", c.Size, MaxSize)
	case c.Heavy < 0 || c.Heavy > c.Conns:
		return fmt.Errorf("%d heavy connections: 0 to %d are possible, as there are so many in all",
			c.Heavy, c.Conns)
	case c.Heavy > 0 && c.Size < len(Marker),
		c.Heavy > 0 && c.Size == len(Marker) && c.Service == serviceCount:
		return fmt.Errorf("heavy requests of %d bytes: they begin with the %d bytes %q, and a "+
			"line ends with another one", c.Size, len(Marker), Marker)
	case c.Heavy > 0 && c.Depth > 1:
		return fmt.Errorf("%d requests in flight on heavy connections: a server computes once on "+
			"all that it receives together, so that only 1 is possible", c.Depth)
	case c.Depth < 1 || c.Depth > MaxDepth:
		return fmt.Errorf("%d requests in flight: 1 to %d are possible", c.Depth, MaxDepth)
	case c.Timeout < 0:
		return fmt.Errorf("a time-out of %v: it must be positive", c.Timeout)
	case !slices.Contains(Services(), c.Service):
		return fmt.Errorf("service %q: there is %s", c.Service, strings.Join(Services(), ", "))
	case c.Backend != backendAuto && !slices.Contains(Backends(), c.Backend):
		return fmt.Errorf("backend %q: there is %s", c.Backend,
			strings.Join(append([]string{backendAuto}, Backends()...), ", "))
	case c.Service == servicePublish:
		return c.validPublishing()
	}
	return nil
}

// validPublishing is Validate for the service publish.
func (c Config) validPublishing() error {
	const least = numberSize + 1
	switch {
	case c.Size < least || c.Size > maxLine:
		return fmt.Errorf("lines of %d bytes: %d to %d are possible, with a number and an end",
			c.Size, least, maxLine)
	case c.Heavy > 0:
		return fmt.Errorf("%d heavy connections: with the service %s only one connection sends",
			c.Heavy, c.Service)
	case c.Depth > 1:
		return fmt.Errorf("%d requests in flight: the service %s answers none", c.Depth, c.Service)
	case c.Idle > 0:
		return fmt.Errorf("%d idle connections: the service %s sends to all, and who does not "+
			"read is deaf", c.Idle, c.Service)
	}
	return nil
}

// kind returns what connection i sends. Heavy ones are spread evenly over all that are busy, so
// that their requests are too, where each has its turn.
func (c Config) kind(i int) kind {
	switch {
	case i >= c.Conns+c.Idle:
		return deaf
	case i < c.Conns && (i+1)*c.Heavy/c.Conns > i*c.Heavy/c.Conns:
		return heavy
	}
	return ordinary
}

// all returns how many connections there are in all.
func (c Config) all() int { return c.Conns + c.Idle + c.Deaf }

// spare is how many descriptors beside its connections a Load and the process around it
// need: the selector, the wake-up pipe, and what opens for a moment.
const spare = 16

// MaxConns returns how many connections this process can open now, by its descriptor limit
// and what it has open. Another limit, such as local ports, may be lower.
func MaxConns() int {
	return max(0, sys.DescriptorLimit()-openDescriptors()-spare)
}

// openDescriptors counts the process's descriptors, where the system lists them.
func openDescriptors() int {
	for _, dir := range [...]string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(dir); err == nil {
			return len(entries)
		}
	}
	return 2 * spare // not known: a Go program with a few files
}

// checkLimit returns an error if the process cannot have so many connections.
func checkLimit(conns int) error {
	if most := MaxConns(); conns > most {
		return fmt.Errorf("%d connections: the limit of %d descriptors leaves room for %d: %w",
			conns, sys.DescriptorLimit(), most, syscall.EMFILE)
	}
	return nil
}

// resolve returns the addresses that a host:port stands for, IPv4 first.
func resolve(ctx context.Context, addr string) ([]netip.AddrPort, error) {
	addrs, err := sys.Resolve(ctx, addr, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	switch {
	case err != nil:
		return nil, err
	case len(addrs) == 0:
		return nil, errors.New("the name has no address")
	case addrs[0].Port() == 0:
		return nil, errors.New("nobody listens on port 0: it must be from 1 to 65535")
	}
	return addrs, nil
}
