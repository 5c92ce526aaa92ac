package stream_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// R41
func TestTLSBeginsOnAConnectionThatStands(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			p.server.NextProtos = []string{"h2", "kettle/1"}
			p.client.NextProtos = []string{"kettle/1"}
			client, server := p.connect()
			p.writes(client, "STARTTLS\n")
			p.reads(server, "STARTTLS\n")
			p.writes(server, "go ahead\n")
			p.reads(client, "go ahead\n")
			if _, ok := client.ConnectionState(); ok {
				t.Error("there is a state before TLS")
			}
			p.must(errors.Join(p.handshakes(client, server)))
			for _, c := range []*stream.Conn{client, server} {
				state, ok := c.ConnectionState()
				if !ok || !state.HandshakeComplete || state.Version != tls.VersionTLS13 ||
					state.NegotiatedProtocol != "kettle/1" || state.ServerName != tlsHost {
					t.Errorf("the state is %+v, %v", state, ok)
				}
			}
			if state, _ := client.ConnectionState(); len(state.PeerCertificates) != 1 {
				t.Errorf("%d certificates of the server", len(state.PeerCertificates))
			}
			p.writes(client, "one\n")
			p.reads(server, "one\n")
			p.writes(server, "two\n")
			p.reads(client, "two\n")
			p.must(client.Close())
			p.ends(server, io.EOF)
			p.must(server.Close())
		})
	})
}

// R42
func TestTLSBeginsWithWhatIsInTheBufferOfTheServer(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.goes("client", func(*kettle.Task) error {
			p.writes(client, "STARTTLS\n") // and does not wait for an answer
			p.must(client.StartTLS(p.client))
			p.writes(client, "one")
			p.reads(client, "two")
			return client.Close()
		})
		_, err := server.Peek(len("STARTTLS\n") + 100) // the client's hello is there too
		p.must(err)
		line, err := server.ReadLine()
		if string(line) != "STARTTLS" || server.Buffered() < 100 {
			t.Fatalf("read %q, %v, and %d bytes are unread", line, err, server.Buffered())
		}
		p.must(server.StartTLSServer(p.server))
		p.reads(server, "one")
		p.writes(server, "two")
		p.ends(server, io.EOF)
		p.must(server.Close())
	})
}

func TestTLSRefusesPlaintextThatCameBefore(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.writes(server, "go ahead\n250 injected\n")
		line, err := client.ReadLine()
		if string(line) != "go ahead" || err != nil {
			t.Fatalf("read %q, %v", line, err)
		}
		p.is(client.StartTLS(p.client), stream.ErrPlaintext)
		p.reads(client, "250 injected\n") // the connection is as it was
		p.must(client.Close())
		p.ends(server, io.EOF)
		p.must(server.Close())
	})
}

func TestTLSTakesNothingElseForItsBeginning(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.writes(client, "STARTTLS\nMAIL FROM: somebody\n")
		_, err := server.ReadLine()
		p.must(err)
		err = server.StartTLSServer(p.server)
		var header tls.RecordHeaderError
		if !errors.As(err, &header) {
			t.Errorf("the error is %v", err)
		}
		p.ends(server, net.ErrClosed)
		p.must(client.Close())
	})
}

func TestTLSIsStartedOnceAndWithAConfig(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.is(client.StartTLS(nil), os.ErrInvalid)
		p.must(errors.Join(p.handshakes(client, server)))
		p.is(client.StartTLS(p.client), os.ErrInvalid)
		p.writes(client, "one")
		p.reads(server, "one")
		p.must(client.Close())
		p.must(server.Close())
		p.is(client.StartTLS(p.client), net.ErrClosed)
	})
}

func TestTLSChecksCertificatesOfBothSides(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			p.server.ClientAuth = tls.RequireAndVerifyClientCert
			p.server.ClientCAs = p.authority
			p.client.Certificates = []tls.Certificate{p.issue("client.test")}
			client, server := p.secured()
			state, _ := server.ConnectionState()
			if len(state.VerifiedChains) == 0 ||
				state.PeerCertificates[0].Subject.CommonName != "client.test" {
				t.Errorf("the certificates of the client are %v", state.PeerCertificates)
			}
			p.must(client.Close())
			p.must(server.Close())
		})
	})
}

func TestTLSFailsWithACertificateThatIsNotTrusted(t *testing.T) {
	onTLSBackends(t, func(t *testing.T, backend kettle.Option) {
		inTLSPlace(t, backend, func(p *tlsPlace) {
			p.client = &tls.Config{ServerName: tlsHost, RootCAs: x509.NewCertPool()}
			client, server := p.connect()
			ofClient, ofServer := p.handshakes(client, server)
			var unknown x509.UnknownAuthorityError
			if !errors.As(ofClient, &unknown) {
				t.Errorf("the client's error is %v", ofClient)
			}
			var alert *net.OpError
			if !errors.As(ofServer, &alert) {
				t.Errorf("the server's error is %v", ofServer)
			}
			p.ends(client, net.ErrClosed)
			p.ends(server, net.ErrClosed)
			_, err := client.Write([]byte("plaintext"))
			p.is(err, net.ErrClosed)
		})
	})
}

