package transport

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
)

// Transport is a connection on a loop: of TCP, of a unix socket, or in memory. Its methods are loop
// only.
//
//	        Close              sent, acknowledged, or too late
//	open ──────────▶ closing ─────────────────────────────────▶ lost ──▶ Protocol.Lost
//	 └────────────────────┴── broken, Abort ─────────────────────▲
//
// Its parts are in files of their own: reading.go, writing.go, closing.go.
type Transport struct {
	station  *station
	protocol Protocol
	in       *buffer // what Receive has returned and the protocol has not consumed
	out      *buffer // what is to be sent
	seldom   *seldom
	source   *Listener // that has accepted it
	line     *line     // on a ring, nil before it is watched
	peer     [16]byte  // its address, of TCP
	fd       int32     // -1 if it has none
	place    int32     // in the station
	port     uint16    // of the peer
	turn     uint16    // of the loop, its last bits, in which it has last sent something
	flags    flags
	state    state
}

type state uint8

const (
	open    state = iota
	closing       // nothing more is written, and what is received is dropped
	lost          // the descriptor is closed
)

// flags are what is so, or is not.
type flags uint16

const (
	readArmed  flags = 1 << iota // the loop watches the descriptor for reading
	writeArmed                   // and for writing
	readPaused                   // the protocol wants no Data
	pulls                        // it is a Puller
	drained                      // nothing is to be received until the loop tells
	greedy                       // and what came lately is worth a large buffer
	ended                        // the peer has ended its side
	finishing                    // our side ends when everything is sent
	finished                     // it has ended
	full                         // PauseWriting was called
	resuming                     // ResumeWriting is called at present
	gathered                     // there is something to send at the end of the turn
	unix                         // it is a unix socket
	told                         // Lost was called
	inMemory                     // it has no descriptor
	empty                        // a receive has found that, since the loop has run its reader
)

func (t *Transport) is(f flags) bool { return t.flags&f != 0 }
func (t *Transport) set(f flags)     { t.flags |= f }
func (t *Transport) clear(f flags)   { t.flags &^= f }

// seldom is what most transports never have.
type seldom struct {
	err    error      // why it is lost
	zone   string     // of the peer's address
	local  net.Addr   // known
	link   *memory    // in place of a descriptor
	linger *lingering // while it closes

	high, low int32 // the water marks, if marked
	marked    bool
}

func (t *Transport) rare() *seldom {
	if t.seldom == nil {
		t.seldom = &seldom{}
	}
	return t.seldom
}

// The default marks, of what is pending, in bytes.
const (
	HighWater = 64 << 10
	LowWater  = 16 << 10
)

// Adopt makes a transport of a connected socket of TCP or of the unix family, and calls Made. The
// descriptor is the transport's from here on; it is closed if there is an error.
func Adopt(l *loop.Loop, fd int, p Protocol) (*Transport, error) {
	kind, err := sys.SocketKind(fd)
	if err == nil && (!kind.Stream || kind.Listening) {
		err = fmt.Errorf("it is no connection")
	}
	if err == nil {
		err = sys.SetNonblock(fd, true)
	}
	var peer netip.AddrPort
	if err == nil && !kind.Unix {
		_ = sys.SetNoDelay(fd, true) // one that is broken already may refuse it
		peer, err = sys.PeerAddr(fd)
	}
	if err != nil {
		sys.Close(fd)
		return nil, fmt.Errorf("transport: adopt descriptor %d: %w", fd, err)
	}
	t := stationOf(l).connected(fd, kind.Unix, p)
	t.setPeer(peer)
	return t, t.begin()
}

// connected returns a transport that has not begun, so that nobody need be told of its end.
func (s *station) connected(fd int, isUnix bool, p Protocol) *Transport {
	t := &Transport{station: s, protocol: p, fd: int32(fd),
		flags: drained | told}
	if isUnix {
		t.set(unix)
	}
	if _, ok := p.(Puller); ok {
		t.set(pulls)
	}
	return t
}

// begin makes the connection known to the loop and to its protocol. If it cannot be, nobody has
// heard of it.
func (t *Transport) begin() error {
	t.station.add(t)
	if err := t.armReading(); err != nil {
		return err
	}
	t.clear(told)
	t.guarded(func() { t.protocol.Made(t) })
	return nil
}

// guarded runs a callback of the protocol's. One that does not return aborts the connection; its
// panic goes on to the loop, which tells of it.
func (t *Transport) guarded(callback func()) {
	returned := false
	defer func() {
		if !returned {
			t.end(errPanic)
		}
	}()
	callback()
	returned = true
}

// Protocol returns the transport's protocol.
func (t *Transport) Protocol() Protocol { return t.protocol }

// SetProtocol gives the transport another protocol, which is told of what happens from here on.
// Made is not called. What a Puller has received stays its own: it hands on what it has not
// consumed. A pause of reading goes on, for a Puller after the next protocol that is none.
func (t *Transport) SetProtocol(p Protocol) {
	t.protocol = p
	t.clear(pulls)
	if _, ok := p.(Puller); ok {
		t.set(pulls | drained) // it hears of what is there already
	}
	if !t.is(told) {
		t.rearm() // the last one may not have wanted to hear of it
	}
}

// Loop returns the loop.
func (t *Transport) Loop() *loop.Loop { return t.station.loop }

// Closing reports whether the transport was closed, by either side, or is about to be.
func (t *Transport) Closing() bool { return t.state != open }

// Err returns why the transport is lost: nil while it is not, and if it was closed by this side.
func (t *Transport) Err() error {
	if t.seldom == nil {
		return nil
	}
	return t.seldom.err
}
