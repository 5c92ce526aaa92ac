package models

// Uring: the tasks of streams, on completions. The kernel does not say that a receive will not
// wait: it receives, and says that it has.
//
//	         readiness: streams on epoll          completion: the same tasks on a ring
//
//	loop     who is ready? ─▶ 1, 2                what is done? ─▶ "tea" for 1, "milk" for 2
//	task 1   recv ─▶ "tea", send "TEA"            takes "tea", leaves "TEA"
//	task 2   recv ─▶ "milk", send "MILK"          takes "milk", leaves "MILK"
//	loop     who is ready?                        send both, and what is done?
//
//	         5 system calls in a turn             1 in a turn
//
// In the textbook this is asynchronous I/O, the last of five forms: both steps of a request,
// waiting and copying, are the kernel's. A program makes requests and goes on; the outcomes come
// later, in whatever order. What a request uses belongs to the kernel until then. So a buffer
// cannot be lent for a moment, as with readiness, but is given away; and to give a request up is a
// request too.
//
// Linux calls it io_uring: two queues in memory that the program and the kernel share, one with
// what is to be done, one with what was. A system call hands over all that one turn has gathered. A
// client who speaks now and then costs one request to receive, which goes on for as long as it is
// connected; the kernel takes a buffer of the ring only when something has come.
//
// That is all below the library's connections, so that the code of a client is that of the streams
// model, line for line: attend. It waits in Next all the same, and does not know for what.
//
// Good for: what streams is good for, under load: with many messages in each turn, the system calls
// are shared. With few there is nothing to share. It needs Linux 5.19, and containers commonly
// forbid it: then the tasks wait in epoll, and a line in the log says so.
func uring() Model {
	return Model{
		Name:        "uring",
		Summary:     "the tasks of streams on io_uring: the kernel receives and sends by itself",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread, or one for each of --loops; 1 task per connection",
		Waits:       "each task is suspended; the library's loop, on a ring, for what is done",
		Limits:      "those of streams; Linux from 5.19 on, where io_uring is not forbidden",
		Section:     "4.13",
		Loops:       true,
		publishes:   true,
		Selector:    "io_uring",
		files:       []string{"uring.go", "streams.go", "loops.go"},
		serve:       func(s *server) error { return s.watched(s.serveStreams) },
	}
}
