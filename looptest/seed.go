package looptest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// SeedVariable is the environment variable that Seed looks at.
const SeedVariable = "KETTLE_SEED"

// Seed returns a seed that is different in each run, and tells it if the test fails. Then
// KETTLE_SEED, set to it, brings back the same run. It is called on the test's goroutine.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if v := os.Getenv(SeedVariable); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 0, 64); err != nil {
			t.Fatalf("read the seed from %s: %v", SeedVariable, err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the same run again: %s=%d", SeedVariable, seed)
		}
	})
	return seed
}

// Order returns a source for loop.Config.Order: the same order for the same seed.
func Order(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
