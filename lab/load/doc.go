// Package load is the load generator: many connections to one server, driven by one event
// loop on one thread, with every byte of every answer checked. It shares no code with what
// it measures but the system calls, and costs about what a generator in C would, so that
// the figures are the server's and not its own.
//
// Dial connects; each phase after that is one call, and the connections stay:
//
//	l, err := load.Dial(ctx, load.Config{Addr: "127.0.0.1:8080", Conns: 100, Size: 64})
//	...
//	defer l.Close()
//	served, err := l.Greet(ctx, time.Second)            // who is answered at all?
//	res, err := l.Saturate(ctx, warmup, d, load.Hooks{}) // as fast as the server answers
//	res, err = l.Pace(ctx, 5000, warmup, d, load.Hooks{}) // 5,000 requests per second
//	res, err = l.Churn(ctx, warmup, d, load.Hooks{})    // a connection for each request
//	lost, err := l.Idle(ctx, time.Second)               // silence
//	res, err = l.Fanout(ctx, 20, warmup, d, load.Hooks{}) // of the service publish
//
// Batch is for itself, and has no connections but its own, all at once:
//
//	res, err := load.Batch(ctx, load.Config{Addr: "127.0.0.1:8080", Conns: 20}, load.Hooks{})
//
// # Requests
//
// A request is Size bytes and so is its answer; there is no framing, as the service works
// on streams. What a connection sends is one endless stream: a seeded block of bytes, with
// all 256 values in it and every second one a lower case letter, over and over again, and
// each connection starts at another place of it. The block's length is a prime, so neither
// requests nor buffers of a round size fall into step with it; a lost, doubled or misrouted
// piece is a difference at once. The answers must be the same stream in upper case (or as it
// is, of the service echo), however they are cut into chunks. Anything else, and a byte
// more than was asked for, is ErrWrongByte, and ends the run.
//
// With the service count each request is a line of Size bytes, and each answer the next number of
// one counter, in decimal. Which one a connection gets is not known before; but each must be a
// number, and Result.Counted says how many were given twice.
//
// With the service publish the first connection sends lines of Size bytes, each with its number,
// and every connection has to get each of them, in order: see Fanout, which is all that there is
// for it. It counts what is left out; what is wrong, twice, or out of order is ErrWrongByte.
//
// # Closed loop and fixed rate
//
// Saturate is a closed loop: Depth requests are in flight on each connection, and an answer
// is followed by the next request at once, or, where there are more answers to receive, in some
// microseconds, with the others of its group. It finds out how much a server can do. Its
// latencies flatter a server that stalls: while it does, nothing is sent, so one slow
// request stands for all that should have been sent in that time (coordinated omission).
//
// Pace sends at fixed times, evenly spaced over all connections in turn, whether the server
// keeps up or not, and counts each latency from the time at which the request should have
// been sent. A stall is then paid by every request that it delays:
//
//	intended  |   |   |   |   |   |   |   |
//	server    ok  ok  [stall.........]ok  ok
//	closed        --- one slow request
//	paced             ------------
//	                      --------
//	                          ----           each with the wait it caused
//
// Churn is a closed loop too, whose exchanges have a connection each: what it measures is above
// all what a server pays for accepting and closing one.
//
// Batch has an end: everybody comes at once, asks once and leaves. How long it takes until the last
// one has left shows whether waits overlap or follow each other, also on a server that serves one
// client at a time.
//
// Fanout sends at fixed times too, on one connection, and its messages are deliveries: each line
// has as many as there are connections that read. Result.Latency has those of all deliveries, and
// Result.Last those of each line's last one, both from when the line was due.
//
// Config.Idle connections are there and silent meanwhile: a server that looks at all that it has,
// whenever one is ready, shows that.
//
// Config.Deaf connections send meanwhile, as much as they can, and never read: a server has to stop
// reading from them, or to hold what it answers. They are in no figure but their own: how much they
// could send, and how many of them the server has ended.
//
// # Heavy requests
//
// Config.Heavy of the connections send requests that begin with Marker, all of them, Greet's too. A
// server may compute on such a request for a while before it answers (kettle serve --work). What
// that does to the others is in Result.Latency; what heavy requests take themselves is apart, in
// Result.Heavy. One is in flight at a time: a server that finds several in what it has received
// computes but once. So it does where a fixed rate is more than it can compute.
//
// # Windows
//
// All have a warm-up, a measured window and a drain. Hooks are called on the loop's thread
// at the two ends of the window, so that what they read (the server's CPU time, say) and
// what is counted belong together: answers that arrive during the first are received before
// the window begins, and are not in it. In the drain nothing new is sent, and the answers still
// under way are waited for, so that phases do not bleed into each other; a connection that
// still owes an answer at its end is silent: it takes no part in later phases until it has
// been answered in full. A server that serves one client at a time leaves all others silent.
// That is a result, not an error, and so are refused and lost connections: see Stats. What no limit
// of a server explains is told apart: that it has stopped answering (Result.Stuck), or has ended a
// connection on which it had answered (Stats.Dropped).
//
// # Cost
//
// A message costs one receive and one send, both straight into the kernel, a look at the clock,
// and its share of a wait for readiness, which is level-triggered and asked for writing only while
// a send would have to wait. Nothing is allocated per message. In all that is some per cent more
// than a client in C takes: go run ./bench -client compares the two. The goroutine that calls a
// phase is locked to its thread for its duration; with one processor (GOMAXPROCS=1) Go hands the
// processor over at each wait, which two avoid. Result.GeneratorCPU and Result.Late say whether
// the generator itself was the bottleneck.
//
// # Goroutines
//
// A Load belongs to one goroutine. Its phases block until they are over, and end early, with
// the cause, when their context is cancelled.
package load
