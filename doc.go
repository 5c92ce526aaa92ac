// Package kettle is async/await for Go: sequential code that waits for many things at once, on an
// event loop of one goroutine.
//
// # Run
//
// Run starts a loop, runs a function on it as the first task, and returns when that task, and all
// that came of it, has ended:
//
//	err := kettle.Run(func(t *kettle.Task) error {
//		if err := t.Sleep(time.Second); err != nil {
//			return err
//		}
//		fmt.Println("a second has passed")
//		return nil
//	})
//
// Many tasks share the loop, and one of them runs at a time. It runs until it waits, and then
// another one does. Nothing interrupts it in between.
//
// # Task
//
// A function that may wait takes a *Task and returns an error. The Task is the hand that holds the
// task: who has it can wait with it, can say how long, and can be told to stop. It is not to be
// kept for later, nor to be used on another goroutine: there every wait is ErrWrongGoroutine.
//
// It also is a context.Context, and goes wherever Go wants one, to other goroutines too. What must
// not be done with it is to receive from Done in a task, which would stop the loop.
//
// # Waiting
//
// To wait is to call a function that says that it suspends: Sleep, Yield, Mutex.Lock, Group,
// Blocking, a read of a stream.Conn and others. It parks the task, not the loop, and returns when
// it is over, or fails when the task is to stop. After an error of a wait there is commonly one
// thing to do: to return it.
//
// Everything else blocks the loop for as long as it takes: time.Sleep, a read from a file, an
// ordinary channel, a long computation. What to do instead is below, under Other goroutines, and
// case by case in docs/ordinary-go.md.
//
// # Scopes
//
// How long something may take is said from outside, by a scope around it:
//
//	err := t.WithTimeout(time.Second, func(t *kettle.Task) error {
//		return fetch(t) // however many waits there are in it
//	})
//
// A scope passes a Task of its own to its function. When its time is over, or someone calls Cancel
// on that Task, each wait in the scope fails, those that have begun and those to come, in the tasks
// that were started in it as well, until the scope is left. So a cancellation that was overlooked
// comes back at the next wait, and nothing of it is left outside the scope. A value that a task has
// already been given is not taken away by a cancellation that comes later.
//
// A scope ends when its function returns; no one forces it to. WithDeadline is WithTimeout for a
// time of the day, WithCancel a scope without a time-out, WithValue one that carries a value.
// SetTimeout and NoTimeout change the time while the scope runs. Shield is a scope that no
// cancellation from outside reaches, always with a time of its own: for cleaning up that has to
// wait.
//
// # Groups
//
// Tasks are started in a Group, which is a scope too, and ends when all of them have:
//
//	err := t.Group(func(g *kettle.Group) error {
//		for _, host := range hosts {
//			err := g.Go(host, func(t *kettle.Task) error { return visit(t, host) })
//			if err != nil {
//				return err
//			}
//		}
//		return nil
//	})
//	// every visit has ended here
//
// The first failure cancels the others. No task is ever left behind, and no error is lost: Group
// returns those of all that failed. Group.Start waits until the new task says that it is ready.
//
// For tasks with results there are Gather (all of them), Race (the first one that succeeds) and
// AsCompleted (one after the other, as they end). A Future is a value that is not there yet, for
// any number of tasks to wait for.
//
// # Errors
//
// A scope that was cancelled has its waits return a *CancelError with the cause, which is
// context.Canceled. One whose time is over has them return a *TimeoutError, which is
// context.DeadlineExceeded and os.ErrDeadlineExceeded. Which of several scopes an error is of,
// Task.Cancelled tells:
//
//	if t.Cancelled(err) {
//		// it is the end of this scope or of one around it, nothing that happened in it
//	}
//
// A task that panics has failed with a *PanicError, which has the stack, and takes its group along,
// not the program. An error of a task in a group is a *TaskError with the name of the task.
//
// # Sharing without locks
//
// What only the tasks of one loop touch needs no lock, as no two of them ever run at the same time:
//
//	hits[page]++ // by any number of tasks
//
// That holds from one wait to the next. Across a wait it does not: what was true before it may be
// true no more. Where a piece of code that waits must have something for itself, there is Mutex.
//
// # Primitives
//
// Mutex lets one task at a time in, Semaphore several. An Event is waited for until it is set, a
// Condition until something holds that a Mutex guards, a Barrier until all have come. A Queue takes
// values from tasks to tasks, and has those wait that fill it too fast.
//
// All are fair: who waits longest is next, and what is released is handed to that task at once, so
// that nobody gets in between, and nothing is lost when a task is cancelled while it waits. Each
// belongs to the loop whose tasks use it first: to wait for it on another one is ErrWrongLoop.
//
// # Connections
//
// Package stream has connections to wait for: it listens, runs a task for each client, and dials,
// over TCP, unix sockets and TLS. Below it is package transport, where callbacks are told of what
// has come.
//
// What else callbacks of the loop bring about (see EventLoop) becomes something to wait for with a
// WaitQueue. Group.Spawn starts a task whose failure is no affair of its group, as servers do for
// each client.
//
// # Other goroutines
//
// Three ways lead from a loop to the rest of a program:
//
//   - Blocking runs a function on another goroutine while the task waits: files, databases,
//     computations, every library that knows nothing of loops;
//   - Submit runs a function as a task, for another goroutine that waits;
//   - Receive and Send are waits for an ordinary channel.
//
// Blocking is a method of Task too, and Submit one of Handle, for what has no result.
//
// Run with the option Loops uses several loops, to use several CPUs. They have nothing in common:
// what is to go from one to another takes the same ways.
//
// # The end
//
// When main has returned, what others have submitted is cancelled, and Run returns when all have
// ended. Context makes the end of a context that of the Run.
//
// A drain is the gentle way: it asks where a cancellation orders. Drain begins it, of a Task or a
// Handle, or a signal with DrainOn. A task that takes new work waits for it with AwaitDrain, or
// asks Draining. What has not ended when the grace period is over is cancelled, with ErrGrace as
// the cause.
//
// # Looking in
//
// Dump writes the tree of tasks, and what each waits for; with DumpOn a signal does. A turn of the
// loop that takes longer than 100 ms stops all its tasks for so long: it is logged while it still
// does, with the name of the task and the stack, or told to OnStall. What goes wrong where nobody
// waits for an error goes to OnIncident.
//
// # Testing
//
// With the option Clock and a clock of package looptest, time passes when nothing else can happen:
// an hour takes no time, and a test on one loop that would wait for ever ends with ErrStuck and a
// dump. With Seed the tasks that are ready at once run in an order that only the seed decides, so
// that a test can try many.
package kettle
