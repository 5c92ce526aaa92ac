package claims

import (
	"testing"

	"github.com/kettle-go/kettle/lab/results"
)

// TestKernelSwitchesAreUnknown: then nothing says that a switch has stayed in user space.
func TestKernelSwitchesAreUnknown(t *testing.T) {
	m := &made{}
	m.Switches = []results.Switch{{Kind: "threads", Nanos: 2000}, {Kind: "coroutines", Nanos: 100}}
	m.wants(t, "C16", NotMeasured, "kernel")
	m.Switches[1].Kernel, m.Switches[1].Nanos = new(0.0), 0
	m.wants(t, "C16", NotMeasured, "no time")
	m.Switches = m.Switches[1:]
	m.wants(t, "C16", NotMeasured, "threads: it was not measured")
}
