//go:build unix

package sys_test

import (
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
)

// pipe returns the ends of a pipe that are closed when the test ends.
func pipe(t *testing.T) (read, write int) {
	t.Helper()
	read, write, err := sys.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, read)
	closeAtEnd(t, write)
	return read, write
}

// TestReadOfAPipeWaits for what is written, and has it whole.
func TestReadOfAPipeWaits(t *testing.T) {
	read, write := pipe(t)
	got := make(chan string)
	go func() {
		p := make([]byte, 16)
		n, err := sys.Recv(read, p)
		if err != nil {
			t.Error(err)
		}
		got <- string(p[:n])
	}()
	select {
	case text := <-got:
		t.Fatalf("%q came out of an empty pipe", text)
	default:
	}
	if n, err := sys.WritePipe(write, []byte("token")); n != 5 || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
	if text := <-got; text != "token" {
		t.Errorf("%q came out of the pipe", text)
	}
	if n, err := sys.WritePipe(write, nil); n != 0 || err != nil {
		t.Errorf("write nothing: %d, %v", n, err)
	}
}

// TestEndsOfAPipe: each side learns that the other one is closed.
func TestEndsOfAPipe(t *testing.T) {
	read, write := pipe(t)
	if err := sys.Close(write); err != nil {
		t.Fatal(err)
	}
	if n, err := sys.Recv(read, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("a read when nobody can write: %d, %v", n, err)
	}
	read, write = pipe(t)
	if err := sys.Close(read); err != nil {
		t.Fatal(err)
	}
	if n, err := sys.WritePipe(write, []byte("token")); n != 0 || err != syscall.EPIPE {
		t.Errorf("a write when nobody can read: %d, %v, want the bare EPIPE", n, err)
	}
}

func TestPassingATokenDoesNotAllocate(t *testing.T) {
	read, write := pipe(t)
	token := make([]byte, 8)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = sys.WritePipe(write, token)
		_, _ = sys.Recv(read, token)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
