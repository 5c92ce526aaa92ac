package load_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// counting answers each line as answer says, which gets its number among all.
func counting(answer func(n int64) string) handler {
	var all atomic.Int64
	return func(i int, c net.Conn) {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		w := cutter{c, rng}
		for r := bufio.NewReader(c); ; {
			if _, err := r.ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return
			} else if err != nil {
				continue
			}
			if _, err := w.Write([]byte(answer(all.Add(1)))); err != nil {
				return
			}
		}
	}
}

func right(n int64) string { return fmt.Sprintf("%d\n", n) }

// TestNumbersAreCounted in every kind of load, in whatever pieces they come.
func TestNumbersAreCounted(t *testing.T) {
	for _, backend := range load.Backends() {
		for _, size := range []int{1, 2, 64, 5000} {
			t.Run(fmt.Sprintf("%s/size=%d", backend, size), func(t *testing.T) {
				addr := serve(t, counting(right))
				l := dial(t, load.Config{Addr: addr, Conns: 5, Size: size, Depth: 3, Idle: 2,
					Service: "count", Backend: backend})
				if n, err := l.Greet(t.Context(), 5*time.Second); n != 7 || err != nil {
					t.Fatalf("Greet = %d, %v", n, err)
				}
				closed := saturate(t, l, 30*time.Millisecond)
				if closed.Conns != 5 || closed.Served != 5 || closed.Unanswered != 0 ||
					closed.Silent != 0 || closed.Latency.TotalCount() != closed.Requests {
					t.Errorf("closed loop: %+v", closed)
				}
				if paced := pace(t, l, 500, 40*time.Millisecond); paced.Unanswered != 0 {
					t.Errorf("paced: %+v", paced)
				}
				last := churning(t, l, 20*time.Millisecond)
				c := last.Counted
				if c.Answers < closed.Requests+last.Requests+7 || c.Twice != 0 || c.Missing != 0 ||
					c.Lowest != 1 || c.Highest != uint64(c.Answers) {
					t.Errorf("%+v", *c)
				}
				r := last.Report()
				if r.CountAnswers != c.Answers || r.CountHighest != c.Highest ||
					r.CountLowest != 1 {
					t.Errorf("the report is %+v", r)
				}
			})
		}
	}
	res := batch(t, load.Config{Addr: serve(t, counting(right)), Conns: 9, Service: "count"})
	if c := res.Counted; res.Requests != 9 || c.Answers != 9 || c.Highest != 9 {
		t.Errorf("a batch: %+v, %+v", res, *c)
	}
	if res := saturate(t, dial(t, load.Config{Addr: serve(t, upper)}), 1); res.Counted != nil {
		t.Errorf("another service has counted %+v", *res.Counted)
	}
}

// TestNumbersGivenTwiceAreAResult, and so are those that nobody got.
func TestNumbersGivenTwiceAreAResult(t *testing.T) {
	addr := serve(t, counting(func(n int64) string {
		switch n % 10 {
		case 3:
			n-- // as that of another client
		case 7:
			n -= 5 // and a third time
		}
		return right(n + 1_000_000)
	}))
	l := dial(t, load.Config{Addr: addr, Conns: 4, Service: "count"})
	c := saturate(t, l, 50*time.Millisecond).Counted
	lost := c.Answers / 5
	if c.Twice < lost-2 || c.Twice > lost+2 || c.Missing < lost-2 || c.Missing > lost+2 {
		t.Errorf("every fifth number is missing, and another one twice: %+v", *c)
	}
	if c.Lowest != 1_000_001 {
		t.Errorf("the lowest is %d", c.Lowest)
	}
}

func TestWhatIsNoNumberIsFound(t *testing.T) {
	for answer, want := range map[string]string{
		"0\n":                    `want a number from 1 on and the end of a line, got "0\n"`,
		"00\n":                   `got "00"`,
		"01\n":                   `got "01"`,
		"\n":                     `got "\n"`,
		"-1\n":                   `got "-"`,
		"12\r\n":                 `got "12\r"`,
		"tea\n":                  `got "t"`,
		"1\n2\n":                 "want no more",
		"1\n2":                   "want no more",
		"18446744073709551616\n": `got "18446744073709551616"`, // which is 0
	} {
		for _, depth := range []int{1, 3} {
			if depth > 1 && strings.HasPrefix(want, "want no more") {
				continue // which is then the answer to the next line
			}
			addr := serve(t, counting(func(int64) string { return answer }))
			l := dial(t, load.Config{Addr: addr, Conns: 1, Depth: depth, Service: "count"})
			_, err := l.Saturate(t.Context(), 0, 10*time.Second, load.Hooks{})
			if !errors.Is(err, load.ErrWrongByte) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v; want %s", answer, err, want)
			}
		}
	}
	// The greatest that there is, and a jump that is too wide to remember what is below it.
	addr := serve(t, counting(func(n int64) string {
		return fmt.Sprintf("%d\n", uint64(18446744073709551615)-uint64(n-1)<<32)
	}))
	l := dial(t, load.Config{Addr: addr, Depth: 16, Service: "count"})
	_, err := l.Saturate(t.Context(), 0, time.Minute, load.Hooks{})
	if !errors.Is(err, load.ErrWrongByte) || !strings.Contains(err.Error(), "too far apart") {
		t.Errorf("numbers far apart: %v", err)
	}
}

// TestUnaskedNumberIsFound also when nothing is owed at all.
func TestUnaskedNumberIsFound(t *testing.T) {
	l := dial(t, load.Config{Service: "count", Addr: serve(t, func(_ int, c net.Conn) {
		c.Write([]byte("1"))
		counting(right)(0, c)
	})})
	if _, err := l.Idle(t.Context(), 5*time.Second); !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("err = %v", err)
	}
}
