//go:build !linux

package sys

// ThreadID returns the number of the calling thread: Linux only, and 0 here.
func ThreadID() int { return 0 }
