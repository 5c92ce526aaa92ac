package load

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// The services that a server can run.
const (
	serviceUpper = "upper" // answers every byte in ASCII upper case
	serviceEcho  = "echo"  // answers every byte as it is
	serviceCount = "count" // answers every line by the next number

	servicePublish = "publish" // gives every line to all connections
)

const (
	// period is the length of the block that streams repeat: a prime, away from the sizes
	// that buffers have, and small enough to stay in a CPU's cache together with its twin.
	period = 12_041

	// maxChunk is the most that is sent or received by one system call. It is also how far
	// the block is continued past its end, so that a chunk at any place is one slice.
	maxChunk = 64 << 10
)

// Marker is how the requests of heavy connections begin, and nothing else that is sent.
const Marker = "compute:"

// payload is the block that requests are cut from, and its twin, the answers to it.
type payload struct {
	requests, answers []byte
	period            int32 // the length of the block; what follows is its beginning again
	stride            int32 // from where one connection begins to where the next one does
}

// newPayload returns the block of a seed. All 256 values occur in it; every second byte, by
// and large, is a lower case letter, as these are what a wrong answer gets wrong.
func newPayload(seed uint64, service string) payload {
	return payload{period: period, stride: 4999}.continued(block(seed, Marker), service)
}

// newRequests returns a block of a seed that is made of whole requests of size bytes, each of which
// begins with the marker, if there is one, and is a line for the services that know lines.
func newRequests(seed uint64, service string, size int, marker string) payload {
	text := block(seed, Marker)
	whole := make([]byte, (period+size-1)/size*size)
	for at := 0; at < len(whole); at += len(text) {
		copy(whole[at:], text)
	}
	for at := 0; at < len(whole); at += size {
		request := whole[at:][:size]
		if service == serviceCount || service == servicePublish {
			line(request)
		}
		copy(request, marker)
	}
	return payload{period: int32(len(whole)), stride: int32(size)}.continued(whole, service)
}

// line makes a line of a request.
func line(request []byte) {
	for i, b := range request {
		if b == '\n' {
			request[i] = ' '
		}
	}
	request[len(request)-1] = '\n'
}

// block returns random bytes that do not have the word in them, also where they begin again.
func block(seed uint64, without string) []byte {
	rng := rand.New(rand.NewPCG(seed, period))
	block := make([]byte, period)
	for i := range block {
		switch {
		case i < 256:
			block[i] = byte(i)
		case rng.IntN(2) == 0:
			block[i] = 'a' + byte(rng.IntN(26))
		default:
			block[i] = byte(rng.Uint32())
		}
	}
	for has := true; has; {
		rng.Shuffle(period, func(i, j int) { block[i], block[j] = block[j], block[i] })
		twice := append(slices.Clone(block), block[:len(without)]...)
		has = bytes.Contains(twice, []byte(without))
	}
	return block
}

// continued returns the payload with its block, which goes on past its end, and the answers to it.
func (p payload) continued(block []byte, service string) payload {
	p.requests = slices.Grow(block, maxChunk)
	for most := len(block) + maxChunk; len(p.requests) < most; {
		again := p.requests[:min(len(block), most-len(p.requests))]
		p.requests = append(p.requests, again...)
	}
	p.answers = slices.Clone(p.requests)
	if service == serviceUpper {
		upper(p.answers)
	}
	return p
}

// upper says what the service is, apart from the servers: if they all answered in the same wrong
// way, it would show.
func upper(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

// start returns where in the block connection i begins: as the period is a prime, no two of
// the first 12,041 connections begin at the same place, and neighbours far apart. Those that send
// whole requests begin with one after the other.
func (p *payload) start(i int) int32 { return int32(i * int(p.stride) % int(p.period)) }

// advance returns the place in the block n bytes after another one.
func (p *payload) advance(at int32, n int) int32 { return (at + int32(n)) % p.period }
