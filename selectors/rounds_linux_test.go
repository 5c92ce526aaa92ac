package selectors_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// S40: where more are ready than Dispatch on epoll asks for at once, the rest is asked for when
// those were told. So of a connection on which nothing is left by then, as a peer whose answer came
// early has no other one yet, it does not tell.
func TestDispatchTellsNothingOld(t *testing.T) {
	s, err := selectors.Open("epoll")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &roundTrip{t: t, selector: s, first: map[int]bool{}}
	for range 400 {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(pair[0])
		defer syscall.Close(pair[1])
		if _, err := syscall.Write(pair[1], []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Register(pair[0], selectors.Read, nil); err != nil {
			t.Fatal(err)
		}
		r.all = append(r.all, pair[0])
	}
	if err := s.Dispatch(r); err != nil {
		t.Fatal(err)
	}
}

// roundTrip drains those that the first batch leaves out, and ends after three more.
type roundTrip struct {
	t        *testing.T
	selector *selectors.Selector
	all      []int
	first    map[int]bool // told in the first batch
	batches  int
}

func (r *roundTrip) Next(int) (timeout time.Duration, more bool) {
	told := 0
	for key := range r.selector.Ready() {
		told++
		switch {
		case r.batches == 0:
			r.first[key.FD] = true
		case !r.first[key.FD]:
			r.t.Errorf("batch %d tells of a descriptor on which nothing is left", r.batches)
		}
	}
	if told == 0 { // it was called early
		return selectors.Forever, true
	}
	if r.batches == 0 {
		if told == len(r.all) {
			r.t.Errorf("all %d are told at once", told)
		}
		r.drainOthers()
	}
	r.batches++
	return selectors.Forever, r.batches < 4
}

// drainOthers takes what is left of those that were not told.
func (r *roundTrip) drainOthers() {
	var buf [8]byte
	for _, fd := range r.all {
		if r.first[fd] {
			continue
		}
		if n, err := syscall.Read(fd, buf[:]); n != 1 || err != nil {
			r.t.Errorf("descriptor %d: read %d, %v", fd, n, err)
		}
	}
}

func (r *roundTrip) Drained(int) bool { return false }
