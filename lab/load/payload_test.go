package load

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestPayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPayload(rapid.Uint64().Draw(t, "seed"), serviceUpper)
		var seen [256]int
		for _, b := range p.requests[:period] {
			seen[b]++
		}
		letters := 0
		for b, n := range seen {
			if n == 0 {
				t.Fatalf("byte %#x does not occur", b)
			}
			if 'a' <= b && b <= 'z' {
				letters += n
			}
		}
		if letters < period*2/5 {
			t.Fatalf("%d of %d bytes are lower case letters", letters, period)
		}
		at := rapid.IntRange(0, period-1).Draw(t, "at")
		n := rapid.IntRange(0, maxChunk).Draw(t, "n")
		chunk := p.requests[at:][:n]
		for i, b := range chunk {
			if b != p.requests[(at+i)%period] {
				t.Fatalf("byte %d of a chunk at %d is not the stream's", i, at)
			}
		}
		want := bytes.Clone(chunk)
		for i, b := range want {
			if 'a' <= b && b <= 'z' {
				want[i] = b - 32
			}
		}
		if !bytes.Equal(p.answers[at:][:n], want) {
			t.Fatalf("the answers to %d bytes at %d are not theirs in upper case", n, at)
		}
	})
}

func TestSeedsAndConnectionsDiffer(t *testing.T) {
	a, b := newPayload(1, serviceEcho), newPayload(2, serviceEcho)
	if bytes.Equal(a.requests, b.requests) || !bytes.Equal(a.requests, a.answers) {
		t.Error("seeds 1 and 2 give the same bytes, or echo is not echo")
	}
	if again := newPayload(1, serviceEcho); !bytes.Equal(a.requests, again.requests) {
		t.Error("seed 1 gives different bytes")
	}
	seen := map[int]bool{}
	for i := range period {
		seen[start(i)] = true
	}
	if len(seen) != period {
		t.Errorf("%d connections begin at %d places", period, len(seen))
	}
}

func TestWrongByteIsDescribed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "want")
		at := rapid.IntRange(0, len(want)-1).Draw(t, "at")
		got := bytes.Clone(want)
		got[at] ^= 1
		if err := wrongByte(3, 1000, got, want); err == nil {
			t.Fatal("no error")
		}
	})
}
