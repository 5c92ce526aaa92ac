package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pause waits in the time of a bubble.
func pause(d time.Duration) { <-time.After(d) }

// at is pause, and then waits until everybody else has done what there was to do.
func at(d time.Duration) {
	pause(d)
	synctest.Wait()
}

func options(conns int, timeout time.Duration) Options {
	return Options{Addr: "server", Conns: conns, Timeout: timeout}
}

// Which connection a line goes to is certain: the next one, and the prompt says which that is.
func TestLinesGoRoundRobin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got [3]strings.Builder
		dial := inMemory(func(n int, c peer) {
			serveUpper(struct {
				io.Reader
				io.WriteCloser
			}{io.TeeReader(c, &got[n-1]), c})
		})
		d := sit(t, options(3, patient), 80, dial)
		for _, line := range []string{"a", "b", "c", "d", "e"} {
			d.typ(line + "\r")
			synctest.Wait()
		}
		d.sees("[1]> a", "[1] A", "[2]> b", "[2] B", "[3]> c", "[3] C", "[1]> d", "[1] D",
			"[2]> e", "[2] E", "[3]>")
		d.typ("\x04")
		if err := d.leave(); err != nil {
			t.Error(err)
		}
		for i, want := range []string{"a\nd\n", "b\ne\n", "c\n"} {
			if got[i].String() != want {
				t.Errorf("connection %d got %q, want %q", i+1, got[i].String(), want)
			}
		}
	})
}

// Empty lines are skipped: nothing is sent, and it stays the same connection's turn.
func TestEmptyLinesAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(2, patient), 80, inMemory(every(serveUpper)))
		d.typ("\r\r\na\r\n\r\nb\r")
		d.typ("\x04")
		if err := d.leave(); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"[1]> a", "[1] A", "[2]> b", "[2] B"} {
			if !strings.Contains(d.screen.String(), want) {
				t.Errorf("the screen shows\n%s\nwithout %s", d.screen, want)
			}
		}
		if rows := strings.Count(d.screen.String(), "\n") + 1; rows != 4 {
			t.Errorf("the screen shows\n%s\nwant four rows", d.screen)
		}
	})
}

// A line without an answer is shown as waiting, live, and the prompt does not wait for it. This
// server serves only its second connection, as one that serves one client at a time would.
func TestWaitingIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(2, patient), 80, inMemory(func(n int, c peer) {
			if n == 1 {
				serveNothing(c)
			} else {
				serveUpper(c)
			}
		}))
		d.typ("one\r")
		synctest.Wait()
		d.sees("[1]> one", "[2]>") // not yet worth telling
		at(350 * time.Millisecond)
		d.sees("[1]> one", "[1] waiting 0.3 s", "[2]>")
		at(2750 * time.Millisecond)
		d.sees("[1]> one", "[1] waiting 3.1 s", "[2]>")
		d.typ("two\rthree")
		synctest.Wait()
		d.sees("[1]> one", "[2]> two", "[2] TWO", "[1] waiting 3.1 s", "[1]> three")
		d.typ("\r")
		at(time.Second)
		d.sees("[1]> one", "[2]> two", "[2] TWO", "[1]> three", "[1] waiting 4.1 s (2 lines)",
			"[2]>")
		d.typ("\x03")
		wantErr(t, d.leave(), ErrInterrupted)
		d.sees("[1]> one", "[2]> two", "[2] TWO", "[1]> three") // no trace of what was only live
	})
}

// Waiting is shown ten times a second, in place, and costs little each time; an idle prompt does
// not touch the terminal at all.
func TestScreenIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(10, time.Hour), 80, inMemory(every(serveNothing)))
		synctest.Wait()
		before := d.screen.sent()
		at(time.Minute)
		if n := d.screen.sent() - before; n != 0 {
			t.Errorf("%d bytes written while nothing happened", n)
		}
		d.typ(strings.Repeat("x\r", 10))
		synctest.Wait()
		before = d.screen.sent()
		at(10 * time.Second)
		if n := d.screen.sent() - before; n > 100*120 {
			t.Errorf("%d bytes written in 10 s, want at most 100 paintings of 120", n)
		}
		d.typ("\x03")
		wantErr(t, d.leave(), ErrInterrupted)
	})
}

// An answer that takes too long is reported once, and still printed when it comes.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(1, 10*time.Second), 80, inMemory(every(func(c peer) {
			pause(12300 * time.Millisecond)
			serveUpper(c)
		})))
		d.typ("slow\r")
		at(9950 * time.Millisecond)
		d.sees("[1]> slow", "[1] waiting 9.9 s", "[1]>")
		at(150 * time.Millisecond)
		d.sees("[1]> slow", "[1] no answer in 10 s", "[1]>")
		at(5 * time.Second)
		d.sees("[1]> slow", "[1] no answer in 10 s", "[1] SLOW (late: after 12.3 s)", "[1]>")
		d.typ("\x04")
		if err := d.leave(); err != nil {
			t.Errorf("every line was answered, but: %v", err)
		}
	})
}

