package models_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// N18: where io_uring is forbidden, the server serves on the best selector, and says so once,
// however many loops and processes it has.
func TestServesWithoutRings(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Linux, testenv.Python)
	for _, c := range []struct {
		name   string
		on     string
		loops  int
		denied syscall.Errno
		procs  int
	}{
		{"uring", "", 1, syscall.EPERM, 1},
		{"uring", "", 2, syscall.ENOSYS, 2},
		{"streams", ring, 2, syscall.EPERM, 2},
		{"streams", ring, 1, syscall.ENOSYS, 1},
		{"protocol", ring, 2, syscall.EPERM, 1},
		{"selectors", ring, 0, syscall.ENOSYS, 2},
		{"coroutines", ring, 0, syscall.EPERM, 1},
		{"prefork", ring, 0, syscall.EPERM, 2},
	} {
		m, err := models.Lookup(c.name)
		if err != nil {
			t.Fatal(err)
		}
		v := variant{model: m, backend: c.on, loops: c.loops}
		t.Run(fmt.Sprintf("%v/%v", v, c.denied), func(t *testing.T) {
			t.Parallel()
			s := start(t, v, launch{Denied: c.denied,
				Env: []string{fmt.Sprintf("GOMAXPROCS=%d", c.procs)}})
			clients, _ := s.crowd(t, 5)
			for i, client := range clients {
				ask(t, client, fmt.Sprintf("without a ring %d", i))
				client.Close()
			}
			s.stop(t)
			text := s.log.String()
			const says = "serving with epoll instead of io_uring: "
			if strings.Count(text, says) != 1 || strings.Count(text, "io_uring_setup") != 1 ||
				!strings.Contains(text, c.denied.Error()) {
				t.Errorf("the log has not one line with %q and %q:\n%s", says, c.denied, text)
			}
		})
	}
}

// TestModelThatIsMissingSaysWhy: uring alone can be missing, and is where no ring can be opened.
func TestModelThatIsMissingSaysWhy(t *testing.T) {
	for _, m := range models.All() {
		if why := m.Missing(); why != nil && m.Name != "uring" {
			t.Errorf("%s: %v", m.Name, why)
		}
	}
	testenv.Need(t, testenv.Rings)
	m, err := models.Lookup("uring")
	if err != nil || m.Missing() != nil {
		t.Errorf("%v, and where there are rings uring is missing: %v", err, m.Missing())
	}
}
