package timeline_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/timeline"
)

var rewrite = flag.Bool("rewrite", false, "write the pictures in testdata, instead of comparing")

// kept returns a recording of testdata.
func kept(t *testing.T, name string) *timeline.Recording {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var rec timeline.Recording
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatal(err)
	}
	return &rec
}

// golden compares a picture with the file of that name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("it is not %s (-), but (+):\n%s", path, diff)
	}
}

// TestPictures are what they were when somebody looked at them. The recordings are of a real run.
func TestPictures(t *testing.T) {
	for _, name := range []string{"blocking", "threads", "polling", "select", "streams", "uring"} {
		t.Run(name, func(t *testing.T) {
			rec := kept(t, name)
			kernel, err := rec.KernelText(80, false)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", rec.Text(80, false)+"\n"+kernel)
		})
	}
	golden(t, "blocking.svg", kept(t, "blocking").SVG(timeline.Drawing{}))
	golden(t, "streams.svg", kept(t, "streams").SVG(timeline.Drawing{Width: 960}))
	for _, name := range []string{"polling", "streams"} {
		picture, err := kept(t, name).KernelSVG(timeline.Drawing{ID: "kernel"})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+"-kernel.svg", picture)
	}
}

// TestColours are told to a terminal, and change nothing else.
func TestColours(t *testing.T) {
	rec := kept(t, "blocking")
	plain, colored := rec.Text(80, false), rec.Text(80, true)
	kernel, err := rec.KernelText(80, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{colored, kernel} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, "\x1b[38") && !strings.HasSuffix(line, "\x1b[0m\n") {
				t.Errorf("a line ends in a colour: %q", line)
			}
		}
		if !strings.Contains(text, "\x1b[38;5;") {
			t.Errorf("no colour of a client in %q", text)
		}
	}
	var bare strings.Builder
	for rest := colored; rest != ""; {
		before, after, found := strings.Cut(rest, "\x1b[")
		bare.WriteString(before)
		if _, rest, _ = strings.Cut(after, "m"); !found {
			break
		}
	}
	if bare.String() != plain {
		t.Errorf("without its colours the text is\n%s, want\n%s", bare.String(), plain)
	}
}

// TestWidths: no line is longer than the terminal is wide, which may be any number of columns from
// 40 on, but for a word of the legend, and the headline.
func TestWidths(t *testing.T) {
	rec := kept(t, "streams")
	for width := 40; width < 200; width += 7 {
		_, picture, _ := strings.Cut(rec.Text(width, false), "\n")
		for line := range strings.Lines(picture) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("%d columns: a line has %d: %s", width, n, line)
			}
		}
	}
	if rec.Text(1, false) != rec.Text(40, false) {
		t.Error("below 40 columns the picture changes")
	}
}

// wellFormed checks that a picture is one for sure, that it needs nothing from elsewhere, that it
// tells those who cannot see it what it is, and that its parts have names of their own.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	names, references := make(map[string]bool), []string{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range element.Attr {
			switch {
			case a.Name.Local == "id" && names[a.Value]:
				t.Errorf("two parts are named %s", a.Value)
			case a.Name.Local == "id":
				names[a.Value] = true
			case strings.HasPrefix(a.Value, "url(#"):
				references = append(references, strings.TrimSuffix(a.Value[len("url(#"):], ")"))
			case a.Name.Local == "aria-labelledby":
				references = append(references, strings.Fields(a.Value)...)
			case strings.HasSuffix(a.Value, "%"):
				x, err := strconv.ParseFloat(strings.TrimSuffix(a.Value, "%"), 64)
				if err != nil || x < 0 || x > 100 {
					t.Errorf("%s of %s is %s", a.Name.Local, element.Name.Local, a.Value)
				}
			}
		}
	}
	for _, name := range references {
		if !names[name] {
			t.Errorf("no part is named %s", name)
		}
	}
	if len(references) < 2 || !strings.Contains(svg, `role="img"`) {
		t.Errorf("the picture does not say what it is: %.300s", svg)
	}
	if strings.Contains(strings.ReplaceAll(svg, `xmlns="http://www.w3.org/2000/svg"`, ""), "://") {
		t.Error("the picture refers to elsewhere")
	}
}

// TestPictureIsSafe whatever a server is called.
func TestPictureIsSafe(t *testing.T) {
	rec := kept(t, "streams")
	rec.Server = `<script>"&'`
	wellFormed(t, rec.SVG(timeline.Drawing{}))
	if strings.Contains(rec.SVG(timeline.Drawing{}), "<script") {
		t.Error("the name of a server is part of the page")
	}
}

// TestNothingToBeShown is no picture of a request, and an empty timeline.
func TestNothingToBeShown(t *testing.T) {
	rec := &timeline.Recording{Server: "nobody", Length: time.Millisecond,
		Clients: []timeline.Client{{Left: time.Millisecond}},
		Lanes:   []timeline.Lane{{Kind: "thread"}}}
	if text := rec.Text(80, false); !strings.HasPrefix(text, "nobody: 1 client, 1 thread\n") {
		t.Errorf("the timeline is\n%s", text)
	}
	wellFormed(t, rec.SVG(timeline.Drawing{}))
	if _, err := rec.KernelText(80, false); err == nil {
		t.Error("a request is shown although there was none")
	}
	if _, err := rec.KernelSVG(timeline.Drawing{}); err == nil {
		t.Error("a request is drawn although there was none")
	}
}

// TestRecordingsThatDoNotFitTogether are not read: to draw them is not possible.
func TestRecordingsThatDoNotFitTogether(t *testing.T) {
	const lanes = `"clients":[{}],"lanes":[{"kind":"thread"}]`
	for text, want := range map[string]string{
		`{` + lanes + `,"events":[{"lane":1}]}`:             "event 0 is of lane 1, of 1",
		`{` + lanes + `,"events":[{},{"lane":-1}]}`:         "event 1 is of lane -1, of 1",
		`{` + lanes + `,"events":[{"client":2}]}`:           "event 0 is of client 2, of 1",
		`{` + lanes + `,"events":[{"client":-1}]}`:          "event 0 is of client -1, of 1",
		`{` + lanes + `,"events":[{"tries":-1}]}`:           "event 0 has -1 attempts",
		`{"clients":[],"lanes":[{"client":1}],"events":[]}`: "lane 0 is of client 1, of 0",
		`{"lanes":[{"process":-1}]}`:                        "in process -1",
		`{"lanes":7}`:                                       "cannot unmarshal number",
	} {
		var rec timeline.Recording
		if err := json.Unmarshal([]byte(text), &rec); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// FuzzRecording: whatever can be read can be drawn.
func FuzzRecording(f *testing.F) {
	for _, name := range []string{"blocking", "polling", "streams"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"length":-5,"clients":[{"requests":[{}]}],"lanes":[{}],"events":[{"start":-9,` +
		`"end":-10,"op":"read","client":1,"n":1,"how":"blocks"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var rec timeline.Recording
		if json.Unmarshal(text, &rec) != nil {
			return
		}
		_, _ = rec.Text(80, true), rec.SVG(timeline.Drawing{})
		_, _ = rec.KernelText(80, true)
		_, _ = rec.KernelSVG(timeline.Drawing{Width: 1})
		_, _ = rec.Reads(), rec.WouldBlocks()
	})
}
