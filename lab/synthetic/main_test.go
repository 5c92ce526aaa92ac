package synthetic

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// serverVariable names the environment variable that makes this test binary a server; it has the
// server's behaviour in JSON.
const serverVariable = "KETTLE_TEST_BEHAVIOUR"

func TestMain(m *testing.M) {
	if text := os.Getenv(serverVariable); text != "" {
		os.Exit(serveAs(text))
	}
	goleak.VerifyTestMain(m)
}

// serveAs is the server process; it ends when it is told to, or with its standard input, and
// returns its exit code.
func serveAs(text string) int {
	var b Behaviour
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	err := b.Serve(ctx, "127.0.0.1:0", func(addr net.Addr) { fmt.Println("listening on", addr) },
		os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// commands returns the commands of servers that behave as change says, instead of as they should.
func commands(t *testing.T, change func(Behaviour) Behaviour) func(Behaviour) []string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(b Behaviour) []string {
		text, err := json.Marshal(change(b))
		if err != nil {
			t.Fatal(err)
		}
		return []string{"env", serverVariable + "=" + string(text), "GORACE=atexit_sleep_ms=0",
			program}
	}
}
