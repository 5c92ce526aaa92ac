// Command kettle runs, queries and compares servers under thirteen I/O models.
package main

import (
	"os"

	"github.com/kettle-go/kettle/internal/cli"
	"github.com/kettle-go/kettle/lab/switching"
	"github.com/kettle-go/kettle/models"
)

func main() {
	if models.IsWorker() {
		os.Exit(models.RunWorker())
	}
	if switching.IsPartner() {
		os.Exit(switching.RunPartner())
	}
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
