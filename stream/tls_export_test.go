package stream

// HoldsBytesOfTLS reports whether a connection of TLS has a buffer.
func HoldsBytesOfTLS(c *Conn) bool {
	return c.secure.raw != nil || c.secure.plain != nil || c.unread != nil
}
