package stream_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// garbage is a record that no key has made.
func garbage() []byte { return append([]byte{23, 3, 3, 0, 32}, make([]byte, 32)...) }

// One bad record from a client that does not read has the server write an alert in the midst of a
// read, while another task waits in the midst of a write: where a mutex is held across either, the
// whole loop stops.
func TestTLSGarbageOfWhoDoesNotReadStopsNobodyElse(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			other, echo := p.secured()
			p.goes("echo", func(*kettle.Task) error {
				_, err := echo.WriteTo(echo)
				return errors.Join(err, echo.Close())
			})
			ln, err := stream.Listen(p.group.Task, "tcp", "127.0.0.1:0")
			p.must(err)
			goOn, leave := make(chan struct{}), make(chan struct{})
			done := make(chan error, 1)
			go func() { done <- attackWithGarbage(ln.Addr().String(), p.client, goOn, leave) }()
			victim, err := ln.Accept()
			p.must(err)
			p.must(ln.Close())
			p.must(victim.StartTLSServer(p.server))
			var written kettle.Event
			text, turns := noise(1, 10_000), 0
			p.goes("writer", func(*kettle.Task) error {
				defer written.Set()
				for {
					_, err := victim.Write(text)
					turns = 0
					if err == nil {
						continue
					}
					ours := errors.Is(err, net.ErrClosed)
					if !ours && !strings.Contains(err.Error(), "bad record MAC") {
						p.Error(err)
					}
					return nil
				}
			})
			for ; turns < 100; turns++ { // until the peer's system takes nothing more
				p.must(p.group.Yield())
			}
			close(goOn)
			_, err = victim.Next()
			if err == nil || !strings.Contains(err.Error(), "bad record MAC") {
				p.Errorf("the read returns %v", err)
			}
			p.writes(other, "still here")
			p.reads(other, "still here")
			victim.Abort()
			p.must(written.Wait(p.group.Task))
			p.must(other.Close())
			close(leave)
			p.must(<-done)
		})
	})
}

// attackWithGarbage does the handshake, sends a record that is none, and never reads.
func attackWithGarbage(addr string, config *tls.Config, goOn, leave <-chan struct{}) error {
	below, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer below.Close()
	if err := below.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		return err
	}
	if err := tls.Client(below, config).Handshake(); err != nil {
		return err
	}
	<-goOn
	_, err = below.Write(garbage())
	<-leave
	return err
}

// forger13 returns a forger for the client of a relay, whose handshake is done.
func (p *tlsPlace) forger13() (tlsRelay, *tlsForger) {
	p.Helper()
	var log bytes.Buffer
	p.client.KeyLogWriter = &log
	r := p.securedRelay()
	state, _ := r.client.ConnectionState()
	f, err := forge13(log.Bytes(), state.CipherSuite)
	p.must(err)
	return r, f
}

// demands returns n demands for fresh keys, each with a byte of data behind it.
func (p *tlsPlace) demands(f *tlsForger, n int) (all []byte) {
	p.Helper()
	for range n {
		record, err := f.demand()
		p.must(err)
		all = append(append(all, record...), f.record13(23, []byte("x"))...)
	}
	return all
}

func TestTLSDemandsOfWhoDoesNotReadEnd(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		r, f := p.forger13()
		defer r.ends()
		p.goes("attacker", func(*kettle.Task) error {
			for {
				if _, err := r.toServer.Write(p.demands(f, 100)); err != nil {
					return nil // the server has closed
				}
			}
		})
		got, most := 0, 0
		for {
			chunk, err := r.server.Next()
			got += len(chunk)
			most = max(most, r.server.Pending())
			if err != nil {
				if !strings.Contains(err.Error(), "does not read the answers") {
					p.Errorf("the read returns %v", err)
				}
				break
			}
		}
		if most > 70<<10 {
			p.Errorf("%d bytes of answers were pending", most)
		}
		if got < 1000 {
			p.Errorf("it has ended after %d demands", got)
		}
		r.server.Abort()
	})
}

func TestTLSDemandsOfWhoReadsAreMet(t *testing.T) {
	const many = 20_000 // whose answers are 27 bytes each
	onPipes(t, func(p *tlsPlace) {
		r, f := p.forger13()
		defer r.ends()
		*r.dropping = true
		p.goes("demands", func(*kettle.Task) error {
			for range many / 100 {
				if _, err := r.toServer.Write(p.demands(f, 100)); err != nil {
					return err
				}
			}
			return nil
		})
		p.reads(r.server, strings.Repeat("x", many))
	})
}

func TestTLSDemandsAloneEnd(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		r, f := p.forger13()
		defer r.ends()
		for range 40 {
			record, err := f.demand()
			p.must(err)
			_, err = r.toServer.Write(record)
			p.must(err)
		}
		_, err := r.server.Next()
		if err == nil || !strings.Contains(err.Error(), "too many") {
			p.Errorf("the read returns %v", err)
		}
	})
}

