//go:build linux || darwin || freebsd || openbsd || dragonfly

package sys

import "golang.org/x/sys/unix"

const monotonicClock = unix.CLOCK_MONOTONIC
