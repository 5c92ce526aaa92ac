package sys_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
)

// TestDuplicateSharesTheOffset: what is written by way of the copy follows what was written by
// way of the original. Where the system does not permit the call, it must say which one.
func TestDuplicateSharesTheOffset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	original, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	if _, err := original.WriteString("one, "); err != nil {
		t.Fatal(err)
	}
	fd, err := sys.DuplicateFrom(os.Getpid(), int(original.Fd()))
	if err != nil {
		var call *os.SyscallError
		if !errors.As(err, &call) || fd != -1 {
			t.Errorf("descriptor %d, %v, want -1 and the name of a system call", fd, err)
		}
		if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) {
			t.Error(err)
		}
		t.Logf("not permitted here: %v", err)
		return
	}
	duplicate := os.NewFile(uintptr(fd), "the copy")
	defer duplicate.Close()
	if _, err := duplicate.WriteString("two"); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "one, two" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

func TestDuplicateOfWhatIsNotThere(t *testing.T) {
	for _, missing := range []struct{ pid, fd int }{{1<<28 - 1, 2}, {os.Getpid(), 1 << 28}} {
		fd, err := sys.DuplicateFrom(missing.pid, missing.fd)
		var errno syscall.Errno
		if !errors.As(err, &errno) || fd != -1 {
			t.Errorf("process %d, descriptor %d: %d, %v, want an error", missing.pid, missing.fd,
				fd, err)
		}
	}
}
