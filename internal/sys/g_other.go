//go:build !amd64 && !arm64

package sys

// Goroutine would return a number that no other goroutine has. Here that cannot be had: it is 0.
func Goroutine() uintptr { return 0 }
