package ascii_test

import (
	"bytes"
	"testing"

	"github.com/kettle-go/kettle/internal/ascii"
)

// upperByte is the definition that Upper is checked against.
func upperByte(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 32
	}
	return c
}

func TestUpperEveryByteAtEveryPlace(t *testing.T) {
	for place := range 17 {
		for value := range 256 {
			for _, filler := range []byte{0, 'a', 'z', 0x7f, 0x80, 0xff} {
				got := bytes.Repeat([]byte{filler}, 17)
				got[place] = byte(value)
				want := make([]byte, len(got))
				for i, c := range got {
					want[i] = upperByte(c)
				}
				if ascii.Upper(got); !bytes.Equal(got, want) {
					t.Fatalf("byte %#x at %d among %#x: got %q, want %q",
						value, place, filler, got, want)
				}
			}
		}
	}
}

func FuzzUpper(f *testing.F) {
	f.Add([]byte("The kettle, ß and \xff"), uint(3))
	f.Fuzz(func(t *testing.T, p []byte, cut uint) {
		want := make([]byte, len(p))
		for i, c := range p {
			want[i] = upperByte(c)
		}
		at := int(cut % uint(len(p)+1))
		ascii.Upper(p[:at])
		ascii.Upper(p[at:])
		if !bytes.Equal(p, want) {
			t.Errorf("cut at %d: got %q, want %q", at, p, want)
		}
	})
}

func BenchmarkUpper(b *testing.B) {
	p := bytes.Repeat([]byte("The kettle whistles. "), 1000)[:64]
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		ascii.Upper(p)
	}
}
