package models_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// Signals that do not go to the server's main process alone.

// sendAll sends a signal to processes, some of which may have ended.
func sendAll(signal string, to []process) {
	args := []string{"-c", "kill -s " + signal + ` "$@"`, "sh"}
	for _, p := range to {
		args = append(args, strconv.Itoa(p.pid))
	}
	_ = exec.Command("/bin/sh", args...).Run()
}

// A terminal sends the signal of Ctrl-C to the whole process group: what clients have sent is
// answered all the same, also where workers have just been started. The kernel decides who is in
// the group as it sends: who asks /proc first, and signals by number, hits workers that have left.
func TestInterruptOfTheGroupLosesNothing(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		s := start(t, v, launch{Config: verbose, Group: true})
		clients := s.sayAndFinish(t, v)
		if err := sys.SignalGroup(s.cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		s.answersAll(t, clients)
	})
}

// A worker that is about to ignore such a signal does not do so yet: it must not get it.
func TestWorkersAreNotInTheGroup(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Proc)
	for _, v := range modelsOnly() {
		if !v.forked() && !v.perClient() {
			continue
		}
		s := start(t, v, launch{})
		ask(t, s.connect(t), "one who stays")
		eventually(t, "all workers are in other process groups", func() bool {
			all := tree(t, s.cmd.Process.Pid)
			return len(all) > 1 && !slices.ContainsFunc(all[1:], func(worker process) bool {
				return worker.group == all[0].group
			})
		})
	}
}

// A service manager may send its signal to every process of a service, whatever its group.
func TestSignalsToWorkersLoseNothing(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		wait := 200 * time.Millisecond
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: wait}})
		clients := s.sayAndFinish(t, v)
		eventually(t, "all requests are received", func() bool {
			return s.log.count(`: "hello"`) == len(clients)
		})
		for _, signal := range []string{"TERM", "INT", "PIPE"} {
			sendAll(signal, s.workers(t))
		}
		s.signal(t, os.Interrupt)
		s.answersAll(t, clients)
	})
}

// sayAndFinish connects some clients that send a request and then end their side.
func (s *server) sayAndFinish(t *testing.T, v variant) (clients []*net.TCPConn) {
	n := 5
	if v.serial() {
		n = 1 // the others would wait in the backlog
	}
	connected := s.log.count(" connected\n")
	for range n {
		c := s.connect(t)
		say(t, c, []byte("hello"))
		c.CloseWrite()
		clients = append(clients, c)
	}
	eventually(t, "all are connected", func() bool {
		return s.log.count(" connected\n") == connected+n
	})
	return clients
}

// answersAll expects the answers of the clients, and that the server has drained.
func (s *server) answersAll(t *testing.T, clients []*net.TCPConn) {
	t.Helper()
	for _, c := range clients {
		if text, err := io.ReadAll(c); string(text) != "HELLO" || err != nil {
			t.Errorf("a client got %q, %v", text, err)
		}
	}
	if exit := s.wait(t); exit != 0 {
		t.Errorf("exit code %d", exit)
	}
}
