package models

// Blocking: one thread, one client at a time.
//
//	         accept ──▶ recv ──▶ send ──▶ recv ──▶ ... end ──▶ accept ──▶
//	thread   waits      waits    waits    waits               waits
//	client 1            ████████████████████████████
//	client 2 ┄┄┄┄┄┄┄┄┄┄┄┄┄ connected by the kernel, in the backlog ┄┄┄┄┄┄┄█████
//
// Every call waits until it can do its work, and while it waits nothing else happens. The
// kernel completes the second client's connection and takes its bytes; the program learns of
// both when the first client has left.
//
// Good for: one peer, a tool, understanding the others. Its limit is not speed: a client
// that connects and says nothing stops the service for everybody. In Go, what select.go says of
// waiting in a system call holds here too.
func blocking() Model {
	return Model{
		Name:        "blocking",
		Summary:     "one thread; one client at a time, the others wait in the backlog",
		Synchronous: true,
		Blocking:    true,
		Threads:     "1 thread",
		Waits:       "the thread, in accept, recv or send of the one client",
		Limits:      "one client at a time; a silent one stops the service",
		Section:     "4.1",
		files:       []string{"blocking.go", "client.go"},
		serve:       serveBlocking,
	}
}

func serveBlocking(s *server) error {
	listener, err := s.listen(false)
	if err != nil {
		return err
	}
	current := s.newClients(listener) // one at most
	defer current.close()
	if err := s.announce(listener); err != nil {
		return err
	}
	for {
		c, ok := s.acceptClient(current, current.len)
		if !ok {
			return nil
		}
		s.converse(c)
		current.remove(c)
	}
}
