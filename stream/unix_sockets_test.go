package stream_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// TestFileOfAUnixSocket is removed when the listener is closed, but not if it is somebody else's by
// then, or is to be kept.
func TestFileOfAUnixSocket(t *testing.T) { // V8
	for name, test := range map[string]struct {
		config stream.ListenConfig
		before func(t *testing.T, path string)
		stays  bool
	}{
		"removed":  {},
		"gone":     {before: func(_ *testing.T, path string) { _ = os.Remove(path) }},
		"replaced": {before: replace, stays: true},
		"kept":     {config: stream.ListenConfig{KeepFile: true}, stays: true},
	} {
		for _, closes := range []string{"listener", "loop"} {
			t.Run(name+" by the "+closes, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "socket")
				runQuietly(t, func(task *kettle.Task) error {
					ln, err := test.config.Listen(task, "unix", path)
					if err != nil {
						return err
					}
					if _, err := stream.Dial(task, "unix", path); err != nil {
						return err
					}
					if test.before != nil {
						test.before(t, path)
					}
					if closes == "listener" {
						return ln.Close()
					}
					return nil
				})
				if _, err := os.Lstat(path); (err == nil) != test.stays {
					t.Errorf("the file: %v", err)
				}
			})
		}
	}
}

// TestUnixSocketInTheWay is not removed: somebody may listen on it.
func TestUnixSocketInTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	runQuietly(t, func(task *kettle.Task) error {
		first, err := stream.Listen(task, "unix", path)
		if err != nil {
			return err
		}
		_, err = stream.Listen(task, "unix", path)
		wantErrors(t, err, syscall.EADDRINUSE)
		if _, err := stream.Dial(task, "unix", path); err != nil {
			return err
		}
		_, err = first.Accept()
		return err
	})
}

// TestAddressesOfUnixSockets are their names; a client has none.
func TestAddressesOfUnixSockets(t *testing.T) {
	names := []string{filepath.Join(t.TempDir(), "socket")}
	if runtime.GOOS == "linux" {
		names = append(names, "@"+names[0]) // in no file system
	}
	runQuietly(t, func(task *kettle.Task) error {
		for _, name := range names {
			ln, err := stream.Listen(task, "unix", name)
			if err != nil {
				return err
			}
			client, err := stream.Dial(task, "unix", name)
			if err != nil {
				return err
			}
			server, err := ln.Accept()
			if err != nil {
				return err
			}
			for what, addrs := range map[string][2]string{
				"listener":     {ln.Addr().String(), name},
				"server":       {server.LocalAddr().String(), name},
				"its peer":     {server.RemoteAddr().String(), ""},
				"client":       {client.LocalAddr().String(), ""},
				"client's":     {client.RemoteAddr().String(), name},
				"network":      {ln.Addr().Network(), "unix"},
				"of a network": {client.RemoteAddr().Network(), "unix"},
			} {
				if addrs[0] != addrs[1] {
					t.Errorf("the %s is %q, want %q", what, addrs[0], addrs[1])
				}
			}
			if err := ln.Close(); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestFullBacklogOfAUnixSocket: no event tells a client that there is room, and it comes in all the
// same.
func TestFullBacklogOfAUnixSocket(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	path := filepath.Join(t.TempDir(), "socket")
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		_, jumps := clockThatJumps()
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := (&stream.ListenConfig{Backlog: 1}).Listen(task, "unix", path)
			if err != nil {
				return err
			}
			const clients = 8
			connected := 0
			return task.Group(func(g *kettle.Group) error {
				for range clients {
					err := g.Go("dial", func(task *kettle.Task) error {
						_, err := stream.Dial(task, "unix", path)
						connected++
						return err
					})
					if err != nil {
						return err
					}
				}
				if err := yieldN(task, 5); err != nil {
					return err
				}
				if connected >= clients {
					t.Error("there was room for all of them")
				}
				for range clients {
					if _, err := ln.Accept(); err != nil {
						return err
					}
				}
				return nil
			})
		}, backend, jumps)
	})
}
