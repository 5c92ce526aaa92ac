// Package stream is connections for tasks: sequential code that reads and writes, and suspends its
// task where it has to wait.
//
//	err := kettle.Run(func(t *kettle.Task) error {
//		ln, err := stream.Listen(t, "tcp", "127.0.0.1:8080")
//		if err != nil {
//			return err
//		}
//		return stream.Serve(t, ln, func(t *kettle.Task, c *stream.Conn) error {
//			for {
//				chunk, err := c.Next()
//				if err != nil {
//					return err // io.EOF: the peer has finished
//				}
//				if _, err := c.Write(bytes.ToUpper(chunk)); err != nil {
//					return err
//				}
//			}
//		})
//	})
//
// # Reading
//
// Next returns what has arrived, without a copy. ReadLine, ReadUntil, ReadFull and Peek wait until
// there is enough, and Read makes a Conn an io.Reader. All of them take from the same stream, in
// any order. A read that fails leaves everything where it was, so it does not matter where a
// time-out or a cancellation strikes; only the end of the stream takes along what was incomplete.
//
// What Next, Peek, ReadLine and ReadUntil return belongs to the connection, and is the caller's
// until its next read, whatever suspends in between. An idle connection holds no buffer.
//
// # Writing
//
// Write sends at once if it can, keeps a copy of what the system does not take, and suspends the
// task when too much is pending: who writes faster than the peer reads is as slow as the peer, and
// nothing grows. Flush waits until nothing is pending. TryWrite never suspends, and refuses
// instead: it is for pushing to many of whom some may be slow.
//
// # Ending
//
// Close does not wait. What was written is sent without the task. CloseWrite ends the sending side
// alone: the peer gets its end of the stream, and can still answer. Abort drops everything.
//
// How long something may take is said by scopes (kettle.Task.WithTimeout), for as many reads and
// writes as are in it, or by deadlines as those of net.Conn, for each.
//
// # Serving
//
// Serve runs a handler as a task for each connection, and Server is what it is made of. When the
// drain begins (kettle.Drain, or a signal) it stops accepting, and each connection is at its end
// when what has arrived is read: handlers answer what they have received, and return. ReadLine does
// not take a part of a line for a whole one then; what looks for its own ends should mind it, too.
//
// # Dialing
//
// Dial connects to an address, or to the first of a name's that answers. A Dialer has time-outs, a
// resolver, and TLS.
//
// # Several loops
//
// A connection, its handler and its server belong to one loop. With kettle.Loops each loop has its
// own Server, and a Listener of its own on a port that Reserve has taken. A transport.Limit bounds
// the connections of all of them.
//
// # TLS
//
// ListenConfig.TLS and Dialer.TLS have connections begin with a handshake, and StartTLS and
// StartTLSServer turn one that is under way into one of TLS. It is crypto/tls, but driven so that
// after the handshake nothing waits inside of it: reads, writes, deadlines and cancellation are
// what they are without. The end of the stream is io.EOF only if the peer has said so; a connection
// that was cut off is io.ErrUnexpectedEOF.
//
// # Other goroutines
//
// A Conn belongs to its loop: on other goroutines its methods return kettle.ErrWrongGoroutine.
// NetConn and NetListener are for code on other goroutines, and Listener.ServeNet has an
// http.Server serve a listener. What holds a lock across its reads and writes, and is shared by
// tasks, needs them too, as a task must not suspend with a lock held that another one wants:
// tls.Conn, which StartTLS is there in place of, log and gob. docs/ordinary-go.md has more of that.
//
// # Testing
//
// Pipe is a connection in memory, on which a virtual clock works. Package streamtest holds what
// claims to be a stream to the promises made here.
package stream
