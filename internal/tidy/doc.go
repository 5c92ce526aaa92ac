// Package tidy holds the house rules of this repository as code: what a
// reviewer would otherwise have to say again and again.
//
// A rule is a function from a Tree, the parsed repository, to findings. Each
// finding tells the place, what is wrong, and what to do about it:
//
//	models/poll.go:14: function serve has 83 lines, 70 are allowed: split it where ...
//
// `go test ./internal/tidy` runs every rule over the repository, and every rule
// over a snippet that breaks it, since a rule that cannot fail is worth
// nothing. The rules read files only, whatever the system they run on: they
// start no command and do not type-check, so they take a second, and they see
// the files of every platform at once.
//
// The rules are grouped by what they look at: sizes (size.go), variables
// (variables.go), imports (directions.go, imports.go), packages and platforms
// (packages.go), tests (tests.go), needs of tests (needs.go), words (words.go),
// documents (documents.go), and the behaviours that tests hold (rows.go).
// stats.go counts and judges nothing. The command in internal/tidy/show prints
// the rows and the counts.
//
// A rule with an exception names it, with the reason, in a table next to the
// rule. Everything here is safe from any goroutine: a Tree is never written
// after Load.
package tidy
