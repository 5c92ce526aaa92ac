//go:build !linux

package sys

import "errors"

// A CallCounter counts the system calls of a thread: Linux only.
type CallCounter struct{}

// CountCalls is not supported here.
func CountCalls(int) (CallCounter, error) { return CallCounter{}, errors.ErrUnsupported }

// Count is not supported here.
func (CallCounter) Count() (int64, error) { return 0, errors.ErrUnsupported }

// Close does nothing here.
func (CallCounter) Close() error { return nil }
