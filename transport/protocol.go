package transport

// Protocol is what the loop tells of a connection. To embed Base is to implement all of it but what
// one has to say.
type Protocol interface {
	// Made is called once, first.
	Made(t *Transport)

	// Data is called with what was received. p is valid until Data returns, and may be changed; to
	// Write it is allowed.
	Data(t *Transport, p []byte)

	// EOF is called when the peer has ended its sending side, after everything that it had sent. It
	// may still receive.
	EOF(t *Transport)

	// Lost is called once, last: with nil if the connection was closed by this side, or else with
	// why it broke. What was pending then is lost.
	Lost(t *Transport, err error)

	// PauseWriting is called when more is pending than the high-water mark, ResumeWriting when that
	// has come down to the low-water mark, in turns. They are called in the midst of Write, too.
	PauseWriting(t *Transport)
	ResumeWriting(t *Transport)
}

// Puller is a Protocol that takes what was received when it likes, with Receive, in place of Data
// and EOF, which are never called.
type Puller interface {
	// Readable is called when Receive may have something, or an end or an error. It is called again
	// when there is something after Receive has returned ErrWouldBlock: who waits for Readable has
	// received until then.
	Readable(t *Transport)
}

// Flushed is a Protocol that is told when what was pending has all been sent.
type Flushed interface {
	Flushed(t *Transport)
}

// Base does what a Protocol should that does not say otherwise: nothing is read while the peer does
// not read, and when the peer has ended its side the connection is closed.
type Base struct{}

// Made does nothing.
func (Base) Made(*Transport) {}

// Data drops what was received.
func (Base) Data(*Transport, []byte) {}

// EOF closes the transport, which sends first what is pending.
func (Base) EOF(t *Transport) { t.Close() }

// Lost does nothing.
func (Base) Lost(*Transport, error) {}

// PauseWriting pauses reading.
func (Base) PauseWriting(t *Transport) { t.PauseReading() }

// ResumeWriting resumes reading.
func (Base) ResumeWriting(t *Transport) { t.ResumeReading() }

var _ Protocol = Base{}
