// The command bench compares kettle's servers with the limit and with what else a user could pick,
// and says where the time goes.
//
//	go run ./bench                                  everything, in about 15 minutes
//	go run ./bench -list                            the servers and workloads that there are
//	go run ./bench -workloads ping-100,churn -servers 'C epoll,netpoll,kettle streams'
//	go run ./bench -rounds 15 -workloads ping-100   a comparison to rely on
//	go run ./bench -server 'mine=./mine {addr}'     one more server
//	go run ./bench -client -workloads ping-100      the load generator itself
//
// # Servers
//
// All are the same service: what a client sends comes back in upper case, on one thread or loop,
// with TCP_NODELAY. They answer everything that came before the client's end of stream, and hold
// little for a client that does not read, or their source says that they do not. They are there
// to be read:
//
//	c/epoll.c            level-triggered epoll, a recv and a send: the limit, and the reference
//	c/uring.c            the limit on io_uring, by liburing
//	c/uv.c               libuv
//	gonet                Go's net, without any library
//	netpoll              cloudwego/netpoll, in a module of its own
//	python/protocol.py   asyncio's callbacks, and uvloop's
//	python/streams.py    asyncio's streams, and uvloop's
//	kettle serve         the models that can compare, goroutines for Go's net among them
//
// What cannot be built here is left out, and the reason printed: no C compiler, no headers of
// liburing or libuv, no Python, no uvloop, a module that cannot be fetched, a kernel without
// io_uring.
//
// # The load generator
//
// What the lab says of a fast server is worth as much as its load generator (package lab/load) is
// fast. With -client it is the load generators that are compared, all with the same server, C
// epoll: the lab's own, as the lab runs it, and
//
//	c/client.c           the limit: epoll, and for each answer a recv, a comparison and a send
//
// Both compare every byte of every answer. The lab's measures the latency of each besides, and
// keeps to a fixed rate where it is asked for one. The table has messages/s as a ratio to the
// client in C of the same round.
//
// # Method
//
// The lab (package lab) does the measuring: each visit is a server started anew, the server on one
// CPU and the load on the others, in rounds of shuffled order, every byte checked. A workload is
// one kind of window. What counts is CPU per message, exact from the kernel's clocks, as the median
// of the ratios to the C epoll server of the same round, with the interval that the true median
// lies in; that server is also measured against itself ("C epoll again"): what that shows for a
// difference is noise.
//
// How CPU time divides into the program's and the kernel's comes from samples, over all rounds.
// System calls are counted in one more round, by kind, as counting slows them down, and only where
// the system permits it (perf events). A rate is the server's only where the load generator was not
// the bottleneck; where it was, the row has a +.
package main
