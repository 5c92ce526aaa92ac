package client

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What does not fit the window is left out, and nothing is left behind when it is repainted.
func TestNarrowWindow(t *testing.T) {
	for _, tt := range []struct {
		width       int
		status, row string
	}{
		{80, "[1] waiting 2.0 s  [2] waiting 2.0 s  [3] waiting 2.0 s", "[1]> the quick brown fox"},
		{54, "[1] waiting 2.0 s  [2] waiting 2.0 s  +1 more", "[1]> the quick brown fox"},
		{40, "[1] waiting 2.0 s  +2 more", "[1]> the quick brown fox"},
		{20, "[1] waiting 2.0 s", "[1]> ick brown fox"},
		{10, "[1] waiti", "rown fox"},
		{2, "[", ""},
		{1, "", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := sit(t, options(3, patient), 80, inMemory(every(serveNothing)))
			d.typ("a\rb\rc\rthe quick brown fox")
			synctest.Wait()
			d.screen.resize(tt.width)
			at(2050 * time.Millisecond)
			want := []string{"[1]> a", "[2]> b", "[3]> c"}
			if tt.status != "" {
				want = append(want, tt.status)
			}
			if tt.row != "" {
				want = append(want, tt.row)
			}
			d.sees(want...)
			d.typ("\x03")
			wantErr(t, d.leave(), ErrInterrupted)
			d.sees("[1]> a", "[2]> b", "[3]> c")
		})
	}
}

// A line longer than the window scrolls sideways while it is typed, and is whole once entered.
func TestLongLineScrolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(1, patient), 20, inMemory(every(serveUpper)))
		d.typ("the quick brown fox jumps")
		synctest.Wait()
		d.sees("[1]> own fox jumps")
		d.typ("\x01")
		synctest.Wait()
		d.sees("[1]> the quick brow")
		d.typ("\x05\r")
		synctest.Wait()
		d.sees("[1]> the quick brown", " fox jumps", "[1] THE QUICK BROWN", "FOX JUMPS", "[1]>")
		d.typ("\x04")
		if err := d.leave(); err != nil {
			t.Error(err)
		}
	})
}

// Characters two columns wide do not make the line wander while it is repainted.
func TestWideCharactersStayInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(1, patient), 20, inMemory(every(serveNothing)))
		line := strings.Repeat("你好", 5)
		d.typ("a\r" + line + "\x1b[D\x1b[D")
		for range 30 {
			at(100 * time.Millisecond)
		}
		d.sees("[1]> a", "[1] waiting 3.0 s", "[1]> 你好你好你好你")
		d.typ("大")
		synctest.Wait()
		d.sees("[1]> a", "[1] waiting 3.0 s", "[1]> 好你好你好大你")
		d.typ("\x03")
		wantErr(t, d.leave(), ErrInterrupted)
	})
}

// Ctrl-L clears the window and paints the prompt again.
func TestClearScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(1, patient), 80, inMemory(every(serveUpper)))
		d.typ("a\rb")
		synctest.Wait()
		d.typ("\x0c")
		synctest.Wait()
		d.sees("[1]> b")
		d.typ("\x03")
		wantErr(t, d.leave(), ErrInterrupted)
	})
}
