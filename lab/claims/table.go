package claims

import "slices"

// All returns the claims, in the order in which the text makes them. What is predicted was written
// down before the experiment was run for the first time, with the threshold.
func All() []Claim { return slices.Concat(onConnections(), onWaiting(), onLoops(), onWriting()) }

// onConnections are the claims on serving many at all.
func onConnections() []Claim {
	return []Claim{
		{ID: "C1", Text: "A blocking server serves one client at a time",
			Workloads: []string{"growth"},
			Predicted: "of several clients that are connected, blocking answers one; all others " +
				"answer all",
			judge: oneAtATime},
		{ID: "C2", Text: "A process or a thread for each connection serves many, and each takes " +
			"memory",
			Workloads: []string{"growth"},
			Predicted: "for each connection more than 16 KiB with threads, and more than 256 KiB " +
				"with processes",
			GoOwn: "A worker process is executed anew and has a Go runtime of its own, where in " +
				"C it would share its parent's pages. A thread has no stack of 8 MiB set aside, " +
				"but Go keeps a system stack and caches for it.",
			judge: memoryGrows},
		{ID: "C3", Text: "And so do the switches between them",
			Workloads: []string{"growth"},
			Predicted: "with all connections busy more than 0.5 switches of threads for each " +
				"message with processes and threads, fewer than 0.1 with one loop",
			judge: switchesGrow},
		{ID: "C4", Text: "State that threads share needs locks; on one loop it needs none",
			Workloads: []string{"shared"},
			Predicted: "without a lock, threads and goroutines lose updates of one counter, and " +
				"one loop loses none; with it, nobody does",
			GoOwn: "Without the lock, every 256th update has Go's scheduler run another " +
				"goroutine between the load and the store: threads and goroutines that have one " +
				"CPU would else lose an update now and then only. How many are lost says nothing.",
			judge: needsLocks},
	}
}

// onWaiting are those on what waiting costs, and what it does not.
func onWaiting() []Claim {
	return []Claim{
		{ID: "C5", Text: "Waiting for I/O needs no CPU",
			Workloads: []string{"idle"},
			Predicted: "while every connection is silent each model but polling uses less than " +
				"1% of a CPU",
			judge: waitingIsFree},
		{ID: "C6", Text: "Waits that overlap take as long as the longest, not as their sum",
			Workloads: []string{"wait"},
			Predicted: "10 requests that each wait for the same time: blocking takes more than " +
				"90% of the sum, the others at most 50%; processes less than 90%, as they have " +
				"to be started",
			GoOwn: "To start a process means to execute a Go program: some 10 ms here, where a " +
				"fork in C takes a fraction of one.",
			judge: overlappedWaits},
		{ID: "C7", Text: "This pays for waiting, and not for computing",
			Workloads: []string{"compute"},
			Predicted: "requests that compute at once, on one CPU, take more than 90% of the " +
				"sum, however the server is made",
			judge: computingIsNotWaiting},
		{ID: "C8", Text: "A blocking call waits, and a non-blocking one returns at once",
			Workloads: []string{"timeline"},
			Predicted: "a blocking read that finds nothing lasts more than half of the client's " +
				"pause; one that does not block takes less than 1 ms",
			judge: callsWait},
		{ID: "C9", Text: "One call that takes long on a loop stops every connection of it",
			Workloads: []string{"compute", "slow"},
			Predicted: "while one request of ten computes for 50 ms, the p99 of the others is " +
				"more than 25 ms on one loop, and less with threads and processes",
			GoOwn: "Goroutines share the CPU in turns of 10 ms, by Go's scheduler; threads and " +
				"processes by the kernel's.",
			judge: blockedLoop},
	}
}

// onLoops are those on how one thread finds out who is ready.
func onLoops() []Claim {
	return []Claim{
		{ID: "C10", Text: "Polling pays for those that are not ready",
			Workloads: []string{"idle", "crowd"},
			Predicted: "polling uses more than half a CPU while nothing happens, and a message " +
				"costs it more than 1.2 times as much beside hundreds of silent connections",
			judge: pollingPays},
		{ID: "C11", Text: "Select pays for all that it watches",
			Workloads: []string{"crowd"},
			Predicted: "beside hundreds of silent connections (poll: thousands) a message costs " +
				"more than 1.2 times as much",
			GoOwn: "A thread that waits in select looks idle to Go's scheduler, which takes its " +
				"processor away: that is part of each message, with and without a crowd.",
			judge: selectPays},
		{ID: "C12", Text: "Callbacks pay for those that are ready only, and for nothing while idle",
			Workloads: []string{"crowd", "idle"},
			Predicted: "beside thousands of silent connections a message costs at most 1.5 times " +
				"as much, and while nothing happens less than 1% of a CPU is used",
			judge: callbacksPayForReady},
		{ID: "C13", Text: "Ready means that the call will not wait",
			Workloads: []string{"timeline"},
			Predicted: "who waits until a descriptor is ready, and reads then, reads nothing in " +
				"vain",
			GoOwn: "Of Go's net and of the library only what they tell is seen; what they try is " +
				"not.",
			judge: readyMeansReady},
		{ID: "C14", Text: "Registering a callback removes the test of what kind of event it is",
			Workloads: []string{"source"},
			Predicted: "selectors has fewer if and case between a wait and the code of a client " +
				"than any model that goes through a list",
			judge: fewerTests},
	}
}

// onWriting are those on what it takes to write, and what that costs.
func onWriting() []Claim {
	return []Claim{
		{ID: "C15", Text: "What takes callbacks takes fewer lines with coroutines, and fewer " +
			"still with async and await",
			Workloads: []string{"source"},
			Predicted: "lines of code: selectors > coroutines > streams",
			judge:     lines},
		{ID: "C16", Text: "A switch of coroutines stays in user space, and costs far less than " +
			"one of threads",
			Workloads: []string{"switch"},
			Predicted: "a fifth of a thread's, or less, and no switch of the kernel's",
			judge:     switchesStayInside},
		{ID: "C17", Text: "Streams cost about what selectors cost: the principle is the same",
			Workloads: []string{"storm"},
			Predicted: "with all connections busy, CPU for a message within 1.25 times of that " +
				"of selectors, either way",
			judge: sameAsCallbacks},
	}
}
