package load

import (
	"math/rand/v2"
	"slices"
)

// The services that a server can run.
const (
	serviceUpper = "upper" // answers every byte in ASCII upper case
	serviceEcho  = "echo"  // answers every byte as it is
)

const (
	// period is the length of the block that streams repeat: a prime, away from the sizes
	// that buffers have, and small enough to stay in a CPU's cache together with its twin.
	period = 12_041

	// maxChunk is the most that is sent or received by one system call. It is also how far
	// the block is continued past its end, so that a chunk at any place is one slice.
	maxChunk = 64 << 10
)

// payload is the block that requests are cut from, and its twin, the answers to it.
type payload struct{ requests, answers []byte }

// newPayload returns the block of a seed. All 256 values occur in it; every second byte, by
// and large, is a lower case letter, as these are what a wrong answer gets wrong.
func newPayload(seed uint64, service string) payload {
	rng := rand.New(rand.NewPCG(seed, period))
	block := make([]byte, period, period+maxChunk)
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
	rng.Shuffle(period, func(i, j int) { block[i], block[j] = block[j], block[i] })
	for len(block) < period+maxChunk {
		block = append(block, block[:min(period, period+maxChunk-len(block))]...)
	}
	twin := slices.Clone(block)
	if service == serviceUpper {
		upper(twin)
	}
	return payload{requests: block, answers: twin}
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
// the first 12,041 connections begin at the same place, and neighbours far apart.
func start(i int) int { return i * 4999 % period }
