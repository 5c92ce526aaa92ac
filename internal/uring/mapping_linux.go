package uring

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapMemory returns memory outside of Go's heap, of zeros. The system provides each page of it
// when it is used first.
func mapMemory(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE)
}

// mapRing maps what the kernel shares of a ring.
func mapRing(fd int, offset int64, size int) ([]byte, error) {
	return unix.Mmap(fd, offset, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_POPULATE)
}

// unmapMemory gives it back; nothing may use it any more.
func unmapMemory(mem []byte) {
	if mem != nil {
		_ = unix.Munmap(mem)
	}
}

// giveBack has the system take back the pages that are wholly within mem, which are zeros again
// when they are used.
func giveBack(mem []byte) {
	page := os.Getpagesize()
	skip := -int(address(mem)) & (page - 1)
	if n := (len(mem) - skip) &^ (page - 1); n > 0 {
		_ = unix.Madvise(mem[skip:skip+n], unix.MADV_DONTNEED)
	}
}
