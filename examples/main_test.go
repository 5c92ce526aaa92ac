package examples_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(lockingTask) != "" { // the test executes itself
		lockThreadInTask()
	}
	goleak.VerifyTestMain(m)
}
