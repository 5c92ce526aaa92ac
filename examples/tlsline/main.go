// Command tlsline answers each line with the same line in upper case, over TLS, until one is empty.
//
//	go run ./examples/tlsline
//	openssl s_client -quiet -connect 127.0.0.1:PORT
//	curl --insecure --http0.9 https://127.0.0.1:PORT
//
// Without --cert and --key it makes itself a certificate that nobody has reason to trust.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"math/big"
	"os"
	"syscall"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "the address to listen on")
	cert := flag.String("cert", "", "the file with the certificate")
	key := flag.String("key", "", "the file with its key")
	flag.Parse()
	err := kettle.Run(func(t *kettle.Task) error {
		certificate, err := tls.LoadX509KeyPair(*cert, *key)
		if *cert == "" {
			certificate, err = selfMade()
		}
		if err != nil {
			return err
		}
		config := stream.ListenConfig{
			TLS: &tls.Config{Certificates: []tls.Certificate{certificate}},
		}
		ln, err := config.Listen(t, "tcp", *addr)
		if err != nil {
			return err
		}
		fmt.Println("listening on", ln.Addr())
		return stream.Serve(t, ln, answer) // each connection begins with a handshake
	}, kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// answer knows nothing of TLS.
func answer(_ *kettle.Task, c *stream.Conn) error {
	for line, err := range c.Lines() {
		if err != nil || len(line) == 0 {
			return err
		}
		if _, err := c.Write(append(bytes.ToUpper(line), '\n')); err != nil {
			return err
		}
	}
	return nil
}

func selfMade() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotAfter: time.Now().AddDate(0, 0, 1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
