//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sys

import "errors"

// Monotonic is not supported here.
func Monotonic() (int64, error) { return 0, errors.ErrUnsupported }
