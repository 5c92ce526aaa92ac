package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// serves runs a server with TLS, and returns its address, and what ends it.
func (p *tlsPlace) serves(handler stream.Handler) (addr string, end func()) {
	p.Helper()
	ln, err := (&stream.ListenConfig{TLS: p.server}).Listen(p.group.Task, "tcp", "127.0.0.1:0")
	p.must(err)
	var serving *kettle.Task
	var over kettle.Event
	server := &stream.Server{Handler: handler, OnError: func(_ *stream.Conn, err error) {
		var handshake *stream.HandshakeError
		if !errors.As(err, &handshake) {
			p.Error(err)
		}
	}}
	p.goes("server", func(t *kettle.Task) error {
		defer over.Set()
		return t.WithCancel(func(t *kettle.Task) error {
			serving = t
			err := server.Serve(t, ln)
			if t.Cancelled(err) {
				return nil
			}
			return err
		})
	})
	return ln.Addr().String(), func() {
		p.Helper()
		serving.Cancel(nil)
		p.must(over.Wait(p.group.Task))
	}
}

func TestTLSOfServersAndDialers(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			addr, end := p.serves(upperLines)
			// Without a name in the config the certificate must be for the address.
			dialer := stream.Dialer{TLS: &tls.Config{RootCAs: p.authority}}
			c, err := dialer.Dial(p.group.Task, "tcp", addr)
			p.must(err)
			if state, ok := c.ConnectionState(); !ok || !state.HandshakeComplete {
				p.Errorf("the state is %+v, %v", state, ok)
			}
			p.writes(c, "hello\nworld\n")
			p.reads(c, "HELLO\nWORLD\n")
			p.must(c.CloseWrite())
			p.ends(c, io.EOF)
			p.must(c.Close())

			distrusting := stream.Dialer{TLS: &tls.Config{RootCAs: x509.NewCertPool()}}
			_, err = distrusting.Dial(p.group.Task, "tcp", addr)
			var unknown x509.UnknownAuthorityError
			if !errors.As(err, &unknown) {
				p.Errorf("to dial an impostor gives %v", err)
			}
			end()
		})
	})
}

// Some of the clients of a server are silent, some say nonsense, some go in the midst of the
// handshake: the others are served, and nothing is left.
func TestTLSServesAmongClientsThatDoNotShakeHands(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			addr, end := p.serves(upperLines)
			for i := range 60 {
				c, err := stream.Dial(p.group.Task, "tcp", addr)
				p.must(err)
				switch i % 4 {
				case 0:
					p.writes(c, "GET / HTTP/1.0\r\n\r\n")
				case 1:
					p.writes(c, "\x16\x03\x01\x02\x00\x01")
					c.Abort()
				case 2:
					p.must(c.CloseWrite())
				case 3:
					p.must(c.StartTLS(p.client))
					p.writes(c, "hello\n")
					p.reads(c, "HELLO\n")
				}
				defer c.Abort()
			}
			end()
		})
	})
}

func TestTLSDrainEndsAtWhatHasArrived(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		sides := newTLSSides(t)
		var got []string
		err := kettle.Run(func(task *kettle.Task) error {
			return task.Group(func(g *kettle.Group) error {
				p := &tlsPlace{T: t, tlsSides: sides, group: g}
				ln, err := (&stream.ListenConfig{TLS: p.server}).Listen(task, "tcp", "127.0.0.1:0")
				p.must(err)
				p.goes("client", func(t *kettle.Task) error {
					d := stream.Dialer{TLS: p.client}
					c, err := d.Dial(t, "tcp", ln.Addr().String())
					p.must(err)
					p.writes(c, "one\n")
					p.reads(c, "ONE\n")
					p.writes(c, "two\n")
					t.Drain(time.Minute)
					p.reads(c, "TWO\n") // it was answered
					p.ends(c, io.EOF)   // and the connection ended with a word
					return c.Close()
				})
				return stream.Serve(g.Task, ln, func(t *kettle.Task, c *stream.Conn) error {
					for {
						line, err := c.ReadLine()
						if err != nil {
							return err
						}
						got = append(got, string(line))
						if _, err := c.Write(append(bytes.ToUpper(line), '\n')); err != nil {
							return err
						}
					}
				})
			})
		}, backend)
		if err != nil || len(got) != 2 {
			t.Errorf("served %q, %v", got, err)
		}
	})
}

// Clients on other goroutines, through crypto/tls, many at once.
func TestTLSServesManyOfCryptoTLS(t *testing.T) {
	const many = 40
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			addr, end := p.serves(upperLines)
			err := p.group.WithTimeout(time.Minute, func(t *kettle.Task) error {
				_, err := kettle.Blocking(t, func(ctx context.Context) (int, error) {
					done := make(chan error)
					for range many {
						go func() { done <- exchangeInCryptoTLS(addr, p.client) }()
					}
					var errs []error
					for range many {
						errs = append(errs, <-done)
					}
					return many, errors.Join(errs...)
				})
				return err
			})
			p.must(err)
			end()
		})
	})
}

// exchangeInCryptoTLS exchanges lines of many sizes.
func exchangeInCryptoTLS(addr string, config *tls.Config) error {
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return err
	}
	defer c.Close()
	for size := 1; size < 50_000; size *= 3 {
		line := append(bytes.Repeat([]byte("x"), size), '\n')
		if _, err := c.Write(line); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, line); err != nil {
			return err
		}
		if bytes.ContainsAny(line, "x") || len(bytes.TrimLeft(line, "X")) != 1 {
			return errors.New("the answer is another")
		}
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
		return errors.Join(err, errors.New("the answer is too long"))
	}
	return nil
}
