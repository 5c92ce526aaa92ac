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
		publishes:   true,
		dispatch:    "run",
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
	loop, err := l.onSelector()
	if err != nil {
		return err
	}
	return loop.run(loop.callbacks())
}

// run is the loop. It calls accept when clients are in the backlog, what was registered for a
// client when that is ready, and goOn for those who go on without being ready for anything.
// When the server has drained, it frees the loop and returns.
func (l *eventLoop) run(accept callback, goOn func(*conn)) error {
	defer l.close()
	for {
		l.look()
		if err := l.watchListener(accept); err != nil || l.done() {
			return err
		}
		began := l.trace.Now()
		n, err := l.sel.Select(l.timeout())
		if l.waited(l.sel.Name(), began, n); err != nil {
			return err
		}
		for key := range l.sel.Ready() {
			key.Data.(callback)()
		}
		for c := range l.overdue() {
			goOn(c)
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
	c.want = next
	switch {
	case next.events() == 0:
		l.unwatch(c)
	case next != c.watched:
		if err := l.watchFor(c, next, l.callback(c)); err != nil {
			c.want = l.end(c, err)
		}
	}
	if c.want == wantClose {
		l.forget(c)
	}
}

// goOn goes on with a client who has waited for the clock, or whom a drain asks for more.
func (l *eventLoop) goOn(c *conn) {
	if c.want == wantRead {
		l.watch(c, l.receive(c))
	} else {
		l.watch(c, l.flush(c))
	}
}

func (l *eventLoop) callback(c *conn) callback {
	if c.want == wantWrite {
		return func() { l.watch(c, l.flush(c)) }
	}
	return func() { l.watch(c, l.receive(c)) }
}
