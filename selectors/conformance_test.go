//go:build unix

package selectors_test

import (
	"testing"

	"go.uber.org/goleak"

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
			selectortest.Run(t, func() (*selectors.Selector, error) {
				return selectors.Open(name)
			})
		})
	}
}
