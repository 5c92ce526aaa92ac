// Command show prints what package tidy knows of the repository that it is
// started in, without judging it:
//
//	go run ./internal/tidy/show rows   # which behaviours tests hold, and which not
//	go run ./internal/tidy/show stats  # comments, tests and sizes of each package
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/kettle-go/kettle/internal/tidy"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "show:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, args []string) error {
	if len(args) != 1 || args[0] != "rows" && args[0] != "stats" {
		return fmt.Errorf("what to show: rows or stats, not %q", args)
	}
	t, err := tidy.Load(os.DirFS("."))
	if err != nil {
		return err
	}
	if args[0] == "rows" {
		tidy.WriteRows(w, t)
		return nil
	}
	return tidy.WriteStats(w, t)
}
