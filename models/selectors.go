package models

// Selectors: the event loop. Each descriptor is registered together with the function to call
// when it is ready.
//
//	      register(1, read, receive)
//	          │
//	┌─────────▼──────────┐   ready: 1, 5    ┌──────────────────────────────┐
//	│ kernel: watches    │ ───────────────▶ │ loop: calls what belongs to  │
//	│ all that are       │                  │ 1 and to 5, then waits again │
//	│ registered         │ ◀─────────────── │                              │
//	└────────────────────┘      select      └──────────────────────────────┘
//
// The kernel keeps the list, so a wait costs what is ready and not what is watched. And the
// loop does not ask what kind of event it has got, and whose: that was said once, when the
// callback was registered.
//
// The price is in the order of the code. What one client goes through is cut into callbacks,
// and what must survive between them is in the conn. A callback that waits for anything stops
// everybody.
//
// Good for: very many connections at the lowest cost; it is what every asynchronous library
// has inside.
func selectorsModel() Model {
	return Model{
		Name:        "selectors",
		Summary:     "callbacks registered with a selector: the event loop",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread",
		Waits:       "the loop, in epoll or kqueue, for all",
		Limits:      "one CPU; code cut into callbacks, none of which may wait",
		Section:     "4.8",
		Backends:    true,
		files:       []string{"selectors.go", "selecting.go", "conn.go", "single.go"},
		serve:       serveSelectors,
	}
}

func serveSelectors(s *server) error {
	l, err := s.newSingle()
	if err != nil {
		return err
	}
	return l.serveCallbacks()
}

func (l *single) serveCallbacks() error {
	loop, err := l.newEventLoop()
	if err != nil {
		return err
	}
	defer loop.close()
	for {
		loop.look()
		if err := loop.watchListener(loop.acceptClients); err != nil || l.done() {
			return err
		}
		if _, err := loop.sel.Select(loop.timeout()); err != nil {
			return err
		}
		for key := range loop.sel.Ready() {
			key.Data.(callback)()
		}
		for c := l.waits.take(); c != nil; c = l.waits.take() {
			loop.watch(c, l.flush(c))
		}
		for i := len(l.conns) - 1; i >= 0 && l.draining(); i-- {
			if c := l.conns[i]; l.unasked(c) {
				loop.watch(c, l.receive(c))
			}
		}
	}
}

// acceptClients is called when clients are in the backlog.
func (l *eventLoop) acceptClients() {
	for c := range l.newcomers() {
		l.watch(c, wantRead)
	}
}

// watch has the selector call, from now on, what c wants to be called for. This is what a
// coroutine does by itself, by where it stands in its code.
func (l *eventLoop) watch(c *conn, next want) {
	before, after := c.want.events(), next.events()
	c.want = next
	var err error
	switch {
	case before == after:
	case before == 0:
		_, err = l.sel.Register(c, after, l.callback(c))
	case after == 0:
		_, err = l.sel.Unregister(c)
	default:
		_, err = l.sel.Modify(c, after, l.callback(c))
	}
	if err != nil {
		c.want = l.end(c, err)
	}
	if c.want == wantClose {
		l.forget(c)
	}
}

func (l *eventLoop) callback(c *conn) callback {
	if c.want == wantWrite {
		return func() { l.watch(c, l.flush(c)) }
	}
	return func() { l.watch(c, l.receive(c)) }
}
