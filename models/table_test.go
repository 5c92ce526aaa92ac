package models_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/models"
)

// The table of models is complete, and what it points to exists.

func TestEveryModelIsDescribed(t *testing.T) {
	texts := map[string]string{}
	for _, name := range []string{"docs/async-model.md", "docs/async-model.zh-CN.md"} {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	seen := map[string]string{}
	for _, m := range models.All() {
		for field, value := range map[string]string{"name": m.Name, "summary": m.Summary,
			"threads": m.Threads, "waits": m.Waits, "limits": m.Limits, "section": m.Section} {
			if value == "" {
				t.Errorf("%s: it has no %s", m.Name, field)
			}
			if field != "threads" && seen[value] != "" {
				t.Errorf("%s and %s have the same %s: %q", seen[value], m.Name, field, value)
			}
			seen[value] = m.Name
		}
		for name, text := range texts {
			heading := "\n### " + m.Section + " " + m.Name + "\n"
			if !strings.Contains(text, heading) {
				t.Errorf("%s: %s lacks %q", m.Name, name, strings.TrimSpace(heading))
			}
		}
		source, err := os.ReadFile(m.File())
		if err != nil {
			t.Errorf("%s: its file: %v", m.Name, err)
		}
		own, all := m.Lines()
		if lines := strings.Count(string(source), "\n"); own < 10 || own >= lines || all < own {
			t.Errorf("%s: %d lines of its own and %d in all, of a file of %d", m.Name, own, all,
				lines)
		}
		if m.Backends && m.Blocking {
			t.Errorf("%s: its calls wait, although it has a loop", m.Name)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, name := range models.Names() {
		if m, err := models.Lookup(name); err != nil || m.Name != name {
			t.Errorf("Lookup(%q) = %q, %v", name, m.Name, err)
		}
	}
	for _, name := range []string{"", "Blocking", "fork"} {
		_, err := models.Lookup(name)
		want := "there is " + strings.Join(models.Names(), ", ")
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Lookup(%q): %v: want the names that there are", name, err)
		}
	}
}

func TestServices(t *testing.T) {
	all := make([]byte, 256) // among them one end of a line
	for i := range all {
		all[i] = byte(i)
	}
	for name, want := range map[string]string{"upper": string(upper(all)), "echo": string(all),
		"count": "1\n", "count-unlocked": "1\n"} {
		service, err := models.LookupService(name)
		if err != nil || service.Name != name || service.Summary == "" {
			t.Fatalf("%s: %+v, %v", name, service, err)
		}
		for cut := range all {
			chunk := append([]byte(nil), all...)
			got, _ := models.AnswerTo(service, chunk[:cut], chunk[cut:])
			if string(got) != want {
				t.Errorf("%s answers %q, cut at %d", name, got, cut)
			}
		}
	}
	for _, name := range models.Services() {
		if _, err := models.LookupService(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := models.LookupService("lower"); err == nil {
		t.Error("there is a service lower")
	}
}

// However many lines a chunk has, no answer is longer than there is room for.
func TestAnswersOfCountComeInPieces(t *testing.T) {
	for _, name := range []string{"count", "count-unlocked"} {
		service, err := models.LookupService(name)
		if err != nil {
			t.Fatal(err)
		}
		const lines = 300_000
		got, most := models.AnswerTo(service, bytes.Repeat([]byte("\n"), lines), []byte("tea"),
			[]byte(" for two\n"))
		var want []byte
		for n := range lines + 1 {
			want = fmt.Appendln(want, n+1)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes are answered, and not the numbers up to %d", name, len(got),
				lines+1)
		}
		if most > 4<<10 {
			t.Errorf("%s: an answer has %d bytes", name, most)
		}
	}
}
