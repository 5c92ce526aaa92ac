package models_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/client"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
)

// Over a megabyte of real text, the source of Go's own net package, through ten clients of the
// command at the same time.
func TestRealTextThroughTenClients(t *testing.T) {
	testenv.Need(t, testenv.GoCommand) // its source is there too
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "net", "*.go")
	files, err := filepath.Glob(source)
	if err != nil || len(files) == 0 {
		t.Fatalf("the source of package net: %v, %d files", err, len(files))
	}
	var text []byte
	for _, name := range files {
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part...)
	}
	if len(text) < 1_000_000 {
		t.Fatalf("the text has only %d bytes", len(text))
	}
	text = text[:len(text)/race.Less(1, 4)]
	want := upper(text)
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		err := together(10, false, func(int) error {
			var out bytes.Buffer
			o := client.Options{Addr: s.addr, Conns: 1, Timeout: patience}
			if err := client.Pipe(t.Context(), o, bytes.NewReader(text), &out); err != nil {
				return err
			}
			if !bytes.Equal(out.Bytes(), want) {
				return errors.New("what came back is not the text in upper case")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Thousands of clients who say nothing cost nothing but memory. A model with a lower limit has
// as many as that.
func TestSilentCrowd(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	testenv.Long(t)
	testenv.NeedDescriptors(t, 5200)
	for _, v := range modelsOnly() {
		if v.serial() || v.model.Name == "polling" {
			continue
		}
		t.Run(v.String(), func(t *testing.T) {
			n := map[string]int{"processes": 256, "threads": 1000, "select": 1000}[v.model.Name]
			if n == 0 {
				n = 5000
			}
			s := start(t, v, launch{})
			s.crowd(t, n)
			window(t.Context(), 2*time.Second) // Go's collector and scavenger come to rest
			before := s.sample(t)
			window(t.Context(), 3*time.Second)
			used := s.sample(t).Since(before)
			share := used.CPU.Seconds() / used.Elapsed.Seconds()
			t.Logf("%d silent clients: %.2f %% of a CPU", n, 100*share)
			if share >= 0.01 {
				t.Errorf("with %d silent clients it uses %.2f %% of a CPU", n, 100*share)
			}
		})
	}
}
