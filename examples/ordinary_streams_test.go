package examples_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// TestReadersAndWritersOfOthersWaitOnStreams: the client sends a value in two pieces, then another
// one, and finishes.
func TestReadersAndWritersOfOthersWaitOnStreams(t *testing.T) {
	virtually(t, func(task *kettle.Task) error {
		client, server := stream.Pipe(task)
		defer client.Close()
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("server", func(task *kettle.Task) error {
				if err := greet(task, server); err != io.EOF {
					t.Errorf("greet: %v, want the end of the stream", err)
				}
				return announce(server, "good night to", 2)
			})
			for _, piece := range []string{`{"Name": "Mo`, `lly"}`, `{"Name": "Leo"}`} {
				if err == nil {
					_, err = io.WriteString(client, piece)
				}
				if err == nil {
					err = g.Yield()
				}
			}
			if err == nil {
				err = client.CloseWrite()
			}
			lines := bufio.NewScanner(client)
			for _, want := range []string{"good evening, Molly", "good evening, Leo",
				"good night to 2"} {
				if !lines.Scan() || lines.Text() != want {
					t.Errorf("%q, %v, want %q", lines.Text(), lines.Err(), want)
				}
			}
			return err
		})
	})
}

// TestPagesAreServedUntilTheDrain: what they are asked through is beside the point, so there is no
// client; see TestHTTPServerAnswersManyAndEnds for one.
func TestPagesAreServedUntilTheDrain(t *testing.T) {
	run(t, func(task *kettle.Task) error {
		task.Drain(patience)
		return pages(task, http.NotFoundHandler())
	})
}
