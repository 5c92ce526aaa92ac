package stream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
)

const tlsHost = "kettle.test"

// tlsSides are configurations of the two sides that go together: the client trusts the authority of
// the server's certificate, which is the test's own.
type tlsSides struct {
	server, client *tls.Config
	authority      *x509.CertPool
	issue          func(name string) tls.Certificate
}

func newTLSSides(tb testing.TB) tlsSides {
	tb.Helper()
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "an authority for a test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	key := tlsKey(tb)
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	sides := tlsSides{authority: x509.NewCertPool()}
	sides.authority.AddCert(root)
	sides.issue = func(name string) tls.Certificate { return issueTLS(tb, root, key, name) }
	sides.server = &tls.Config{Certificates: []tls.Certificate{sides.issue(tlsHost)}}
	sides.client = &tls.Config{RootCAs: sides.authority, ServerName: tlsHost}
	return sides
}

func tlsKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// issueTLS returns a certificate of the authority, for a server or a client of that name.
func issueTLS(tb testing.TB, root *x509.Certificate, rootKey *ecdsa.PrivateKey, name string,
) tls.Certificate {
	tb.Helper()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    root.NotBefore,
		NotAfter:     root.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key := tlsKey(tb)
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, rootKey)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// onTLSBackends runs f with an option for each selector that opens here.
func onTLSBackends(t *testing.T, f func(t *testing.T, backend kettle.Option)) {
	t.Helper()
	names := selectors.Candidates()
	if testing.Short() {
		names = names[:1] // the best
	}
	if race.Detector() { // which is for goroutines, and each driver has them in its own way
		names = []string{names[0], "io_uring"}
	}
	for _, name := range names {
		s, err := selectors.Open(name)
		if err != nil {
			continue
		}
		s.Close()
		t.Run(name, func(t *testing.T) { f(t, kettle.Backend(name)) })
	}
}

// tlsPlace is where a test of TLS takes place: a group of tasks, and the sides.
type tlsPlace struct {
	*testing.T
	tlsSides
	group *kettle.Group
}

// inTLSPlace runs play as a task, on the selector of that option.
func inTLSPlace(t *testing.T, backend kettle.Option, play func(p *tlsPlace)) {
	t.Helper()
	sides := newTLSSides(t)
	err := kettle.Run(func(task *kettle.Task) error {
		return task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			return task.Group(func(g *kettle.Group) error {
				play(&tlsPlace{T: t, tlsSides: sides, group: g})
				return nil
			})
		})
	}, backend)
	if err != nil && !t.Failed() {
		t.Error(err)
	}
}

// onPipes runs play as inTLSPlace does, on a clock that jumps.
func onPipes(t *testing.T, play func(p *tlsPlace)) {
	t.Helper()
	inTLSPlace(t, kettle.Clock(virtualClock), play)
}

// connect returns the two sides of a connection of TCP.
func (p *tlsPlace) connect() (client, server *stream.Conn) {
	p.Helper()
	t := p.group.Task
	ln, err := stream.Listen(t, "tcp", "127.0.0.1:0")
	p.must(err)
	defer ln.Close()
	client, err = stream.Dial(t, "tcp", ln.Addr().String())
	p.must(err)
	server, err = ln.Accept()
	p.must(err)
	return client, server
}

// secure does the handshake of both sides, and returns what came of them.
func (p *tlsPlace) handshakes(client, server *stream.Conn) (ofClient, ofServer error) {
	p.Helper()
	var over kettle.Event
	p.goes("server's handshake", func(*kettle.Task) error {
		defer over.Set()
		ofServer = server.StartTLSServer(p.server)
		return nil
	})
	ofClient = client.StartTLS(p.client)
	p.must(over.Wait(p.group.Task))
	return ofClient, ofServer
}

// secured is connect with handshakes that succeed.
func (p *tlsPlace) secured() (client, server *stream.Conn) {
	p.Helper()
	client, server = p.connect()
	p.must(errors.Join(p.handshakes(client, server)))
	return client, server
}

// goes starts a task of the group.
func (p *tlsPlace) goes(name string, f func(t *kettle.Task) error) {
	p.Helper()
	p.must(p.group.Go(name, f))
}

func (p *tlsPlace) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// is says that an error is, in the sense of errors.Is, the one that is wanted.
func (p *tlsPlace) is(err, want error) {
	p.Helper()
	if !errors.Is(err, want) {
		p.Errorf("the error is %v, want %v", err, want)
	}
}

// reads says what the next bytes are.
func (p *tlsPlace) reads(c *stream.Conn, want string) {
	p.Helper()
	b := make([]byte, len(want))
	if n, err := c.ReadFull(b); err != nil || string(b) != want {
		p.Errorf("read %q, %v, want %q", b[:n], err, want)
	}
}

// writes writes text.
func (p *tlsPlace) writes(c *stream.Conn, text string) {
	p.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		p.Errorf("wrote %d of %d bytes, %v", n, len(text), err)
	}
}

// ends says that nothing more comes, and why.
func (p *tlsPlace) ends(c *stream.Conn, want error) {
	p.Helper()
	if chunk, err := c.Next(); !errors.Is(err, want) || len(chunk) > 0 {
		p.Errorf("read %q, %v, want %v", chunk, err, want)
	}
}
