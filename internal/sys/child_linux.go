package sys

import "golang.org/x/sys/unix"

const rlimitProcesses = unix.RLIMIT_NPROC

func nanosleep(left *unix.Timespec) error { return unix.Nanosleep(left, left) }
