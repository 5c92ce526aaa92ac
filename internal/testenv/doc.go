// Package testenv is the one place where a test asks the machine for something.
//
// A test that cannot run everywhere says what it needs first, and is skipped,
// with the reason, where that is missing:
//
//	testenv.Need(t, testenv.Python, testenv.IPv6)
//	testenv.NeedDescriptors(t, 12000)
//	testenv.Long(t) // runs only with KETTLE_LONG=1, as `make long` sets it
//
// What can be needed is a table (needs.go): a name, what is not tested without
// it, and a probe of this machine. No other package calls t.Skip, so the table
// and the calls in the test files together tell what a run leaves out: `make
// test` lists it from what the tests said, and plain `go test ./...` lists it
// from the table and the calls (package unmet). A skip that nobody sees is a
// test that nobody has.
//
// The package imports nothing of kettle, so that every test may import it. Its
// functions may be called from any goroutine, but those that take a testing.TB
// only from the goroutine that runs the test, as t.Skip demands.
package testenv
