//go:build !linux

package uring

import (
	"net/netip"
	"time"
)

// Ring does not exist here.
type Ring struct{}

// Open fails: only Linux has rings.
func Open(Config) (*Ring, error) { return nil, ErrUnsupported }

// FD returns no descriptor here.
func (*Ring) FD() int { return -1 }

// Enter is not supported here.
func (*Ring) Enter() error { return ErrUnsupported }

// Prepared returns nothing here.
func (*Ring) Prepared() int { return 0 }

// Ready reports false here.
func (*Ring) Ready() bool { return false }

// Awaited reports false here.
func (*Ring) Awaited() bool { return false }

// Arriving reports false here.
func (*Ring) Arriving() bool { return false }

// Reap returns nothing here.
func (*Ring) Reap(int) int { return 0 }

// Close has nothing to close here.
func (*Ring) Close() error { return nil }

// Sends reports false here.
func (*Ring) Sends() bool { return false }

// Lacks returns nothing here.
func (*Ring) Lacks() []string { return nil }

// Receive is not supported here.
func (*Ring) Receive(int, Client) Request { return 0 }

// Send is not supported here.
func (*Ring) Send(int, Memory, Client) {}

// Accept is not supported here.
func (*Ring) Accept(int, Client) Request { return 0 }

// Connect is not supported here.
func (*Ring) Connect(int, netip.AddrPort, Client) Request { return 0 }

// ConnectUnix is not supported here.
func (*Ring) ConnectUnix(int, string, Client) Request { return 0 }

// Shutdown is not supported here.
func (*Ring) Shutdown(int, Client) Request { return 0 }

// Poll is not supported here.
func (*Ring) Poll(int, bool, bool, Client) Request { return 0 }

// Timeout is not supported here.
func (*Ring) Timeout(time.Duration, Client) Request { return 0 }

// CloseFD is not supported here.
func (*Ring) CloseFD(int) {}

// Cancel is not supported here.
func (*Ring) Cancel(Request) {}

// CancelFD is not supported here.
func (*Ring) CancelFD(int) {}

// Memory returns none here.
func (*Ring) Memory(int) Memory { return Memory{} }

// Release does nothing here.
func (*Chunk) Release() {}

func mapMemory(int) ([]byte, error) { return nil, ErrUnsupported }

func unmapMemory([]byte) {}
