//go:build !unix

package testenv

// descriptorLimit returns 0: where there is no setrlimit there is no limit to
// tell.
func descriptorLimit() uint64 { return 0 }
