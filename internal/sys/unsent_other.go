//go:build !linux

package sys

import "errors"

// Unsent returns how many bytes of a connection the other side has not acknowledged yet: Linux
// only.
func Unsent(int) (int, error) { return 0, errors.ErrUnsupported }
