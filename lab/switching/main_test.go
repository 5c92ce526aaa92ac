package switching_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/cli"
	"github.com/kettle-go/kettle/lab/switching"
)

// The other process and the command that Run starts are this test binary, executed again.

const (
	// fakeVariable names the environment variable with what is wrong with it; "command" is that
	// it is kettle.
	fakeVariable = "KETTLE_TEST_SWITCHING"

	// markVariable names the one with a file that is made when the process has come as far as
	// it will.
	markVariable = "KETTLE_TEST_SWITCHING_MARK"
)

func TestMain(m *testing.M) {
	what := os.Getenv(fakeVariable)
	switch {
	case switching.IsPartner() && what != "" && what != "command":
		os.Exit(fakePartner(what))
	case switching.IsPartner():
		os.Exit(switching.RunPartner())
	case what != "":
		os.Exit(fakeCommand(what, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// fake has the processes that are started from now on be wrong in that way. Those of the race
// detector would take a second to end.
func fake(t *testing.T, what string) {
	t.Helper()
	t.Setenv(fakeVariable, what)
	t.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
}

// stay keeps the process until somebody kills it, or for long enough.
func stay() int {
	time.Sleep(time.Minute)
	return 0
}

// fakePartner is the other process.
func fakePartner(what string) int {
	in, out := os.NewFile(3, "in"), os.NewFile(4, "out")
	if what == "exits" {
		fmt.Fprintln(os.Stderr, "no token here")
		return 4
	}
	number := make([]byte, 8)
	for passed := 0; ; passed++ {
		if _, err := io.ReadFull(in, number); err != nil {
			break
		}
		token := int64(binary.NativeEndian.Uint64(number))
		switch {
		case what == "silent":
			return stay()
		case what == "dies" && passed == 1000:
			fmt.Fprintln(os.Stderr, "out of breath")
			return 3
		case what == "ends" && passed == 1000:
			return 0
		case token < 0: // its usage, which is three numbers
			_, _ = out.Write(make([]byte, 3*len(number)))
			continue
		case what == "miscounts":
			token++
		}
		binary.NativeEndian.PutUint64(number, uint64(token+1))
		_, _ = out.Write(number)
	}
	if what == "stays" {
		return stay()
	}
	return 0
}

// fakeCommand is kettle, as Run starts it.
func fakeCommand(what string, args []string) int {
	if what == "command" {
		return cli.Run(args, os.Stdin, os.Stdout, os.Stderr)
	}
	const want = "lab switch --json --kinds calls,tasks --duration 7ms"
	if got := strings.Join(args, " "); got != want {
		fmt.Fprintln(os.Stderr, "not called as kettle is:", got)
		return 2
	}
	result := func(kind switching.Kind) {
		_ = json.NewEncoder(os.Stdout).Encode(switching.Result{Kind: kind, NS: 2.5})
	}
	switch what {
	case "nothing":
	case "garbage":
		fmt.Println("good morning")
	case "half":
		result(switching.Calls)
		fmt.Fprintln(os.Stderr, "out of steam")
		return 3
	case "other":
		result(switching.Calls)
		result(switching.Threads)
	case "more":
		result(switching.Calls)
		result(switching.Tasks)
		result(switching.Tasks)
	case "hangs":
		result(switching.Calls)
		_ = os.WriteFile(os.Getenv(markVariable), nil, 0o600)
		return stay()
	}
	return 0
}
