package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

// certificate makes a certificate for 127.0.0.1, and returns the files that it and its key are in.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		Subject:     pkix.Name{CommonName: "kettle"}, // curl does not take one without
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, "CERTIFICATE", der), encoded(t, "PRIVATE KEY", secret)
}

// encoded writes a file in PEM, and returns its name.
func encoded(t *testing.T, kind string, der []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// output runs a command with the input, and returns what it wrote to standard output.
func output(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	var problem strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, problem.String())
	}
	return string(out)
}

func TestTLSLineAnswersCurl(t *testing.T) {
	testenv.Need(t, testenv.Curl)
	cert, key := certificate(t)
	p := start(t, "tlsline", "--cert", cert, "--key", key)
	got := output(t, "", "curl", "--silent", "--show-error", "--http0.9", "--noproxy", "*",
		"--cacert", cert, "--user-agent", "kettle", "https://"+p.addr+"/tea")
	if !strings.HasPrefix(got, "GET /TEA HTTP/1.1\n") ||
		!strings.Contains(got, "\nUSER-AGENT: KETTLE\n") {
		t.Errorf("curl has got %q", got)
	}
	p.stop()
}

func TestTLSLineAnswersOpenSSL(t *testing.T) {
	testenv.Need(t, testenv.OpenSSL)
	cert, key := certificate(t)
	p := start(t, "tlsline", "--cert", cert, "--key", key)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		got := output(t, "tea\nmilk and sugar\n\n", "openssl", "s_client", "-quiet", version,
			"-connect", p.addr, "-CAfile", cert, "-verify_return_error", "-verify_ip", "127.0.0.1")
		if got != "TEA\nMILK AND SUGAR\n" {
			t.Errorf("with %s, OpenSSL has got %q", version, got)
		}
	}
	p.stop()
}

// TestTLSLineMakesItsOwnCertificate: a client who trusts anybody gets its answers, and is told of
// the end by TLS too when the drain begins. One who trusts nobody goes, and the server stays.
func TestTLSLineMakesItsOwnCertificate(t *testing.T) {
	p := start(t, "tlsline")
	trusting := tls.Client(p.dial(), &tls.Config{InsecureSkipVerify: true})
	send(t, trusting, "tea\nmi")
	expect(t, trusting, "TEA\n")
	send(t, trusting, "lk\n")
	expect(t, trusting, "MILK\n")
	wary := tls.Client(p.dial(), &tls.Config{ServerName: "localhost"})
	if err := wary.Handshake(); err == nil {
		t.Error("a certificate that nobody has reason to trust is trusted")
	}
	silent := p.dial() // does not even begin
	p.signal(os.Interrupt)
	if _, err := trusting.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection ends with %v", err)
	}
	expectEnd(t, silent)
	if said := p.reports(); strings.Count(said, "TLS handshake") != 1 {
		t.Errorf("the program has reported %q", said)
	}
}
