package load

import "github.com/kettle-go/kettle/internal/sys"

// DeafMost is how many bytes a connection of Config.Deaf is made to send at most, in all phases
// together: more than the buffers on the way to a server hold that does not take them.
const DeafMost = 24 << 20

// hear has the connections that never read send, or, if it is over, send no more.
func (l *Load) hear(begin bool) {
	for i := l.config.Conns + l.config.Idle; i < len(l.conns); i++ {
		c := &l.conns[i]
		switch {
		case c.state != alive:
		case begin && c.sent < DeafMost:
			l.watch(i, c, writing)
		default:
			l.watch(i, c, 0)
		}
	}
}

// pour sends what the socket takes, as long as the others do not have to wait for that. It is
// called again when there is room.
func (l *Load) pour(i int, c *conn) {
	payload := &l.payloads[c.kind]
	n := int(min(DeafMost-c.sent, maxChunk))
	n, err := sys.TrySend(int(c.fd), payload.requests[c.sendAt:][:n])
	if sys.WouldBlock(err) {
		return
	}
	c.sent += int64(n)
	c.sendAt = payload.advance(c.sendAt, n)
	if err == nil && c.sent < DeafMost {
		return
	}
	l.watch(i, c, 0)
	if err != nil {
		sys.Close(int(c.fd))
		c.fd, c.state = -1, lost
		l.stats.DeafLost++
	}
}

// deafness says what has become of the connections that never read.
func (l *Load) deafness(r *Result) {
	for i := l.config.Conns + l.config.Idle; i < len(l.conns); i++ {
		if c := &l.conns[i]; c.state == alive || c.state == lost {
			r.DeafConns++
			r.DeafSent += c.sent
		}
	}
	r.DeafLost = l.stats.DeafLost
}
