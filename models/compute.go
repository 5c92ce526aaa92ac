package models

import (
	"bytes"
	"runtime"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Marker is how a chunk begins that costs CPU time where Config.Work is set. It can be typed into
// any client; what the load generator sends by default never has it.
const Marker = "compute:"

// compute uses the CPU for as long as a chunk costs. It does not wait, and lets nobody else have a
// turn meanwhile, as it is with whatever a program computes: who may go on at the same time is the
// model's affair, or that of the system, which divides its CPUs among threads.
func (s *server) compute(chunk []byte) {
	if s.Work > 0 {
		s.work(chunk)
	}
}

func (s *server) work(chunk []byte) {
	if bytes.HasPrefix(chunk, []byte(Marker)) {
		s.burn(s.Work)
	}
}

const (
	// fewRounds is how many rounds are worth a look at the clock: they take about a microsecond.
	fewRounds = 1000

	// longestPiece is how long it computes before it looks whether the grace of a drain is over.
	longestPiece = 10 * time.Millisecond
)

// burn uses d of CPU time: the time that others have the CPU meanwhile does not count. Where the
// system does not tell a thread's CPU time, it does, as if nobody ever had.
//
// To look at the clock is a system call. So it looks when, as fast as it has gone so far, half of
// what is left should be done, which is about a dozen times.
func (s *server) burn(d time.Duration) {
	runtime.LockOSThread() // it is this thread's clock
	defer runtime.UnlockOSThread()
	used := cpuClock()
	var x uint64
	for rounds, done := fewRounds, 0; s.over.Err() == nil; {
		x = spin(x, rounds)
		done += rounds
		now := max(used(), 1)
		if now >= d {
			break
		}
		perRound := float64(now) / float64(done)
		rounds = max(fewRounds, int(float64(min((d-now)/2, longestPiece))/perRound))
	}
	runtime.KeepAlive(x)
}

// cpuClock returns a function that tells how much CPU time this thread has used since.
func cpuClock() (used func() time.Duration) {
	begun, err := sys.ThreadCPU()
	if err != nil {
		wall := time.Now()
		return func() time.Duration { return time.Since(wall) }
	}
	return func() time.Duration {
		now, _ := sys.ThreadCPU() // which has just told
		return now - begun
	}
}

// spin is work: so many rounds of a random number generator, each of which needs the last one.
//
//go:noinline
func spin(x uint64, rounds int) uint64 {
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		x++
	}
	return x
}
