package cli_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/cli"
	"github.com/kettle-go/kettle/lab/switching"
	"github.com/kettle-go/kettle/models"
)

// TestMain makes programs of this test binary: kettle, which is the command as its main is, and
// faulty, which is a server that somebody else might have written.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"kettle": func() {
		if models.IsWorker() {
			os.Exit(models.RunWorker())
		}
		if switching.IsPartner() {
			os.Exit(switching.RunPartner())
		}
		os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}, "faulty": func() { os.Exit(faulty(os.Args[1:])) }})
}

// leakless runs the tests and then looks for goroutines that are left.
type leakless struct{ tests *testing.M }

func (l leakless) Run() int {
	code := l.tests.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
