//go:build unix

package selectors_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/selectors/selectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEverySelector(t *testing.T) {
	names := selectors.Candidates()
	if len(names) == 0 {
		t.Fatal("there is no selector on this system")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			needRings(t, name)
			selectortest.Run(t, func() (*selectors.Selector, error) {
				return selectors.Open(name)
			})
		})
	}
}

// needRings skips a test on a ring where there can be none.
func needRings(t *testing.T, name string) {
	t.Helper()
	if name == "io_uring" {
		testenv.Need(t, testenv.Rings)
	}
}
