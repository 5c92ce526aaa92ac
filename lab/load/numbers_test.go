package load

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestLedger, against a map of all numbers.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l ledger
		seen := map[uint64]bool{}
		var answers, lowest, highest uint64
		add := func(n uint64) {
			if !l.add(n) {
				t.Fatalf("there is no room for %d", n)
			}
			if answers == 0 || n < lowest {
				lowest = n
			}
			answers, highest, seen[n] = answers+1, max(highest, n), true
		}
		base := rapid.Uint64Range(1, 1<<63).Draw(t, "base")
		for range rapid.IntRange(0, 4).Draw(t, "runs") { // a run fills pages
			from := base + rapid.Uint64Range(0, 3*pageBits).Draw(t, "from")
			for n := range rapid.Uint64Range(0, 2*pageBits).Draw(t, "length") {
				add(from + n)
			}
		}
		for _, n := range rapid.SliceOf(rapid.Uint64Range(0, 5*pageBits)).Draw(t, "single") {
			add(base + n)
		}
		c := l.counted()
		want := Counted{Answers: int64(answers), Lowest: lowest, Highest: highest,
			Twice: int64(answers) - int64(len(seen))}
		if answers > 0 {
			want.Missing = int64(highest-lowest) + 1 - int64(len(seen))
		}
		if *c != want {
			t.Fatalf("%+v, want %+v", *c, want)
		}
	})
}

// TestLedgerIsBounded: full pages cost next to nothing, and there are not many others.
func TestLedgerIsBounded(t *testing.T) {
	var l ledger
	for n := range uint64(20 * pageBits) {
		if !l.add(n + 1) {
			t.Fatalf("there is no room for %d", n+1)
		}
	}
	if l.open != 2 { // the first, which lacks 0, and the one after the last
		t.Errorf("%d pages are open", l.open)
	}
	for n := uint64(100); ; n++ {
		if !l.add(n * pageBits) {
			break
		}
		if l.open > maxOpen {
			t.Fatalf("%d pages are open", l.open)
		}
	}
	if !l.add(3 * pageBits) {
		t.Error("there is no room for what is on a full page")
	}
}

// TestLines: each request is one line, which may begin with the marker.
func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		marker := rapid.SampledFrom([]string{"", Marker}).Draw(t, "marker")
		size := rapid.IntRange(len(marker)+1, 20_000).Draw(t, "size")
		p := newRequests(rapid.Uint64().Draw(t, "seed"), serviceCount, size, marker)
		at := int(p.start(rapid.IntRange(0, 1000).Draw(t, "i")))
		if at%size != 0 {
			t.Fatalf("a connection begins at %d, in the middle of a request", at)
		}
		for ; at+size <= len(p.requests); at += size {
			request := p.requests[at:][:size]
			if end := bytes.IndexByte(request, '\n'); end != size-1 {
				t.Fatalf("a request of %d bytes has the end of its line at %d", size, end)
			}
			if marked := bytes.HasPrefix(request, []byte(Marker)); marked != (marker != "") {
				t.Fatalf("a request begins with the marker: %v", marked)
			}
		}
	})
}
