//go:build !linux

package sys

import "errors"

// DuplicateFrom copies a descriptor of another process into this one: Linux only.
func DuplicateFrom(int, int) (int, error) { return -1, errors.ErrUnsupported }
