package cli_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// A server goes on when what read its standard output and error has ended.
func TestServerSurvivesWithoutReaders(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	for _, model := range models.Names() {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "kettle", "serve", "--model", model, "--addr",
				"127.0.0.1:0", "--verbose")
			cmd.WaitDelay = patience
			addr := withoutReaders(t, cmd)
			for range 3 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatalf("the server is gone: %v", err)
				}
				c.SetDeadline(time.Now().Add(patience))
				answer := make([]byte, 1)
				if _, err := c.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Read(answer); err != nil || answer[0] != 'X' {
					t.Fatalf("the answer is %q, %v", answer, err)
				}
				c.Close()
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// withoutReaders starts a server, and reads nothing of it but where it listens.
func withoutReaders(t *testing.T, cmd *exec.Cmd) (addr string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	r.Close()
	if err != nil {
		t.Fatalf("it does not say where it listens: %q, %v", line, err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}
