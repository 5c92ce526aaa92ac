//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package load

func backends() []backend { return nil }
