package kettle_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clockOf returns what the option Clock asks for.
func clockOf(clock *looptest.Clock) func() loop.Clock {
	return func() loop.Clock { return clock }
}
