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
	seen := map[int32]bool{}
	for i := range period {
		seen[a.start(i)] = true
	}
	if len(seen) != period {
		t.Errorf("%d connections begin at %d places", period, len(seen))
	}
}

// TestMarkedPayload: each request begins with the marker, which occurs nowhere else, and the stream
// goes on past the end of its block.
func TestMarkedPayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(len(Marker), 300), rapid.IntRange(len(Marker), 20_000),
			rapid.IntRange(MaxSize-10, MaxSize)).Draw(t, "size")
		seed := rapid.Uint64().Draw(t, "seed")
		p := newRequests(seed, serviceUpper, size, Marker)
		requests := int(p.period) / size
		if int(p.period) != requests*size || p.period < period || len(p.requests) < maxChunk {
			t.Fatalf("a block of %d bytes for requests of %d", p.period, size)
		}
		if n := bytes.Count(p.requests[:p.period], []byte(Marker)); n != requests {
			t.Fatalf("%d markers in %d requests", n, requests)
		}
		i := rapid.IntRange(0, 1000).Draw(t, "i")
		if at := p.start(i); !bytes.HasPrefix(p.requests[at:], []byte(Marker)) {
			t.Fatalf("connection %d begins at %d, in the middle of a request", i, at)
		}
		want := bytes.Clone(p.requests)
		upper(want)
		if !bytes.Equal(p.answers, want) ||
			!bytes.Equal(p.requests[p.period:], p.requests[:maxChunk]) {
			t.Fatal("the answers are not those to the requests, or the stream does not go on")
		}
	})
}

// TestBlockIsWithoutTheWord, which is so short here that it would now and then occur by chance.
func TestBlockIsWithoutTheWord(t *testing.T) {
	const word = "tea"
	was := 0
	for seed := range uint64(60) {
		b := block(seed, word)
		if twice := append(bytes.Clone(b), b...); bytes.Contains(twice, []byte(word)) {
			t.Errorf("seed %d: the block has the word", seed)
		}
		if !bytes.Equal(b, block(seed, "no block has words of more than some bytes")) {
			was++
		}
	}
	if was == 0 || was > 30 {
		t.Errorf("%d of 60 blocks had to be shuffled again", was)
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
