// Package sys is where kettle touches the kernel: sockets, readiness calls, processes.
// It is the only package that imports unsafe and golang.org/x/sys, and the only one with
// build tags in number; everything above it compiles everywhere and learns at run time, by an
// error that matches errors.ErrUnsupported, what a system does not have.
//
// # Blocking and its twin
//
// Recv, Send and Accept may block, and tell Go's scheduler so before they enter the kernel.
// TryRecv and TrySend are their non-blocking twins: on a non-blocking socket they return
// EAGAIN instead of waiting, so they skip that announcement (it costs as much as a small
// system call, and lets Go's monitor take the processor away).
//
// # Errors
//
// The calls that a server makes for each message (Recv, Send, TryRecv, TrySend, Accept)
// return the bare errno, so that comparing and returning it allocates nothing. All others
// name the system call that failed, as an *os.SyscallError. Every call is retried on EINTR
// here, once and for all callers, except Poll, Select, EpollWait and Kevent, which report
// an interruption as "nothing is ready" so that the caller can look at its clock.
//
// All functions may be called from any goroutine; a descriptor's owner must see to it that
// none is in use when it is closed, because its number can be another socket's at once.
package sys
