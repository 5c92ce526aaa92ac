//go:build !linux

package testenv

import "errors"

// probeOwnNetwork is Linux's.
func probeOwnNetwork() error { return errors.New("network namespaces are Linux's") }
