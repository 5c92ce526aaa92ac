package models_test

import (
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
)

// Every byte is answered at its place, however the stream is cut and however slow it is taken.

// N5, N6
func TestPartialSend(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		c := s.connectNarrow(t, 64<<10)
		p := noise(5, race.Less(10<<20, 6<<20))
		sending := sendAside(c, p, 1, c.CloseWrite)
		sending.settle(t.Context()) // the server has sent what the kernel took, and no more
		expect(t, c, p)
		expectEnd(t, c)
		if <-sending.done; sending.err != nil {
			t.Error(sending.err)
		}
	})
}

// A small window makes nearly every send a partial one. (With one below some kilobytes, Linux
// sends by its timers, a few bytes each quarter of a second.)
func TestPartialSendThroughSmallWindow(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		c := s.connectNarrow(t, 16<<10)
		p := noise(6, race.Less(5_000_000, 2_000_000))
		sending := sendAside(c, p, 1, c.CloseWrite)
		sending.settle(t.Context())
		expect(t, c, p)
		expectEnd(t, c)
		<-sending.done
	})
}

// The clients read more slowly than they send, and send more than the buffers on the way hold:
// there is always an answer pending, and more to receive, and now and then room to send.
func TestAnswersInOrder(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		err := together(2, v.serial(), func(i int) error {
			c := clientScript{payload: noise(uint64(i), race.Less(12<<20, 5<<20)),
				piece: 9000 + 5000*i, buffer: 32 << 10, late: 1 << 20, slow: true}
			for at := 0; at < len(c.payload); at += 100_000 {
				c.steps = append(c.steps, step{send: 100_000, chunk: 7001 * (i + 1)})
			}
			return c.run(s.addr)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSecondRequestBeforeFirstAnswer(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		t.Run("sending", func(t *testing.T) {
			s := start(t, v, launch{})
			c := s.connect(t)
			// More than the buffers hold, so that an answer is pending when the next comes.
			first, second := noise(1, 8<<20), noise(2, 200_000)
			sending := sendAside(c, first, 1, func() error {
				_, err := c.Write(second)
				return err
			})
			sending.settle(t.Context())
			expect(t, c, first)
			expect(t, c, second)
			<-sending.done
			ask(t, c, "a third")
		})
		t.Run("waiting", func(t *testing.T) {
			const wait = 60 * time.Millisecond
			s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: wait}})
			c := s.connect(t)
			began := time.Now()
			say(t, c, []byte("first, "))
			eventually(t, "the first is received", func() bool {
				return s.log.count(`"first, "`) == 1
			})
			say(t, c, []byte("second, "))
			say(t, c, []byte("third"))
			expect(t, c, []byte("first, second, third"))
			if took := time.Since(began); took < 2*wait {
				t.Errorf("the answers came after %v: no wait is over because more has come", took)
			}
		})
	})
}

// N4
func TestLateAnswerAfterHalfClose(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Wait: 150 * time.Millisecond}})
		c := s.connect(t)
		say(t, c, []byte("no more from me"))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, []byte("no more from me"))
		expectEnd(t, c)
	})
}

func TestEchoServiceChangesNothing(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Service: "echo"}})
		c := s.connect(t)
		say(t, c, []byte("a byte \x00\xff stays"))
		got := make([]byte, len("a byte \x00\xff stays"))
		for at := 0; at < len(got); {
			n, err := c.Read(got[at:])
			if at += n; err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != "a byte \x00\xff stays" {
			t.Errorf("the echo is %q", got)
		}
	})
}
