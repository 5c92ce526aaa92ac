//go:build !linux

package testenv

import "errors"

// probeRings is Linux's.
func probeRings() error { return errors.New("io_uring is Linux's") }
