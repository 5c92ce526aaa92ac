package stream_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// noise returns bytes that only the seed decides.
func noise(seed uint64, n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(p)
	return p
}

func TestTLSCarriesMuchBothWaysAtOnce(t *testing.T) {
	const size = 10 << 20
	texts := [][]byte{noise(0, size), noise(1, size)}
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			client, server := p.secured()
			for i, c := range []*stream.Conn{client, server} {
				p.goes("writer", func(*kettle.Task) error {
					n, err := c.Write(texts[i])
					if n != size || err != nil {
						p.Errorf("wrote %d, %v", n, err)
					}
					return c.CloseWrite()
				})
				p.goes("reader", func(*kettle.Task) error {
					want := texts[1-i]
					for {
						chunk, err := c.Next()
						if err == io.EOF && len(want) == 0 {
							break
						}
						if err != nil || !bytes.HasPrefix(want, chunk) {
							p.Fatalf("%d bytes before the end others come, or %v", len(want), err)
						}
						want = want[len(chunk):]
					}
					return c.Close()
				})
			}
		})
	})
}

func TestTLSReadsInWhateverWayOneLikes(t *testing.T) {
	text := noise(7, 600_000)
	copy(text[1000:], "\n")
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			client, server := p.secured()
			p.goes("writer", func(*kettle.Task) error {
				_, err := client.Writev([][]byte{text[:10], text[10:150_000], text[150_000:]})
				p.must(err)
				return client.Close()
			})
			var got []byte
			take := func(chunk []byte, err error) {
				p.Helper()
				p.must(err)
				got = append(got, chunk...)
			}
			small, large := make([]byte, 100), make([]byte, 100_000)
			for range 3 {
				n, err := server.Read(small)
				take(small[:n], err)
				chunk, err := server.Peek(5000)
				p.must(err)
				peeked := bytes.Clone(chunk)
				n, err = server.Discard(5000)
				take(peeked, err)
				if n != 5000 {
					p.Errorf("discarded %d", n)
				}
				n, err = server.ReadFull(large[:60_000])
				take(large[:n], err)
				n, err = server.Read(large)
				take(large[:n], err)
				chunk, err = server.ReadUntil(text[len(got)+777:][:20])
				take(chunk, err)
				chunk, err = server.Next()
				take(chunk, err)
			}
			rest, err := io.ReadAll(server)
			take(rest, err)
			if !bytes.Equal(got, text) || !server.AtEOF() {
				p.Errorf("%d bytes have come, or others", len(got))
			}
			p.must(server.Close())
		})
	})
}

// R2
func TestTLSTalksToCryptoTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
			t.Run(tls.VersionName(version), func(t *testing.T) {
				talkToCryptoTLS(t, backend, version)
			})
		})
	}
}

// talkToCryptoTLS has a server of net answer a request.
func talkToCryptoTLS(t *testing.T, backend kettle.Option, version uint16) {
	const size = 1 << 20
	sides := newTLSSides(t)
	sides.server.MaxVersion = version
	ln, err := tls.Listen("tcp", "127.0.0.1:0", sides.server)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- answerInCryptoTLS(ln, size) }()
	inTLSPlace(t, backend, func(p *tlsPlace) {
		c, err := stream.Dial(p.group.Task, "tcp", ln.Addr().String())
		p.must(err)
		p.must(c.StartTLS(sides.client))
		p.writes(c, "GET / HTTP/1.0\r\n\r\n")
		line, err := c.ReadLine()
		if string(line) != "HTTP/1.0 200 OK" || err != nil {
			p.Errorf("read %q, %v", line, err)
		}
		body, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(body, noise(3, size)) {
			p.Errorf("%d bytes have come, or others, %v", len(body), err)
		}
		p.writes(c, "thanks") // its end is not ours
		p.must(c.Close())
	})
	if err := errors.Join(<-served, ln.Close()); err != nil {
		t.Error(err)
	}
}

// answerInCryptoTLS accepts one connection, answers, and reads to the end.
func answerInCryptoTLS(ln net.Listener, size int) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	c := conn.(*tls.Conn)
	request := make([]byte, len("GET / HTTP/1.0\r\n\r\n"))
	if _, err := io.ReadFull(c, request); err != nil {
		return err
	}
	_, err = c.Write(append([]byte("HTTP/1.0 200 OK\r\n"), noise(3, size)...))
	if err := errors.Join(err, c.CloseWrite()); err != nil {
		return err
	}
	thanks, err := io.ReadAll(c)
	if err == nil && string(thanks) != "thanks" {
		err = fmt.Errorf("the client has said %q", thanks)
	}
	return err
}

