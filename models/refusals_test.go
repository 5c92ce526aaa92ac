package models_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// What Serve refuses, and how it says so.

func TestServeRefusesBadConfig(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	const here = "127.0.0.1:0"
	taken, err := net.Listen("tcp", here)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, v := range modelsOnly() {
		for _, c := range []struct {
			config models.Config
			want   string
			only   bool // of models that cannot
		}{
			{models.Config{Addr: here, Service: "lower"},
				`unknown service "lower": there is upper, echo`, false},
			{models.Config{Addr: here, Wait: -time.Second},
				"the wait is -1s: it cannot be negative", false},
			{models.Config{Addr: here, Work: -time.Second},
				"the work is -1s: it cannot be negative", false},
			{models.Config{Addr: here, Service: "count"},
				" each process would have a counter of its own", true},
			{models.Config{Addr: here, MaxConns: -1},
				"the limit on connections is -1: it cannot be negative", false},
			{models.Config{Addr: here, Loops: -1},
				"the number of loops is -1: it cannot be negative", false},
			{models.Config{Addr: here, Backend: "poll"},
				" run on poll", true},
			{models.Config{Addr: here, Loops: 2}, "the model cannot run on 2 loops", true},
			{models.Config{Addr: taken.Addr().String()}, "address already in use", false},
			{models.Config{Addr: "nonsense"}, "missing port in address", false},
			{models.Config{Addr: "127.0.0.1:http-over-carrier-pigeon"}, "unknown port", false},
			{models.Config{Addr: "127.0.0.1:70000"}, "invalid port", false},
			{models.Config{Addr: "no.such.name.invalid:0"}, "no.such.name.invalid", false},
			{models.Config{Addr: "192.0.2.1:0"}, "assign requested address", false},
		} {
			able := v.model.Loops
			switch {
			case c.config.Backend != "":
				able = v.model.Backends
			case c.config.Service == "count":
				able = !v.perClient() && !v.forked()
			}
			if c.only && able {
				continue
			}
			c.config.Ready = func(a net.Addr) { t.Errorf("%v: %+v: it listens on %v", v, c, a) }
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			err := v.model.Serve(ctx, c.config)
			cancel()
			if err == nil {
				t.Errorf("%v: %+v: no error, want %q", v, c.config, c.want)
				continue
			}
			text := err.Error()
			begins := strings.HasPrefix(text, "serve "+v.model.Name+": ")
			if !begins || !strings.Contains(text, c.want) {
				t.Errorf("%v: the error is %q, want %q", v, text, c.want)
			}
			if strings.Contains(text, "\n") || strings.Count(text, "listen") > 1 {
				t.Errorf("%v: the error is not one clear line: %q", v, text)
			}
		}
	}
}

func TestServeRefusesUnknownBackend(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	for _, name := range []string{"selectors", "coroutines", "protocol", "streams"} {
		m, err := models.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		err = m.Serve(t.Context(), models.Config{Addr: "127.0.0.1:0", Backend: "telepathy"})
		if err == nil || !strings.Contains(err.Error(), `"telepathy"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A context that is cancelled already is a server that drains at once.
func TestServeOfCancelledContextReturns(t *testing.T) {
	for _, v := range variants() {
		if v.forked() || v.perClient() {
			continue // their workers would be this test
		}
		testenv.Need(t, testenv.Unix)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		returned := make(chan error, 1)
		go func() {
			returned <- v.model.Serve(ctx, models.Config{Addr: "127.0.0.1:0", Backend: v.backend,
				Loops: v.loops})
		}()
		select {
		case err := <-returned:
			if err != nil {
				t.Errorf("%v: %v", v, err)
			}
		case <-time.After(patience):
			t.Fatalf("%v does not return", v)
		}
	}
}

func TestListensOnNamesAndOnIPv6(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Addr: "localhost:0"}})
		ask(t, s.connect(t), "by name")
		s = start(t, v, launch{Config: models.Config{Addr: ":0"}})
		_, port, err := net.SplitHostPort(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		s.addr = "127.0.0.1:" + port
		ask(t, s.connect(t), "every address")
		testenv.Need(t, testenv.IPv6)
		s = start(t, v, launch{Config: models.Config{Addr: "[::1]:0", Verbose: true}})
		ask(t, s.connect(t), "sixth version")
		eventually(t, "the log tells the client's address", func() bool {
			return s.log.count("client [::1]:") == 1
		})
	})
}
