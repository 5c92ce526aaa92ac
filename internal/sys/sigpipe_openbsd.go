package sys

// noSigpipe does nothing: OpenBSD has no such option, and Go's runtime ignores SIGPIPE on
// every descriptor but standard output and error.
func noSigpipe(int) error { return nil }
