package models_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What a server says about its clients, who may send anything.

var logLine = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{6} (client|request) [0-9.]+:\d+`)

func TestAnyByteInLog(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: verbose})
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		c := s.connect(t)
		for _, p := range []string{
			string(all), "\xff", "caf\xc3", "\xa9", strings.Repeat("é", 200)[1:], "水壶"[:4],
			"\x1b[2J\x07", "two\nlines\r\n", "\u202e", "%s%d%!",
		} {
			ask(t, c, p)
		}
		c.Close()
		eventually(t, "the end is told", func() bool { return s.log.count(" left\n") == 1 })
		ask(t, s.connect(t), "next")
		text := s.log.String()
		if !utf8.ValidString(text) {
			t.Error("the log is not UTF-8")
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if !logLine.MatchString(line) {
				t.Errorf("a line that a client has made: %q", line)
			}
			if i := strings.IndexFunc(line, unicode.IsControl); i >= 0 {
				t.Errorf("a control character: %q", line)
			}
		}
		for _, want := range []string{`\x00\x01`, `"\xff"`, `"caf\xc3"`, `"two\nlines\r\n"`,
			`"\x1b[2J\a"`, `"\u202e"`, `"%s%d%!"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the log lacks %s", want)
			}
		}
	})
}

// With --verbose a server tells the life of a client; without, it is silent.
func TestLogTellsTheLifeOfAClient(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		said := start(t, v, launch{Config: verbose})
		silent := start(t, v, launch{})
		for _, s := range []*server{said, silent} {
			c := s.connect(t)
			ask(t, c, "hello")
			c.Close()
			lost := s.connect(t)
			ask(t, lost, "bye")
			reset(lost)
		}
		eventually(t, "all is told", func() bool {
			return said.log.count(" left\n") == 1 && said.log.count(" lost: ") == 1
		})
		for what, n := range map[string]int{" connected\n": 2, `: "hello"`: 1, `: "bye"`: 1,
			"reset by peer": 1} {
			if got := said.log.count(what); got != n {
				t.Errorf("the log has %d of %q, want %d", got, what, n)
			}
		}
		silent.stop(t)
		if text := silent.log.String(); text != "" {
			t.Errorf("the server was not asked to talk, and said %q", text)
		}
	})
}

// A request that is too long for a line is cut, and the log says so.
func TestLongRequestIsCutInLog(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: verbose})
		ask(t, s.connect(t), strings.Repeat("x", 3000))
		eventually(t, "the request is told", func() bool {
			return s.log.count(" bytes more\n") > 0
		})
		for line := range strings.Lines(s.log.String()) {
			if len(line) > 1200 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
	})
}

// Each client that has come is told to have gone, by the same address, however early it went.
func TestLogPairsBeginningAndEnd(t *testing.T) {
	address := regexp.MustCompile(`client (.*) (connected|left|lost: .*)\n`)
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: verbose})
		const clients = 20
		for range clients {
			reset(s.connect(t))
		}
		ask(t, s.connect(t), "the last one")
		eventually(t, "all ends are told", func() bool {
			return s.log.count(" left\n")+s.log.count(" lost: ") == s.log.count(" connected\n")-1
		})
		here := map[string]int{}
		for _, m := range address.FindAllStringSubmatch(s.log.String(), -1) {
			if here[m[1]]--; m[2] == "connected" {
				here[m[1]] += 2
			}
		}
		for client, n := range here {
			if n < 0 {
				t.Errorf("client %s has gone, and has never come", client)
			}
		}
	})
}