func TestTLSRecordsThatMayNotBeAreErrors(t *testing.T) {
	records := map[string]func(f *tlsForger) []byte{
		"a fatal alert":      func(f *tlsForger) []byte { return f.record13(21, []byte{2, 40}) },
		"half an alert":      func(f *tlsForger) []byte { return f.record13(21, []byte{2}) },
		"an unknown kind":    func(f *tlsForger) []byte { return f.record13(99, []byte("x")) },
		"a hello":            func(f *tlsForger) []byte { return f.record13(22, make([]byte, 4)) },
		"a version of 9":     func(*tlsForger) []byte { return []byte{23, 9, 9, 0, 32} },
		"a record of 64 KiB": func(*tlsForger) []byte { return []byte{23, 3, 3, 255, 255} },
		"plaintext":          func(*tlsForger) []byte { return []byte("GET / HTTP/1.0\r\n\r\n") },
		"half a handshake":   func(f *tlsForger) []byte { return f.record13(22, []byte{24, 0}) },
		"many empty records": emptyRecords,
		"a gap":              func(f *tlsForger) []byte { f.seq++; return f.record13(23, nil) },
	}
	for name, record := range records {
		t.Run(name, func(t *testing.T) {
			onPipes(t, func(p *tlsPlace) {
				r, f := p.forger13()
				defer r.ends()
				_, err := r.toServer.Write(append(f.record13(23, []byte("fine")), record(f)...))
				p.must(err)
				p.must(r.toServer.CloseWrite())
				p.reads(r.server, "fine")
				_, err = r.server.Next()
				var op *net.OpError
				if !errors.As(err, &op) {
					p.Errorf("the read returns %v", err)
				}
				_, again := r.server.Next()
				if again == nil || again.Error() != err.Error() {
					p.Errorf("the next one returns %v", again)
				}
				p.must(r.server.Close())
			})
		})
	}
}

func emptyRecords(f *tlsForger) (all []byte) {
	for range 100 {
		all = append(all, f.record13(23, nil)...)
	}
	return all
}

func TestTLSIsNotRenegotiated(t *testing.T) {
	for name, ofServer := range map[string]bool{"with the server": true, "with the client": false} {
		t.Run(name, func(t *testing.T) {
			onPipes(t, func(p *tlsPlace) {
				var log bytes.Buffer
				p.client.KeyLogWriter = &log
				p.client.MaxVersion = tls.VersionTLS12
				p.client.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
				p.client.Renegotiation = tls.RenegotiateFreelyAsClient
				r := p.relayed()
				defer r.ends()
				r.passes(p, func() {
					p.must(errors.Join(p.handshakes(r.client, r.server)))
				})
				f, err := forge12(log.Bytes(), r.sniffed.Bytes()[11:][:32], ofServer)
				p.must(err)
				victim, from, peer := r.client, r.fromClient, r.server
				if ofServer {
					victim, from, peer = r.server, r.toServer, r.client
				}
				_, err = from.Write(f.record12(22, []byte{0, 0, 0, 0})) // HelloRequest
				p.must(err)
				_, err = victim.Next()
				if err == nil || !strings.Contains(err.Error(), "no renegotiation") {
					p.Errorf("the read returns %v", err)
				}
				if _, ok := victim.ConnectionState(); !ok {
					p.Error("there is no state")
				}
				p.must(victim.Close())
				p.must(peer.Close())
			})
		})
	}
}

// However many clients come at once, in a turn of the loop only a few handshakes compute.
func TestTLSHandshakesOfManyAreSpreadOverTurns(t *testing.T) {
	const many, most = 200, 40
	onPipes(t, func(p *tlsPlace) {
		certificate := p.server.Certificates[0]
		inTurn := map[uint64]int{}
		p.server = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate,
			error,
		) {
			inTurn[p.group.EventLoop().Turn()]++
			return &certificate, nil
		}}
		p.must(p.group.Group(func(g *kettle.Group) error {
			for i := range many {
				client, server := stream.Pipe(g.Task)
				if err := g.Go("client", func(*kettle.Task) error {
					defer client.Close()
					return client.StartTLS(p.client)
				}); err != nil {
					return err
				}
				if err := g.Go("server", func(t *kettle.Task) error {
					defer server.Close()
					if i%2 == 0 {
						if _, err := server.Peek(100); err != nil {
							return err
						}
					}
					return server.StartTLSServer(p.server)
				}); err != nil {
					return err
				}
			}
			return nil
		}))
		sum := 0
		for turn, n := range inTurn {
			sum += n
			if n > most {
				p.Errorf("%d handshakes in turn %d", n, turn)
			}
		}
		if sum != many {
			p.Errorf("there were %d handshakes", sum)
		}
	})
}
