package stream

type secure struct{}

func (s *secure) bye(*Conn)                                           {}
func (s *secure) fill(c *Conn, keep int, what string) ([]byte, error) { return nil, nil }
func (s *secure) write(c *Conn, p []byte) (int, error)                { return 0, nil }
func (s *secure) tryWrite(c *Conn, p []byte) error                    { return nil }
