package cli

import (
	"testing"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/models"
)

// TestHeavyLoadIsWhatServersComputeOn, although the load generator shares no code with them.
func TestHeavyLoadIsWhatServersComputeOn(t *testing.T) {
	if load.Marker != models.Marker {
		t.Errorf("heavy requests begin with %q, and what is computed on with %q", load.Marker,
			models.Marker)
	}
}
