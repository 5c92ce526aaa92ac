package stream_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// passedOn returns two sockets that listen, as a supervisor passes them on; none in the process
// that they were passed to.
func passedOn(t *testing.T) []*os.File {
	t.Helper()
	if os.Getenv(ownProcess) != "" {
		return nil
	}
	var files []*os.File
	for network, address := range map[string]string{
		"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "socket")} {
		ln, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		file, err := ln.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		if files = append(files, file); network == "tcp" {
			files[0], files[len(files)-1] = files[len(files)-1], files[0]
		}
	}
	return files
}

// TestInheritedSockets are there on every loop, with their names, and clients are served.
func TestInheritedSockets(t *testing.T) {
	env := []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=web:"}
	if !inOwnProcess(t, env, "export LISTEN_PID=$$;", passedOn(t)...) {
		return
	}
	runQuietly(t, func(task *kettle.Task) error {
		all, err := stream.Inherit(task)
		if err != nil || len(all) != 2 {
			return fmt.Errorf("%d sockets: %w", len(all), err)
		}
		for i, want := range []struct{ network, name string }{{"tcp", "web"}, {"unix", "unknown"}} {
			addr := all[i].Addr()
			if addr.Network() != want.network || all[i].Name() != want.name {
				t.Errorf("socket %d is %s on %v", i, all[i].Name(), addr)
			}
			if task.Loop() != 0 {
				continue // would wait for the clients of the other
			}
			if _, err := stream.Dial(task, addr.Network(), addr.String()); err != nil {
				return err
			}
			if _, err := all[i].Accept(); err != nil {
				return err
			}
		}
		return nil
	}, kettle.Loops(2))
	for _, fd := range []string{"3", "4"} { // they are not inherited once more
		if err := exec.Command("/bin/sh", "-c", "[ ! -e /dev/fd/"+fd+" ]").Run(); err != nil {
			t.Errorf("another program has descriptor %s: %v", fd, err)
		}
	}
	if _, err := os.Lstat(unixPath(t)); err != nil {
		t.Errorf("the supervisor's file: %v", err)
	}
}

// unixPath returns the path of the second of the inherited sockets.
func unixPath(t *testing.T) string {
	t.Helper()
	path := ""
	runQuietly(t, func(task *kettle.Task) error {
		all, err := stream.Inherit(task)
		if err == nil {
			path = all[1].Addr().String()
		}
		return err
	})
	return path
}

// TestNothingIsInherited by a process that the variables are not for.
func TestNothingIsInherited(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for _, v := range []struct{ pid, fds, names string }{
		{"", "", ""}, {self, "", ""}, {"", "1", ""}, {strconv.Itoa(os.Getppid()), "1", "a"},
		{self, "0", ""},
	} {
		t.Setenv("LISTEN_PID", v.pid)
		t.Setenv("LISTEN_FDS", v.fds)
		t.Setenv("LISTEN_FDNAMES", v.names)
		runQuietly(t, func(task *kettle.Task) error {
			all, err := stream.Inherit(task)
			if len(all) != 0 || err != nil {
				t.Errorf("%+v: %d sockets, %v", v, len(all), err)
			}
			return nil
		})
	}
}

// TestWhatCannotBeInherited is told of, with what is wrong.
func TestWhatCannotBeInherited(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for _, v := range []struct{ pid, fds, names, says string }{
		{"me", "1", "a", `LISTEN_PID is "me"`},
		{self, "one", "a", `LISTEN_FDS is "one"`},
		{self, "-1", "a", `LISTEN_FDS is "-1"`},
		{self, "1000000000", "a", "LISTEN_FDS is 1000000000"},
		{self, "2", "a", "LISTEN_FDNAMES has 1 names, and LISTEN_FDS is 2"},
		{self, "2", "a:b:c", "LISTEN_FDNAMES has 3 names, and LISTEN_FDS is 2"},
		{self, "1", "a", `socket "a": descriptor 3`},
	} {
		t.Setenv("LISTEN_PID", v.pid)
		t.Setenv("LISTEN_FDS", v.fds)
		t.Setenv("LISTEN_FDNAMES", v.names)
		runQuietly(t, func(task *kettle.Task) error {
			all, err := stream.Inherit(task)
			if len(all) != 0 || err == nil || !strings.Contains(err.Error(), v.says) {
				t.Errorf("%d sockets, %v, want one that says %q", len(all), err, v.says)
			}
			return nil
		})
	}
}
