package stream_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// cutTLS passes on what the client sends, handshake and all, in pieces of those sizes in turns,
// with a few turns of the loop after each. With flip above 0 a bit is changed, so many bytes after
// those that had passed when counting was set.
func (r tlsRelay) cutTLS(p *tlsPlace, cuts []byte, counting *bool, flip int) (flipped *bool) {
	p.Helper()
	flipped = new(bool)
	p.goes("relay to the server", func(t *kettle.Task) error {
		defer r.toServer.CloseWrite()
		passed := 0
		for i := 0; ; i++ {
			chunk, err := r.fromClient.Peek(1)
			if err != nil {
				return nil
			}
			size := 1000
			if len(cuts) > 0 {
				size = 1 + int(cuts[i%len(cuts)])
			}
			chunk = make([]byte, min(max(len(chunk), r.fromClient.Buffered()), size))
			if _, err := r.fromClient.ReadFull(chunk); err != nil {
				return nil
			}
			if *counting {
				if at := flip - 1 - passed; at >= 0 && at < len(chunk) {
					chunk[at] ^= 1 << (flip % 8)
					*flipped = true
				}
				passed += len(chunk)
			}
			if _, err := r.toServer.Write(chunk); err != nil {
				return nil
			}
			for range size % 3 {
				if t.Yield() != nil {
					return nil
				}
			}
		}
	})
	return flipped
}

// readInAllWays reads to the end, in ways that only the seed decides.
func readInAllWays(c *stream.Conn, seed uint64) (got []byte, err error) {
	r := rand.New(rand.NewPCG(seed, 0))
	buf := make([]byte, 9000)
	for {
		var chunk []byte
		n := 1 + r.IntN(len(buf))
		switch r.IntN(5) {
		case 0:
			chunk, err = c.Next()
		case 1:
			n, err = c.Read(buf[:n])
			chunk = buf[:n]
		case 2:
			n, err = c.ReadFull(buf[:n])
			chunk = buf[:n]
		case 3:
			chunk, err = c.ReadUntil([]byte{byte(r.IntN(256))})
			var incomplete *stream.IncompleteReadError
			if errors.As(err, &incomplete) {
				chunk = incomplete.Partial
			}
		case 4:
			_, err = c.Peek(min(n, 3000))
		}
		got = append(got, chunk...)
		var incomplete *stream.IncompleteReadError
		if err != nil && !errors.As(err, &incomplete) && !(err == io.EOF && c.Buffered() > 0) {
			return got, err
		}
	}
}

// However the bytes are cut the plaintext is the same, and whichever of them is changed the end is
// an error, behind nothing that was not written.
func FuzzTLSRecordBoundaries(f *testing.F) {
	f.Add([]byte{0}, uint64(1), uint16(300), uint16(0))
	f.Add([]byte{3, 0}, uint64(2), uint16(2000), uint16(0))
	f.Add([]byte{4, 255, 15, 0, 0}, uint64(3), uint16(20000), uint16(0))
	f.Add([]byte{250}, uint64(4), uint16(60000), uint16(0))
	f.Add([]byte{}, uint64(5), uint16(60000), uint16(0))
	for at := range uint16(40) { // header, body, and into the next record
		f.Add([]byte{byte(at * 7)}, uint64(at), uint16(10), at+1)
	}
	f.Add([]byte{77}, uint64(6), uint16(30000), uint16(20001))
	f.Fuzz(func(t *testing.T, cuts []byte, seed uint64, size, flip uint16) {
		if len(cuts) > 64 {
			return
		}
		onPipes(t, func(p *tlsPlace) {
			r := p.relayed()
			defer r.ends()
			text := noise(seed, int(size))
			begun := false
			flipped := r.cutTLS(p, cuts, &begun, int(flip))
			p.goes("client", func(*kettle.Task) error {
				p.must(r.client.StartTLS(p.client))
				p.reads(r.client, "go ahead") // the server has all of the handshake
				begun = true
				half := int(seed % uint64(len(text)+1))
				_, err := r.client.Writev([][]byte{text[:half], text[half:]})
				if err == nil {
					err = r.client.CloseWrite()
				}
				if err != nil && !*flipped {
					return err
				}
				_, _ = r.client.Next() // an alert, if any
				return nil
			})
			p.must(r.server.StartTLSServer(p.server))
			p.writes(r.server, "go ahead")
			got, err := readInAllWays(r.server, seed)
			switch {
			case !*flipped && (err != io.EOF || !bytes.Equal(got, text)):
				t.Errorf("read %d bytes of %d, or others, %v", len(got), len(text), err)
			case !bytes.HasPrefix(text, got):
				t.Errorf("read %d bytes that nobody has written", len(got))
			case *flipped && err == io.EOF:
				t.Errorf("a bit was changed, and the end is %v", err)
			}
		})
	})
}
