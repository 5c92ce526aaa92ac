package uring

import (
	"errors"
	"syscall"
)

// ErrUnsupported says that there is no ring: the kernel has none, or not all that a Ring needs, or
// it is forbidden, as containers commonly do. What was the matter is with it.
var ErrUnsupported = errors.New("io_uring cannot be used here")

// Config says how large a ring is. The zero Config is right for a loop.
type Config struct {
	Entries     int // requests that can be prepared until they are submitted, 0 for 256
	Completions int // that the kernel keeps until they are reaped, 0 for 8192
	Buffers     int // of 4 KiB, to receive into: the most there may be, 0 for 8192
}

// Client is told how its requests went. It is called by Reap, and may make other requests.
type Client interface {
	Completed(c Completion)
}

// Op is what was requested.
type Op uint8

// The requests.
const (
	OpReceive Op = iota + 1
	OpSend
	OpAccept
	OpConnect
	OpShutdown
	OpClose
	OpCancel
	OpPoll
	OpTimeout
)

// Request names a request that is under way: a slot of the ring's table, and its generation. The
// zero Request is none.
type Request uint64

// Completion is what has become of a request.
type Completion struct {
	Request Request
	Op      Op
	Errno   syscall.Errno // 0 if it succeeded
	N       int           // of bytes, or a descriptor, or the events of a poll
	Chunk   Chunk         // what was received
	More    bool          // it goes on: others will follow for the same request
}

// Chunk is a buffer of the ring with what was received: the client's until it is released, once.
type Chunk struct {
	Bytes []byte
	ring  *Ring
	state uint32
	id    uint16
}
