package timeline_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/lab/timeline"
	"github.com/kettle-go/kettle/models"
)

// The servers under test are this test binary, executed again. Its arguments are a word that makes
// it one, the name of a model, or of something that is wrong with it, the file for its events, and
// how long each request waits for upstream, if it does.

// serverWord is the first argument of a server.
const serverWord = "serve"

func TestMain(m *testing.M) {
	switch {
	case models.IsWorker():
		os.Exit(models.RunWorker())
	case len(os.Args) > 3 && os.Args[1] == serverWord:
		os.Exit(serve(os.Args[2], os.Args[3], os.Args[4:]))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	goleak.VerifyTestMain(m)
}

// served returns the configuration for a server of this binary.
func served(kind string, clients int) timeline.Config {
	return timeline.Config{Name: kind, Clients: clients,
		Command: []string{os.Args[0], serverWord, kind, "{trace}"}}
}

// serve is the server process; it returns its exit code.
func serve(kind, file string, wait []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	model, err := models.Lookup(kind)
	if err != nil {
		return fake(ctx, kind, file)
	}
	cfg := models.Config{Addr: "127.0.0.1:0", Trace: file, Log: os.Stderr,
		Ready: func(a net.Addr) { fmt.Println("listening on", a) }}
	if len(wait) > 0 {
		if cfg.Wait, err = time.ParseDuration(wait[0]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	if err := model.Serve(ctx, cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// fake is a server with something wrong.
func fake(ctx context.Context, kind, file string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	text := map[string]string{"garbage": "good morning\n", "forgetful": ""}
	if written, ok := text[kind]; ok {
		if err := os.WriteFile(file, []byte(written), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	fmt.Println("listening on", l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c, kind)
		}
	}()
	<-ctx.Done()
	return 0
}

// answer answers in upper case, or does what is wrong.
func answer(c net.Conn, kind string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		text := make([]byte, 1024)
		n, err := r.Read(text)
		switch {
		case err != nil || kind == "rude":
			return
		case kind == "deaf":
			fmt.Fprintln(os.Stderr, "what?")
			continue
		case kind == "wrong":
			_, _ = c.Write(text[:n])
		default:
			_, _ = c.Write([]byte(strings.ToUpper(string(text[:n]))))
		}
	}
}

// long is a pause of a client's that nothing in a test takes nearly as long as.
const long = 300 * time.Millisecond
