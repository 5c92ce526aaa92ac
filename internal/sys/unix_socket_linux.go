package sys

import "golang.org/x/sys/unix"

// abstractNames says whether unix sockets can have names that are in no file system.
const abstractNames = true

func pairCloexec() ([2]int, error) {
	kind := unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	return unix.Socketpair(unix.AF_UNIX, kind, 0)
}
