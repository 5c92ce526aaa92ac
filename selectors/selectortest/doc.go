// Package selectortest holds every selector to the promises of package selectors, in the manner
// of testing/fstest and x/net's nettest: one suite for whatever is behind the interface.
//
// A test names a selector by the function that opens it, and runs the whole:
//
//	func TestEpoll(t *testing.T) {
//		selectortest.Run(t, func() (*selectors.Selector, error) {
//			return selectors.Open("epoll")
//		})
//	}
//
// Each promise is a subtest with a selector of its own, which is closed at its end; a
// descriptor that is then left over fails it. A comment such as "S14" names the row of the
// list of behaviours that a check holds. Where mechanisms are allowed to differ, the checks
// ask for the name of the selector, and say why.
//
// The checks are grouped by what they look at: the table of registrations (table.go), what a
// file must be (files.go), waiting and time-outs (waiting.go), readiness (readiness.go), many
// descriptors (many.go), events that have become stale (stale.go), wake-ups (wakeup.go),
// allocations (allocations.go), and random scripts beside a model that knows in principle what
// must be ready (model.go).
//
// The suite runs on Unix; elsewhere there is nothing to run it on, and the package is empty.
package selectortest
