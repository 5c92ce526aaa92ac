// Package switching measures what it costs to hand the turn from one party to another: between
// two processes, threads, goroutines, tasks, coroutines, callbacks. A server pays that for having
// several clients at once, whatever it does for them.
//
//	r, err := switching.Measure(ctx, switching.Threads, 100*time.Millisecond)
//	...
//	fmt.Printf("%.0f ns per switch\n", r.NS)
//
// Two parties pass a token back and forth. One switch is one way: the token leaves one party, and
// the other one runs with it. The token is a number that each party makes larger by one, and after
// each batch it must say how often it has been passed: a switch that has not taken place is an
// error, and no compiler can leave it out.
//
// # Kinds
//
// Processes and threads wait as those of a blocking server do: in a read, for bytes that the other
// one writes. The token goes through a pipe there and another one back, as it does in lmbench's
// lat_ctx. A pipe has less to do than a socket, and bytes in it can be read by a process as well
// as by a thread, so that the two pay for the same calls; what differs is the address space. All
// of that happens on one CPU, to which both are bound. So a switch is a switch: with two CPUs it
// would be a wake-up of the other one, which an idle CPU is slow to follow, and no switch at all
// where it waits busily.
//
// Pipe is the part of it that is no switch. One thread writes the token to a pipe and reads it from
// there by itself: the two system calls of each switch of threads, without anybody to wait for.
//
// Goroutines pass the token through two unbuffered channels, with GOMAXPROCS=1, so that here too
// the one who waits gives its processor to the other. Tasks are kettle's, and pass it through two
// Queues of one value, which are what channels are to goroutines. Coroutines are those that the
// tasks stand on: to resume one is a switch, and that it yields is another one. Callbacks of a
// loop have each other run soon, and leave the token where both find it. Calls is the floor: the
// parties are values whose method is called through an interface, one after the other.
//
// # What of it is Go's
//
// The parties that are threads are goroutines that never leave their threads, and Go has more
// processors than they need, so that its scheduler has nothing to decide: the kernel does, as it
// does in C. The write, which never waits, is a system call and nothing else. The read announces
// itself to Go's scheduler, as everything must that may wait, or else a collection of garbage that
// begins while one of the two waits would never end. That is a small part of a switch, and Pipe
// has it too. A process here is the program, executed anew, with a runtime of its own; when it is
// its turn, it runs the same code as a thread.
//
// A coroutine is what iter.Pull makes, a goroutine that is switched to without the scheduler.
// In C or assembly a switch can be a few instructions; here it is some tens of nanoseconds. A
// switch of tasks is one of coroutines to the loop and one from it, a whole turn of that loop
// (where more than two have something to do, they share it), and what the Queue does for fairness
// and cancellation. A loop that watches connections asks the kernel for them once a turn. Here
// nothing is watched, and it asks once in a thousand turns.
//
// # What it does not show
//
// The parties touch nothing but the token. Where each has a working set of its own, whoever comes
// back finds other data in the caches, which costs all kinds alike, and after another process the
// translations of addresses too. And no party stands in line: there are no others.
//
// # Method
//
// A batch is so many switches that one takes a fifteenth of the time that was asked for, and 20 ms
// at most; how many that is, is found out by doubling, which is the warm-up. Then follow batches
// until the time is over. The result is the median of the batches, with the quartiles beside it.
// Kernel switches and CPU time are the kernel's own counts over all of these batches: of the two
// threads where threads and processes pass the token, and of this whole process otherwise, with
// the threads that Go's runtime has for itself. Nobody waits for anything but the token, so that a
// switch takes as long as its CPU time, unless another program wants the CPU too. Then CPU time is
// what can be compared, and what RelativeTo does compare.
//
// # Processes of its own
//
// Measure sets GOMAXPROCS as long as it lasts, so that it is for a process that does nothing else,
// and calls one at a time. Run has such a process, the command kettle lab switch, do it. A program
// that measures processes is executed anew: it calls RunPartner as the first thing in main if
// IsPartner says so.
//
// Where two parties cannot be bound to one CPU, which means on all systems but Linux and in some
// containers, Unavailable says that for the kinds that need it, and the others are measured.
package switching
