package stream_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// tlsForger makes records that crypto/tls would not, with the keys of one side, which it has out of
// the log of keys that a config can have written.
type tlsForger struct {
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
	secret []byte // of TLS 1.3
	hash   func() hash.Hash
	length int // of a key
}

// logged returns the secret of that label, and the random number of the client.
func logged(log []byte, label string) (random, secret []byte, err error) {
	for line := range strings.Lines(string(log)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == label {
			random, err = hex.DecodeString(fields[1])
			if err == nil {
				secret, err = hex.DecodeString(fields[2])
			}
			return random, secret, err
		}
	}
	return nil, nil, fmt.Errorf("there is no %s in the log", label)
}

// forge13 returns a forger for what a client that has sent nothing since the handshake sends in TLS
// 1.3. Suites that are not AES are an error.
func forge13(log []byte, suite uint16) (*tlsForger, error) {
	_, secret, err := logged(log, "CLIENT_TRAFFIC_SECRET_0")
	if err != nil {
		return nil, err
	}
	f := &tlsForger{secret: secret, hash: sha256.New, length: 16}
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
	case tls.TLS_AES_256_GCM_SHA384:
		f.hash, f.length = sha512.New384, 32
	default:
		return nil, fmt.Errorf("the suite is %s", tls.CipherSuiteName(suite))
	}
	return f, f.rekey()
}

// expand is HKDF-Expand-Label of RFC 8446, without a context.
func (f *tlsForger) expand(label string, n int) ([]byte, error) {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	return hkdf.Expand(f.hash, f.secret, string(info), n)
}

// rekey makes the keys out of the secret.
func (f *tlsForger) rekey() error {
	key, err := f.expand("key", f.length)
	if err != nil {
		return err
	}
	if f.iv, err = f.expand("iv", 12); err != nil {
		return err
	}
	f.seq = 0
	return f.setKey(key)
}

func (f *tlsForger) setKey(key []byte) error {
	block, err := aes.NewCipher(key)
	if err == nil {
		f.aead, err = cipher.NewGCM(block)
	}
	return err
}

// record13 returns a record of TLS 1.3.
func (f *tlsForger) record13(kind byte, body []byte) []byte {
	inner := append(bytes.Clone(body), kind)
	header := []byte{23, 3, 3}
	header = binary.BigEndian.AppendUint16(header, uint16(len(inner)+f.aead.Overhead()))
	nonce := bytes.Clone(f.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(f.seq >> (56 - 8*i))
	}
	f.seq++
	return f.aead.Seal(header, nonce, inner, header[:5:5])
}

// demand returns a KeyUpdate that demands one of the other side, which has to answer with it. The
// keys are other ones after it.
func (f *tlsForger) demand() ([]byte, error) {
	record := f.record13(22, []byte{24, 0, 0, 1, 1})
	next, err := f.expand("traffic upd", f.hash().Size())
	if err != nil {
		return nil, err
	}
	f.secret = next
	return record, f.rekey()
}

// forge12 returns a forger for what one side sends in TLS 1.2, with AES-128-GCM and SHA-256, if it
// has sent nothing since the handshake.
func forge12(log, serverRandom []byte, client bool) (*tlsForger, error) {
	clientRandom, master, err := logged(log, "CLIENT_RANDOM")
	if err != nil {
		return nil, err
	}
	seed := append(append([]byte("key expansion"), serverRandom...), clientRandom...)
	keys := expand12(master, seed, 2*16+2*4)
	f := &tlsForger{seq: 1, iv: keys[36:40]} // the first record was the end of the handshake
	key := keys[16:32]
	if client {
		f.iv, key = keys[32:36], keys[:16]
	}
	return f, f.setKey(key)
}

// expand12 is P_SHA256 of RFC 5246.
func expand12(secret, seed []byte, n int) []byte {
	sum := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var all []byte
	for a := sum(seed); len(all) < n; a = sum(a) {
		all = append(all, sum(a, seed)...)
	}
	return all[:n]
}

// record12 returns a record of TLS 1.2.
func (f *tlsForger) record12(kind byte, body []byte) []byte {
	explicit := binary.BigEndian.AppendUint64(nil, f.seq)
	additional := append(bytes.Clone(explicit), kind, 3, 3)
	additional = binary.BigEndian.AppendUint16(additional, uint16(len(body)))
	f.seq++
	sealed := f.aead.Seal(explicit, append(bytes.Clone(f.iv), explicit...), body, additional)
	record := binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(sealed)))
	return append(record, sealed...)
}
