package sys

import "golang.org/x/sys/unix"

// ThreadUsage returns what the calling thread has used. It means something to a goroutine that is
// locked to its thread.
func ThreadUsage() (Usage, error) { return usageOf(unix.RUSAGE_THREAD) }
