package client

import (
	"slices"
	"sync"
	"time"
)

// link is one of the connections behind a prompt. All its fields belong to the console's
// goroutine; its two own goroutines share only conn and send with it.
type link struct {
	number  int // from 1, as the user sees it
	conn    conn
	answers answers

	send   chan []byte // to the writing goroutine; room for one, and never filled while busy
	busy   bool        // the writing goroutine has not yet said that it wrote what it got
	queue  []byte      // what it gets next
	ending bool        // no line will follow: half-close behind the queue
	ended  bool        // send is closed
}

// event is what a link's goroutines tell the console.
type event struct {
	link *link
	data []byte // what was received, or
	err  error  // why nothing more will be, or
	sent bool   // that what was handed over is written, or cannot be
}

// run starts the two goroutines of a link. They end when conn is closed, and quit with it.
func (l *link) run(events chan<- event, quit <-chan struct{}, wg *sync.WaitGroup) {
	tell := func(e event) {
		e.link = l
		select {
		case events <- e:
		case <-quit:
		}
	}
	wg.Go(func() { l.read(tell) })
	wg.Go(func() { l.write(tell, quit) })
}

// read passes on what comes until the connection ends. As the console takes one event at a time,
// a terminal that has stopped stops the server too, and memory does not grow.
func (l *link) read(tell func(event)) {
	buf := make([]byte, chunkSize)
	for {
		n, err := l.conn.Read(buf)
		if n > 0 {
			tell(event{data: slices.Clone(buf[:n])})
		}
		if err != nil {
			tell(event{err: err})
			return
		}
	}
}

// write writes what it is handed and half-closes when there will be no more. It does not report
// errors: a connection that cannot be written to ends for read too, and read says why, after the
// answers that had already come.
func (l *link) write(tell func(event), quit <-chan struct{}) {
	for {
		select {
		case p, ok := <-l.send:
			if !ok {
				l.conn.CloseWrite()
				return
			}
			l.conn.Write(p)
			tell(event{sent: true})
		case <-quit:
			return
		}
	}
}

// ask queues a line, newline included, and expects its answer. It never blocks.
func (l *link) ask(line string, now time.Time) {
	l.queue = append(l.queue, line...)
	l.answers.expect(len(line), now)
	l.pump()
}

// end half-closes the connection once all that is queued is written. It never blocks.
func (l *link) end() {
	l.ending = true
	l.pump()
}

// pump hands the writing goroutine what it may have now.
func (l *link) pump() {
	// The writing goroutine takes one piece at a time and says when it is done, so this channel has
	// room whenever it is not busy, and sending never blocks.
	if !l.busy && len(l.queue) > 0 {
		l.send <- l.queue
		l.busy, l.queue = true, nil
	}
	if l.ending && !l.ended && len(l.queue) == 0 {
		close(l.send)
		l.ended = true
	}
}
