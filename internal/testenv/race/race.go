// Package race tells a test whether the race detector is on, which makes everything some times
// slower, and is for races: what differs in no goroutine need not be done again under it.
package race

import (
	"runtime/debug"
	"slices"
)

// Detector reports whether this test, and what is started from its binary, runs under the race
// detector.
func Detector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Less returns n, or how much it is to be under the race detector.
func Less(n, raced int) int {
	if Detector() {
		return raced
	}
	return n
}
