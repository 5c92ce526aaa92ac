package stream_test

import (
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// wrkSummary is how wrk says how much it has done.
var wrkSummary = regexp.MustCompile(`(\d+) requests in `)

// underLoad has wrk make requests, a second at a time, until there were so many, and fails if one
// of them was not answered as it should be.
func underLoad(t *testing.T, ln net.Listener, requests int) {
	t.Helper()
	testenv.Need(t, testenv.Wrk)
	serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("hello"))
	}), ln)
	for done := 0; done < requests; {
		command := exec.CommandContext(t.Context(), "wrk", "--threads", "1", "--connections", "50",
			"--duration", "1s", "http://"+ln.Addr().String()+"/")
		out, err := command.CombinedOutput()
		report := string(out)
		summary := wrkSummary.FindStringSubmatch(report)
		if err != nil || summary == nil || strings.Contains(report, "Socket errors") ||
			strings.Contains(report, "Non-2xx") {
			t.Fatalf("wrk: %v\n%s", err, report)
		}
		some, err := strconv.Atoi(summary[1])
		if err != nil || some == 0 {
			t.Fatalf("wrk has done nothing:\n%s", report)
		}
		done += some
	}
}

func TestHTTPUnderLoad(t *testing.T) {
	testenv.NotShort(t)
	underLoad(t, newOutside(t, stream.ListenConfig{}), 1)
}

func TestHTTPUnderLoadForLong(t *testing.T) {
	testenv.Long(t)
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		underLoad(t, newOutside(t, stream.ListenConfig{}, backend), 100_000)
	})
}
