//go:build !linux

package testenv

import "errors"

// probeCountedCalls is Linux's.
func probeCountedCalls() error { return errors.New("perf events are Linux's") }
