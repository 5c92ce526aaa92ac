package models_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
)

// How a connection ends, and that nobody else notices.

func TestEndOfFileReachesClient(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		if !v.serial() {
			ask(t, s.connect(t), "one who stays")
		}
		for i := range 5 {
			c := s.connect(t)
			p := fmt.Appendf(nil, "last words of client %d", i)
			say(t, c, p)
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			expect(t, c, p)
			expectEnd(t, c) // before anybody else connects
		}
	})
}

// N9
func TestResetWhileAnswering(t *testing.T) {
	var texts [6][]byte
	for i := range texts {
		texts[i] = noise(uint64(i), 8<<20)
	}
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		s := start(t, v, launch{Config: models.Config{Wait: time.Millisecond}})
		other := s.connect(t)
		ask(t, other, "undisturbed")
		before := s.settledDescriptors(t)
		if v.serial() {
			other.Close()
			before-- // nobody stays
		}
		for i, text := range texts {
			c := s.connect(t)
			sending := sendAside(c, text, 1, nil)
			if i%3 == 0 { // an answer is pending, not just a request
				sending.settle(t.Context())
			} else {
				receive(c, text[:1000])
			}
			if i%2 == 0 {
				c.CloseWrite()
			}
			reset(c)
			<-sending.done
			if !v.serial() {
				ask(t, other, "undisturbed")
			}
		}
		eventually(t, "the descriptors of the clients are free again", func() bool {
			return s.descriptors(t) <= before
		})
		ask(t, s.connect(t), "one more")
	})
}

// Of what a client has sent before it left, nothing is owed; that the send fails must not
// concern anybody else.
func TestLeaveWithoutReading(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Wait: 2 * time.Millisecond}})
		other := s.connect(t)
		ask(t, other, "I stay")
		if v.serial() {
			other.Close()
		}
		for i := range 20 {
			c := s.connect(t)
			say(t, c, noise(uint64(i), 1+i*20_000))
			c.Close()
			if !v.serial() {
				ask(t, other, "still here")
			}
		}
		ask(t, s.connect(t), "and I am new")
	})
}

// N10
func TestDescriptorReuse(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Wait: time.Millisecond}})
		clients, each := 8, race.Less(40, 16)
		if v.perClient() || v.serial() {
			each = 8
		}
		err := together(clients, false, func(i int) error {
			for j := range each {
				c, err := dial(s.addr)
				if err != nil {
					return err
				}
				tag := bytes.Repeat(fmt.Appendf(nil, "client %d in turn %d; ", i, j), 20)
				if _, err := c.Write(tag); err != nil {
					return err
				}
				switch (i + j) % 4 {
				case 0: // leaves with its answer on the way
					c.Close()
					continue
				case 1:
					reset(c)
					continue
				case 2:
					c.CloseWrite()
				}
				if err := receive(c, tag); err != nil {
					return fmt.Errorf("client %d in turn %d: %w", i, j, err)
				}
				if (i+j)%4 == 2 {
					if n, err := c.Read(make([]byte, 1)); n > 0 || err != io.EOF {
						return fmt.Errorf("client %d in turn %d: %d bytes too many, %v", i, j, n,
							err)
					}
				}
				c.Close()
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