// Ctrl-D half-closes and waits for what is missing: here for a server that starts to answer only
// when the client has finished.
func TestEndWaitsForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(2, 10*time.Second), 80, inMemory(every(func(c peer) {
			all, _ := io.ReadAll(c)
			pause(time.Second)
			c.Write(upper(all))
			c.Close()
		})))
		d.typ("a\rb\rc\r")
		at(20 * time.Second) // all are given up, which is not the end
		d.typ("\x04ignored\r")
		at(500 * time.Millisecond)
		if s := d.screen.String(); !strings.HasSuffix(s, "[1] waiting 20.5 s (2 lines)  "+
			"[2] waiting 20.5 s") {
			t.Errorf("the screen shows\n%s\nwant what is awaited, and no prompt", s)
		}
		if err := d.leave(); err != nil {
			t.Errorf("every line was answered, but: %v", err)
		}
		for _, want := range []string{"[1] A (late", "[2] B (late", "[1] C (late"} {
			if !strings.Contains(d.screen.String(), want) {
				t.Errorf("the screen shows\n%s\nwithout %s", d.screen, want)
			}
		}
	})
}

// ... but not for longer than the time-out.
func TestEndWithoutAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(2, 10*time.Second), 80, inMemory(every(func(c peer) {
			io.Copy(io.Discard, c)
			pause(time.Hour)
		})))
		start := time.Now()
		d.typ("a\rb\rc\r\x04")
		wantTimeout(t, d.leave(), "waiting for server: 3 lines unanswered")
		if took := time.Since(start).Round(time.Second); took != 10*time.Second {
			t.Errorf("it took %v, want 10 s", took)
		}
		d.sees("[1]> a", "[2]> b", "[1]> c", "[1] no answer in 10 s", "[1] no answer in 10 s",
			"[2] no answer in 10 s")
		pause(2 * time.Hour)
	})
}

// The end of the terminal is the end of the input; a terminal that fails is an error.
func TestTerminalEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(2, patient), 80, inMemory(every(serveUpper)))
		d.typ("a\r")
		d.keys.Close()
		if err := d.leave(); err != nil {
			t.Error(err)
		}
		d.sees("[1]> a", "[1] A")

		d = sit(t, options(2, patient), 80, inMemory(every(serveUpper)))
		broken := errors.New("unplugged")
		d.keys.CloseWithError(broken)
		wantErr(t, d.leave(), broken, "reading from the terminal")
	})
}

// The terminal is raw while the prompt runs, and only then.
func TestTerminalIsRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		r, w := io.Pipe()
		tty := Terminal{In: r, Out: &vt{width: 80}, Raw: func() (func() error, error) {
			log = append(log, "raw")
			return func() error { log = append(log, "restored"); return nil }, nil
		}}
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("terminated")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		wantErr(t, prompt(ctx, options(1, patient), inMemory(every(serveUpper)), tty), cause)
		w.Close()
		if got := strings.Join(log, ", "); got != "raw, restored" {
			t.Errorf("the terminal was %s, want raw, restored", got)
		}

		refused := errors.New("not a terminal")
		tty.Raw = func() (func() error, error) { return nil, refused }
		err := prompt(t.Context(), options(1, patient), inMemory(every(serveUpper)), tty)
		wantErr(t, err, refused, "preparing the terminal")
	})
}

// What a server sends cannot command the terminal.
func TestAnswersAreShownSafely(t *testing.T) {
	const evil = "\x1b]0;owned\a \x9b31m \xff \u202e \u009b \t 你好 \r\n"
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(1, patient), 120, inMemory(every(func(c peer) {
			io.ReadFull(c, make([]byte, len(evil)))
			io.WriteString(c, evil)
			serveNothing(c)
		})))
		d.typ(strings.Repeat("x", len(evil)-1) + "\r")
		synctest.Wait()
		d.sees("[1]> "+strings.Repeat("x", len(evil)-1),
			`[1] \x1b]0;owned\a \x9b31m \xff \u202e \u009b \t 你好 \r`, "[1]>")
		d.typ("\x04")
		if err := d.leave(); err != nil {
			t.Error(err)
		}
	})
}

// Ten connections over TCP, as a person would use them.
func TestPromptOverTCP(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	d := sit(t, Options{Addr: addr, Conns: 10, Timeout: patient}, 80, dialTCP)
	for range 11 {
		d.typ("größe, 大小, a\r")
	}
	d.typ("\x04")
	if err := d.leave(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"[10]> größe, 大小, a", "[10] GRößE, 大小, A"} {
		if n := strings.Count(d.screen.String(), want); n != 1 {
			t.Errorf("the screen shows\n%s\nwith %s %d times, want once", d.screen, want, n)
		}
	}
}

// A terminal that cannot be written to is an error.
func TestScreenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		out, gone := io.Pipe()
		gone.Close()
		out.Close()
		err := prompt(t.Context(), options(1, patient), inMemory(every(serveUpper)),
			Terminal{In: r, Out: gone})
		wantErr(t, err, io.ErrClosedPipe, "writing to the terminal")
	})
}
