// Package kettle is async/await for Go: sequential code that waits for many things at once, on an
// event loop of one goroutine.
package kettle
