package loop

// What tests look at beside what everybody sees.

// HeapSize returns how many entries the heap of timers has, and for how many it has room.
func (l *Loop) HeapSize() (length, capacity int) {
	return len(l.timers.entries), cap(l.timers.entries)
}

// BatchSize returns for how many callbacks the batches of the fifth phase have room.
func (l *Loop) BatchSize() int { return cap(l.batch) + cap(l.soon) }

// PostsSize returns for how many posts there is room.
func (l *Loop) PostsSize() int { return cap(l.posts.list) + cap(l.posts.spare) }

// WatchdogSleeps reports whether the loop's watchdog sleeps, false if there is none.
func (l *Loop) WatchdogSleeps() bool { return l.watchdog != nil && l.watchdog.asleep.Load() }

// Watched reports whether there is a watchdog.
func (l *Loop) Watched() bool { return l.watchdog != nil }

// LagIndex is lagIndex.
var LagIndex = lagIndex
