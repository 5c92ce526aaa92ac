//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sys

// What a system without these calls has in their place: the same names, each of which says
// that it is not supported. kettle compiles there, and its goroutines model and client run.

import (
	"errors"
	"math"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// ListenOptions says what kind of listening socket Listen makes.
type ListenOptions struct {
	Backlog   int
	Nonblock  bool
	ReusePort bool
}

// Kind says what a descriptor is that was made elsewhere.
type Kind struct {
	Unix, Stream, Listening bool
}

// ShutdownHow names the directions that Shutdown ends.
type ShutdownHow int

// The directions of a connection.
const (
	ShutdownRead ShutdownHow = iota
	ShutdownWrite
	ShutdownBoth
)

// PollFD is one descriptor of poll(2).
type PollFD struct {
	Fd              int32
	Events, Revents int16
}

// The events of poll(2).
const (
	PollIn = 1 << iota
	PollOut
)

// FDSetSize is the number of the first descriptor that select(2) cannot watch.
const FDSetSize = 1024

// FDSet is a set of descriptors for Select.
type FDSet struct{}

// Set does nothing here.
func (*FDSet) Set(int) {}

// Clear does nothing here.
func (*FDSet) Clear(int) {}

// Has reports false here.
func (*FDSet) Has(int) bool { return false }

// Waker has nothing to wake here.
type Waker struct{}

// NewWaker is not supported here.
func NewWaker() (*Waker, error) { return nil, errors.ErrUnsupported }

// FD returns no descriptor here.
func (*Waker) FD() int { return -1 }

// Wake is not supported here.
func (*Waker) Wake() error { return errors.ErrUnsupported }

// Drain does nothing here.
func (*Waker) Drain() {}

// Close does nothing here.
func (*Waker) Close() {}

// Listen is not supported here.
func Listen(netip.AddrPort, ListenOptions) (int, error) { return -1, errors.ErrUnsupported }

// BalancesPorts reports false here.
func BalancesPorts() bool { return false }

// Bind is not supported here.
func Bind(netip.AddrPort) (int, error) { return -1, errors.ErrUnsupported }

// ListenUnix is not supported here.
func ListenUnix(string, ListenOptions) (int, error) { return -1, errors.ErrUnsupported }

// ConnectUnix is not supported here.
func ConnectUnix(string) (int, error) { return -1, errors.ErrUnsupported }

// AcceptUnix is not supported here.
func AcceptUnix(int) (int, error) { return -1, errors.ErrUnsupported }

// UnixPath is not supported here.
func UnixPath(int) (string, error) { return "", errors.ErrUnsupported }

// PeerUnixPath is not supported here.
func PeerUnixPath(int) (string, error) { return "", errors.ErrUnsupported }

// SocketPair is not supported here.
func SocketPair() (a, b int, err error) { return -1, -1, errors.ErrUnsupported }

// FileID is not supported here.
func FileID(string) (dev, ino uint64, err error) { return 0, 0, errors.ErrUnsupported }

// SocketKind is not supported here.
func SocketKind(int) (Kind, error) { return Kind{}, errors.ErrUnsupported }

// Duplicate is not supported here.
func Duplicate(int) (int, error) { return -1, errors.ErrUnsupported }

// Pipe is not supported here.
func Pipe() (read, write int, err error) { return -1, -1, errors.ErrUnsupported }

// WritePipe is not supported here.
func WritePipe(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// ProcessUsage is not supported here.
func ProcessUsage() (Usage, error) { return Usage{}, errors.ErrUnsupported }

// SetCloexec is not supported here.
func SetCloexec(int) error { return errors.ErrUnsupported }

// Connect is not supported here.
func Connect(netip.AddrPort) (int, error) { return -1, errors.ErrUnsupported }

// Accept is not supported here.
func Accept(int, bool) (int, netip.AddrPort, error) {
	return -1, netip.AddrPort{}, errors.ErrUnsupported
}

// Recv is not supported here.
func Recv(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// TryRecv is not supported here.
func TryRecv(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// Send is not supported here.
func Send(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// TrySend is not supported here.
func TrySend(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// TrySendv is not supported here.
func TrySendv(int, [][]byte) (int, error) { return 0, errors.ErrUnsupported }

// Shutdown is not supported here.
func Shutdown(int, ShutdownHow) error { return errors.ErrUnsupported }

// InterruptAccept does nothing here.
func InterruptAccept(int) {}

// Close is not supported here.
func Close(int) error { return errors.ErrUnsupported }

// Reset is not supported here.
func Reset(int) error { return errors.ErrUnsupported }

// ResetOnClose is not supported here.
func ResetOnClose(int) {}

// CheckOpen is not supported here.
func CheckOpen(int) error { return errors.ErrUnsupported }

// SetNonblock is not supported here.
func SetNonblock(int, bool) error { return errors.ErrUnsupported }

// SetRecvBuffer is not supported here.
func SetRecvBuffer(int, int) error { return errors.ErrUnsupported }

// SetSendBuffer is not supported here.
func SetSendBuffer(int, int) error { return errors.ErrUnsupported }

// SetNoDelay is not supported here.
func SetNoDelay(int, bool) error { return errors.ErrUnsupported }

// SetKeepAlive is not supported here.
func SetKeepAlive(int, time.Duration, time.Duration, int) error { return errors.ErrUnsupported }

// SocketError is not supported here.
func SocketError(int) error { return errors.ErrUnsupported }

// Connected is not supported here.
func Connected(int) error { return errors.ErrUnsupported }

// LocalAddr is not supported here.
func LocalAddr(int) (netip.AddrPort, error) { return netip.AddrPort{}, errors.ErrUnsupported }

// PeerAddr is not supported here.
func PeerAddr(int) (netip.AddrPort, error) { return netip.AddrPort{}, errors.ErrUnsupported }

// Poll is not supported here.
func Poll([]PollFD, time.Duration) (int, error) { return 0, errors.ErrUnsupported }

// Select is not supported here.
func Select(int, *FDSet, *FDSet, time.Duration) (int, error) { return 0, errors.ErrUnsupported }

// DescriptorLimit returns no limit here.
func DescriptorLimit() int { return math.MaxInt32 }

// ChildSignal stands for a signal that does not exist here.
const ChildSignal = syscall.Signal(0x7f)

// GroupSignals returns what a console may send here.
func GroupSignals() []os.Signal { return []os.Signal{os.Interrupt} }

// StartChild is not supported here.
func StartChild(string, []string, []string, []int) (int, error) {
	return 0, errors.ErrUnsupported
}

// Reap reports every child as ended here.
func Reap(int) (int, bool) { return 0, true }

// Kill is not supported here.
func Kill(int) error { return errors.ErrUnsupported }

// ProcessLimit returns no limit here.
func ProcessLimit() int { return math.MaxInt32 }

// Sleep waits for d.
func Sleep(d time.Duration) { time.Sleep(d) }
