package uring

import "golang.org/x/sys/unix"

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
