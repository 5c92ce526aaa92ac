package client

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// One read is not one answer: it may be a piece of one, or several.
func TestAnswerInPieces(t *testing.T) {
	for _, piece := range []int{1, 2, 3, 7, 100} {
		synctest.Test(t, func(t *testing.T) {
			// This server waits for both lines and then answers in pieces of its own liking.
			dial := inMemory(every(func(c peer) {
				defer c.Close()
				var all []byte
				buf := make([]byte, 64)
				for bytes.Count(all, []byte("\n")) < 2 {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					all = append(all, buf[:n]...)
				}
				for all = upper(all); len(all) > 0; {
					n, err := c.Write(all[:min(piece, len(all))])
					if err != nil {
						return
					}
					all = all[n:]
				}
				serveNothing(c)
			}))
			d := sit(t, Options{Addr: "server", Conns: 1, Timeout: patient}, 80, dial)
			d.typ("hello world\rhow are you?\r")
			synctest.Wait()
			d.sees("[1]> hello world", "[1]> how are you?", "[1] HELLO WORLD", "[1] HOW ARE YOU?",
				"[1]>")
			d.typ("\x04")
			if err := d.leave(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A long line is answered in many reads over a real connection, too.
func TestLongAnswerOverTCP(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	line := string(bytes.Repeat([]byte("x"), maxLine))
	d := sit(t, Options{Addr: addr, Conns: 2, Timeout: patient}, maxLine+100, dialTCP)
	d.typ(line)
	d.typ("ignored, as the line is full\r\x04")
	if err := d.leave(); err != nil {
		t.Error(err)
	}
	want := "[1]> " + line + "\n[1] " + string(upper([]byte(line)))
	if got := d.screen.String(); got != want {
		t.Errorf("the screen shows %d bytes, want %d", len(got), len(want))
	}
}

// Bytes that nobody asked for end the client: it does not talk to what it thinks it does.
func TestSurplus(t *testing.T) {
	var a answers
	a.expect(3, time.Time{})
	whole, err := a.add([]byte("AB\nCDE"))
	if len(whole) != 1 || string(whole[0].text) != "AB\n" || !errors.Is(err, ErrSurplus) {
		t.Errorf("got %d answers and %v, want AB and ErrSurplus", len(whole), err)
	}

	dial := func(c peer) {
		c.Write([]byte("220 welcome\r\n"))
		c.Close()
	}
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, Options{Addr: "smtp", Conns: 1, Timeout: patient}, 80, inMemory(every(dial)))
		wantErr(t, d.leave(), ErrSurplus, "connection 1 to smtp", "13 bytes too many")
	})
}

// FuzzAnswers cuts lines and their answers anywhere. Whatever the pieces, the answers are the
// lines, in order, none lost, none twice.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("hello\nyou\n"), []byte{1, 2, 3})
	f.Add([]byte("\n\n\n"), []byte{2})
	f.Add([]byte("no newline at the end"), []byte{})
	f.Add([]byte{0xff, 0, '\n', 'a'}, []byte{0, 1, 200})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		var a answers
		var lines [][]byte
		for line := range bytes.Lines(stream) {
			lines = append(lines, line)
		}
		// What is cut at cuts[i] comes while all lines are asked for, or only as many as needed.
		asked, owed := 0, 0
		ask := func() {
			a.expect(len(lines[asked]), time.Time{})
			owed += len(lines[asked])
			asked++
		}
		var got [][]byte
		for i, came := 0, 0; came < len(stream); i++ {
			n := len(stream) - came
			if i < len(cuts) {
				n = min(int(cuts[i]), n)
			}
			for owed < came+n {
				ask()
			}
			piece := bytes.Clone(stream[came : came+n])
			whole, err := a.add(piece)
			if err != nil {
				t.Fatalf("after %d bytes: %v", came, err)
			}
			clear(piece) // the caller's buffer is the caller's again
			for _, w := range whole {
				got = append(got, w.text)
			}
			came += n
		}
		if len(a.waiting) != 0 || len(a.part) != 0 {
			t.Errorf("%d lines and %d bytes left over", len(a.waiting), len(a.part))
		}
		if len(got) != len(lines) {
			t.Fatalf("%d answers to %d lines", len(got), len(lines))
		}
		for i := range got {
			if !bytes.Equal(got[i], lines[i]) {
				t.Errorf("answer %d is %q, want %q", i, got[i], lines[i])
			}
		}
	})
}