func TestTLSAnswersCryptoTLS(t *testing.T) {
	const size = 1 << 20
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		asked := make(chan error, 1)
		inTLSPlace(t, backend, func(p *tlsPlace) {
			ln, err := stream.Listen(p.group.Task, "tcp", "127.0.0.1:0")
			p.must(err)
			go func() { asked <- askInCryptoTLS(ln.Addr().String(), p.client, size) }()
			c, err := ln.Accept()
			p.must(err)
			p.must(ln.Close())
			p.must(c.StartTLSServer(p.server))
			got := make([]byte, size)
			if _, err := c.ReadFull(got); err != nil || !bytes.Equal(got, noise(4, size)) {
				p.Errorf("other bytes have come, %v", err)
			}
			p.ends(c, io.EOF)
			_, err = c.Write(got)
			p.must(err)
			p.must(c.Close())
		})
		if err := <-asked; err != nil {
			t.Error(err)
		}
	})
}

// askInCryptoTLS sends something, ends its side, and has it come back.
func askInCryptoTLS(addr string, config *tls.Config, size int) error {
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return err
	}
	defer c.Close()
	text := noise(4, size)
	_, err = c.Write(text)
	if err := errors.Join(err, c.CloseWrite()); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, text) {
		err = fmt.Errorf("%d bytes have come, or others", len(got))
	}
	return err
}

func TestTLSEndsWithCloseNotifyOnly(t *testing.T) {
	for _, notify := range []bool{true, false} {
		onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
			t.Run(fmt.Sprint("close_notify=", notify), func(t *testing.T) {
				inTLSPlace(t, backend, func(p *tlsPlace) { p.endsAfter(notify) })
			})
		})
	}
}

// endsAfter has a client of net write, and end TCP with or without a word.
func (p *tlsPlace) endsAfter(notify bool) {
	ln, err := stream.Listen(p.group.Task, "tcp", "127.0.0.1:0")
	p.must(err)
	done := make(chan error, 1)
	go func() { done <- writeAndEnd(ln.Addr().String(), p.client, notify) }()
	c, err := ln.Accept()
	p.must(err)
	p.must(ln.Close())
	p.must(c.StartTLSServer(p.server))
	want := io.EOF
	if !notify {
		want = io.ErrUnexpectedEOF
	}
	p.reads(c, "all of it")
	p.ends(c, want)
	p.ends(c, want) // again
	if c.AtEOF() != notify {
		p.Errorf("AtEOF is %v", c.AtEOF())
	}
	p.must(c.Close())
	p.must(<-done)
}

func writeAndEnd(addr string, config *tls.Config, notify bool) error {
	below, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer below.Close()
	c := tls.Client(below, config)
	if _, err := c.Write([]byte("all of it")); err != nil {
		return err
	}
	if notify {
		return c.CloseWrite()
	}
	return below.(*net.TCPConn).CloseWrite()
}

// N13: the ends of both sides are apart.
func TestTLSHalfCloseLeavesTheOtherHalf(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			client, server := p.secured()
			p.writes(client, "question")
			p.must(client.CloseWrite())
			p.must(client.CloseWrite())
			_, err := client.Write([]byte("more"))
			if err == nil || client.TryWrite([]byte("more")) == nil {
				p.Error("there is writing after the end")
			}
			p.reads(server, "question")
			p.ends(server, io.EOF)
			p.writes(server, "answer")
			p.must(server.Flush())
			p.must(server.Close())
			p.reads(client, "answer")
			p.ends(client, io.EOF)
			p.must(client.Close())
		})
	})
}

func TestTLSWriteIsAsSlowAsThePeer(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.must(errors.Join(p.handshakes(client, server)))
		most, written := 0, 0
		p.goes("writer", func(*kettle.Task) error {
			for range 100 {
				n, err := client.Write(noise(1, 50_000))
				p.must(err)
				written += n
				most = max(most, client.Pending())
			}
			return client.Close()
		})
		for range 50 { // nobody reads
			p.must(p.group.Yield())
		}
		if written > 300_000 {
			p.Errorf("%d bytes were written, and nobody reads", written)
		}
		got, err := io.ReadAll(server)
		if len(got) != 5_000_000 || err != nil {
			p.Errorf("read %d bytes, %v", len(got), err)
		}
		// The high-water mark, a piece, and what TLS adds to it.
		if most > 64<<10+50_000+2000 {
			p.Errorf("%d bytes were pending", most)
		}
		p.must(server.Close())
	})
}

// Of an idle connection nothing is kept but the state of crypto/tls.
func TestTLSThatIsIdleHoldsNoBuffer(t *testing.T) {
	for _, size := range []int{1, 100, 5000, 200_000} {
		onPipes(t, func(p *tlsPlace) {
			client, server := stream.Pipe(p.group.Task)
			p.must(errors.Join(p.handshakes(client, server)))
			text := string(noise(1, size))
			p.goes("client", func(*kettle.Task) error {
				p.writes(client, text)
				return nil
			})
			p.reads(server, text)
			p.goes("reader", func(*kettle.Task) error {
				p.ends(server, net.ErrClosed)
				return nil
			})
			for range 3 {
				p.must(p.group.Yield())
			}
			if stream.HoldsBytesOfTLS(server) {
				p.Error("it holds some")
			}
			client.Abort()
			p.must(server.Close())
		})
	}
}
