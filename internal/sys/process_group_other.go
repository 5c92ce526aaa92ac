//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sys

import (
	"errors"
	"syscall"
)

// OwnGroup returns no attributes here.
func OwnGroup() *syscall.SysProcAttr { return nil }

// SignalGroup is not supported here.
func SignalGroup(int, syscall.Signal) error { return errors.ErrUnsupported }
