package models_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/meter"
)

// What /proc tells of a server and its workers.

// process is one line of the process table.
type process struct {
	pid, parent, group int
	state              byte // Z is one that has ended and is not reaped
}

// tree returns the process pid and all below it.
func tree(t testing.TB, pid int) []process {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	children := make(map[int][]process)
	var all []process
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		p := process{pid: n}
		// The second field is the name in parentheses, in which anything may be.
		rest := string(text[strings.LastIndexByte(string(text), ')')+1:])
		fmt.Sscanf(rest, " %c %d %d", &p.state, &p.parent, &p.group)
		children[p.parent] = append(children[p.parent], p)
		if n == pid {
			all = append(all, p)
		}
	}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i].pid]...)
	}
	return all
}

// openDescriptors returns how many descriptors a process has; 0 where it cannot be told.
func openDescriptors(pid int) int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries)
}

// workers returns the processes below the server's main one.
func (s *server) workers(t testing.TB) []process { return tree(t, s.cmd.Process.Pid)[1:] }

// descriptors returns how many descriptors all processes of the server have together.
func (s *server) descriptors(t testing.TB) int {
	n := 0
	for _, p := range tree(t, s.cmd.Process.Pid) {
		n += openDescriptors(p.pid)
	}
	return n
}

// settledDescriptors is descriptors, once they have stayed the same for a while, and all workers
// serve: a server says that it listens when the first of them does.
func (s *server) settledDescriptors(t testing.TB) (n int) {
	t.Helper()
	eventually(t, "all workers serve, and open nothing more", func() bool {
		complete, before := s.complete(t), s.descriptors(t)
		window(t.Context(), 100*time.Millisecond)
		n = s.descriptors(t)
		return complete && n == before
	})
	return n
}

// complete reports whether a server that begins with all of its workers has them, and each of them
// has as many descriptors as the others, but for its clients.
func (s *server) complete(t testing.TB) bool {
	if s.Model != "prefork" {
		return true
	}
	workers := s.workers(t)
	for _, w := range workers {
		if lasting(w.pid) != lasting(workers[0].pid) {
			return false
		}
	}
	return len(workers) == runtime.NumCPU()
}

// lasting returns how many descriptors of a process are no sockets.
func lasting(pid int) int {
	directory := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, _ := os.ReadDir(directory)
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink(directory + e.Name()); err == nil &&
			!strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// sample measures the server and its workers.
func (s *server) sample(t testing.TB) meter.Sample {
	t.Helper()
	sample, err := s.meter(t).Sample()
	if err != nil {
		t.Fatal(err)
	}
	return sample
}

// memory returns the bytes of memory of the server and its workers.
func (s *server) memory(t testing.TB) int64 {
	t.Helper()
	bytes, err := s.meter(t).Memory()
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func (s *server) meter(t testing.TB) *meter.Meter {
	t.Helper()
	m := meter.New(s.cmd.Process.Pid)
	if err := m.Refresh(); err != nil {
		t.Fatal(err)
	}
	return m
}

// pause stops the server in its tracks, and the function that it returns lets it go on.
func (s *server) pause(t *testing.T) (proceed func()) {
	t.Helper()
	pid := s.cmd.Process.Pid
	send := func(signal string) {
		kill := exec.Command("/bin/sh", "-c", fmt.Sprintf("kill -s %s %d", signal, pid))
		if err := kill.Run(); err != nil {
			t.Fatalf("kill -s %s: %v", signal, err)
		}
	}
	send("STOP")
	eventually(t, "all threads of the server are stopped", func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		return !slices.ContainsFunc(threads, func(name string) bool {
			text, err := os.ReadFile(name)
			return err == nil && !strings.Contains(string(text), ") T ")
		})
	})
	return func() { send("CONT") }
}
