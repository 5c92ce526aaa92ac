//go:build !linux

package sys

import "errors"

// ThreadUsage returns what the calling thread has used: Linux only.
func ThreadUsage() (Usage, error) { return Usage{}, errors.ErrUnsupported }
