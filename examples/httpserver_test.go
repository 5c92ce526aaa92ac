package examples_test

import (
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
)

func TestHTTPServerAnswersCurl(t *testing.T) {
	testenv.Need(t, testenv.Curl)
	p := start(t, "httpserver")
	url := "http://" + p.addr + "/"
	// The second request goes over the connection of the first.
	got := output(t, "", "curl", "--silent", "--show-error", "--noproxy", "*",
		"--write-out", "%{http_code} %{num_connects}\n", url, url)
	if want := "hello\n200 1\nhello\n200 0\n"; got != want {
		t.Errorf("curl has got %q, want %q", got, want)
	}
	p.stop()
}

// TestHTTPServerAnswersManyAndEnds: clients that keep their connections do not keep it from ending.
func TestHTTPServerAnswersManyAndEnds(t *testing.T) {
	p := start(t, "httpserver")
	transport := &http.Transport{MaxIdleConnsPerHost: 20}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 50 {
				answer, err := client.Get("http://" + p.addr)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if string(body) != "hello\n" || err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("%s: %q, %v", answer.Status, body, err)
				}
			}
		})
	}
	wg.Wait()
	p.signal(os.Interrupt)
	p.wait()
}
