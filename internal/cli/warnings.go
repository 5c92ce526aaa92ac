package cli

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle/lab/results"
)

// warnings says why the figures of a run may be worth less than they seem.
func warnings(run *results.Run) []string {
	var texts []string
	if run.Race {
		texts = append(texts, "this program was built with the race detector, which makes all of "+
			"it several times slower: its figures are not to be compared with anything")
	}
	if load, ok := loadAverage(); ok && load > busy*float64(run.Machine.CPUs) {
		texts = append(texts, fmt.Sprintf("the machine is busy: %.1f programs wanted a CPU in the "+
			"last minute, and it has %d", load, run.Machine.CPUs))
	}
	return texts
}

// busy is the share of the CPUs that others may use before it is worth a warning.
const busy = 0.5

// loadAverage returns how many threads wanted to run, on average over the last minute, where the
// system tells.
func loadAverage() (float64, bool) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	return load, err == nil
}

// raceBuild reports whether this program has the race detector in it.
func raceBuild() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}