func TestTLSFailsWithoutTheCertificateOfTheClient(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		p.server.ClientAuth = tls.RequireAndVerifyClientCert
		client, server := stream.Pipe(p.group.Task)
		ofClient, ofServer := p.handshakes(client, server)
		if ofServer == nil {
			t.Error("the server does without a certificate")
		}
		p.must(ofClient) // in TLS 1.3 it is done before the server has seen that
		if _, err := client.Next(); err == nil || err == io.EOF {
			t.Errorf("the client's read returns %v", err)
		}
		p.must(client.Close())
	})
}

func TestTLSHandshakeHasADeadline(t *testing.T) {
	for name, drip := range map[string]bool{"of a silent peer": false, "of one that drips": true} {
		t.Run(name, func(t *testing.T) {
			onPipes(t, func(p *tlsPlace) {
				peer, server := stream.Pipe(p.group.Task)
				if drip {
					p.goes("drip", func(t *kettle.Task) error {
						// A record of 16 KiB, a byte at a time.
						for _, b := range append([]byte{22, 3, 1, 64, 0}, make([]byte, 60)...) {
							if peer.TryWrite([]byte{b}) != nil {
								return nil
							}
							p.must(t.Sleep(time.Second))
						}
						return nil
					})
				}
				begun := p.group.EventLoop().Now()
				p.is(server.StartTLSServer(p.server), os.ErrDeadlineExceeded)
				took := p.group.EventLoop().Now() - begun
				if took != stream.HandshakeTimeout {
					t.Errorf("it has taken %v", took)
				}
				p.ends(server, net.ErrClosed)
				peer.Abort()
			})
		})
	}
}

func TestTLSHandshakeTakesTheReadDeadline(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		peer, server := stream.Pipe(p.group.Task)
		l := p.group.EventLoop()
		begun := l.Now()
		p.must(server.SetReadDeadline(l.Wall().Add(time.Minute / 2)))
		p.is(server.StartTLSServer(p.server), os.ErrDeadlineExceeded)
		if took := l.Now() - begun; took != time.Minute/2 {
			t.Errorf("it has taken %v", took)
		}
		peer.Abort()
	})
}

func TestTLSHandshakeHasOthersWait(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		for _, word := range []string{"one", "two"} {
			p.goes("early writer", func(t *kettle.Task) error {
				p.must(t.Yield()) // the handshake has begun
				if _, ok := client.ConnectionState(); ok {
					p.Error("the handshake is over already")
				}
				p.is(client.TryWrite([]byte(word)), stream.ErrFull)
				p.writes(client, word)
				return nil
			})
		}
		p.goes("early reader", func(t *kettle.Task) error {
			p.must(t.Yield())
			p.reads(client, "three")
			return client.Close()
		})
		p.goes("server", func(t *kettle.Task) error {
			p.must(t.Sleep(time.Second))
			p.must(server.StartTLSServer(p.server))
			p.reads(server, "onetwo")
			p.writes(server, "three")
			p.ends(server, io.EOF)
			return server.Close()
		})
		p.must(client.StartTLS(p.client))
	})
}

// In the callbacks of a config the task may wait, as nothing that others need is locked.
func TestTLSCallbacksMayWait(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		certificate := p.server.Certificates[0]
		var waited time.Duration
		p.server = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate,
			error,
		) {
			begun := p.group.EventLoop().Now()
			if hello.Conn.RemoteAddr() == nil {
				t.Error("the connection has no address")
			}
			var pause kettle.Event
			p.goes("pause", func(t *kettle.Task) error {
				defer pause.Set()
				return t.Sleep(time.Second)
			})
			err := pause.Wait(p.group.Task) // the first task does the server's handshake
			waited = p.group.EventLoop().Now() - begun
			return &certificate, err
		}}
		p.goes("client", func(*kettle.Task) error {
			p.must(client.StartTLS(p.client))
			return client.Close()
		})
		p.must(server.StartTLSServer(p.server))
		if waited != time.Second {
			t.Errorf("the callback has waited %v", waited)
		}
		p.ends(server, io.EOF)
		p.must(server.Close())
	})
}

func TestTLSCallbackThatPanicsClosesTheConnection(t *testing.T) {
	onPipes(t, func(p *tlsPlace) {
		client, server := stream.Pipe(p.group.Task)
		p.server = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate,
			error,
		) {
			panic("no certificate")
		}}
		p.goes("client", func(*kettle.Task) error {
			err := client.StartTLS(p.client)
			p.is(err, io.ErrUnexpectedEOF)
			return nil
		})
		p.goes("writer", func(t *kettle.Task) error {
			p.must(t.Yield())
			_, err := server.Write([]byte("waits for the handshake"))
			p.is(err, net.ErrClosed)
			return nil
		})
		err := p.group.Group(func(g *kettle.Group) error {
			return g.Go("server", func(*kettle.Task) error {
				return server.StartTLSServer(p.server)
			})
		})
		var failure *kettle.PanicError
		if !errors.As(err, &failure) || failure.Value != "no certificate" {
			p.Errorf("the group returns %v", err)
		}
		p.ends(server, net.ErrClosed)
	})
}
