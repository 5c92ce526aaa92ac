package models_test

import (
	"os"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/models"
)

// The table of models is complete, and what it points to exists.

func TestEveryModelIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../docs/async-model.md")
	if err != nil {
		t.Fatal(err)
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
		if heading := "\n### " + m.Section + " " + m.Name + "\n"; !strings.Contains(string(text),
			heading) {
			t.Errorf("%s: docs/async-model.md lacks %q", m.Name, strings.TrimSpace(heading))
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
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, want := range map[string]string{"upper": string(upper(all)), "echo": string(all)} {
		service, err := models.LookupService(name)
		if err != nil {
			t.Fatal(err)
		}
		got := append([]byte(nil), all...)
		if service(got); string(got) != want {
			t.Errorf("%s answers %q", name, got)
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
