//go:build !linux

package sys

import "errors"

// A CallCounter counts the system calls of a thread: Linux only.
type CallCounter struct{}

// DescriptorsPerCounter is how many descriptors a CallCounter holds.
const DescriptorsPerCounter = 0

// CountCalls is not supported here.
func CountCalls(int) (*CallCounter, error) { return nil, errors.ErrUnsupported }

// Count is not supported here.
func (*CallCounter) Count() (Calls, error) { return Calls{}, errors.ErrUnsupported }

// Close does nothing here.
func (*CallCounter) Close() {}
