//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package selectors

func candidates() []candidate { return nil }
