package selectors

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/internal/uring"
)

// recorder is a backend that notes what it is told, and refuses on request.
type recorder struct {
	calls  []string
	refuse error

	finds    [][]event // one for each wait, which then returns without waiting
	timeouts []time.Duration
}

func (r *recorder) say(call string) error {
	r.calls = append(r.calls, call)
	return r.refuse
}

func (r *recorder) add(int, Events, token) error            { return r.say("add") }
func (r *recorder) modify(int, Events, Events, token) error { return r.say("modify") }
func (r *recorder) remove(int, Events) error                { return r.say("remove") }
func (r *recorder) wake() error                             { return r.say("wake") }
func (r *recorder) close() error                            { return r.say("close") }

func (r *recorder) wait(batch []event, timeout time.Duration) ([]event, bool, error) {
	r.timeouts = append(r.timeouts, timeout)
	if err := r.say("wait"); err != nil || len(r.finds) == 0 {
		return batch, err == nil, err
	}
	batch = append(batch, r.finds[0]...)
	r.finds = r.finds[1:]
	return batch, false, nil
}

func recorded() (*Selector, *recorder) {
	r := &recorder{}
	return &Selector{name: "recorder", backend: r}, r
}

var errRefused = errors.New("refused")

// S14
func TestModifyOfDataIsNoSystemCall(t *testing.T) {
	sel, r := recorded()
	_, err := sel.Register(3, Read, "old")
	_, errSame := sel.Modify(3, Read, "new")
	_, errNothing := sel.Modify(3, Read, "new")
	_, errEvents := sel.Modify(3, Read|Write, "new")
	if err := errors.Join(err, errSame, errNothing, errEvents); err != nil {
		t.Fatal(err)
	}
	if want := []string{"add", "modify"}; !slices.Equal(r.calls, want) {
		t.Errorf("the backend was told %q, want %q", r.calls, want)
	}
}

// S15
func TestRefusedModifyUnregisters(t *testing.T) {
	sel, r := recorded()
	if _, err := sel.Register(3, Read, nil); err != nil {
		t.Fatal(err)
	}
	r.refuse = errRefused
	_, err := sel.Modify(3, Write, nil)
	const want = "modify descriptor 3 with recorder: refused"
	if !errors.Is(err, errRefused) || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
	if _, err := sel.Key(3); sel.Len() != 0 || !errors.Is(err, ErrNotRegistered) {
		t.Errorf("Len is %d, and Key says %v", sel.Len(), err)
	}
	if want := []string{"add", "modify", "remove"}; !slices.Equal(r.calls, want) {
		t.Errorf("the backend was told %q, want %q", r.calls, want)
	}
}

func TestRefusedRegisterLeavesNothing(t *testing.T) {
	sel, r := recorded()
	r.refuse = errRefused
	_, err := sel.Register(3, Read, nil)
	const want = "register descriptor 3 with recorder: refused"
	if !errors.Is(err, errRefused) || err.Error() != want || sel.Len() != 0 {
		t.Errorf("%v, want %s; Len is %d", err, want, sel.Len())
	}
	if sel.slots.Len() != 0 {
		t.Errorf("the table has grown to %d", sel.slots.Len())
	}
}

func TestRefusedRemoveUnregistersAllTheSame(t *testing.T) {
	sel, r := recorded()
	if _, err := sel.Register(3, Read, nil); err != nil {
		t.Fatal(err)
	}
	r.refuse = errRefused
	if _, err := sel.Unregister(3); err != nil || sel.Len() != 0 {
		t.Errorf("unregister: %v, Len is %d", err, sel.Len())
	}
}

func TestErrorOfTheWaitIsReturned(t *testing.T) {
	sel, r := recorded()
	r.refuse = errRefused
	n, err := sel.Select(Forever)
	if n != 0 || !errors.Is(err, errRefused) || err.Error() != "select with recorder: refused" {
		t.Errorf("Select: %d, %v", n, err)
	}
	if err := sel.Wake(); !errors.Is(err, errRefused) {
		t.Errorf("Wake: %v", err)
	}
}

// TestWaitThatFindsOnlyStaleEventsGoesOn: events of another generation, of a number above the
// table, of none that is registered, and of what was not asked for.
func TestWaitThatFindsOnlyStaleEventsGoesOn(t *testing.T) {
	sel, r := recorded()
	for range 3 {
		if _, err := sel.Register(3, Read, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := sel.Unregister(3); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sel.Register(3, Read, "present"); err != nil {
		t.Fatal(err)
	}
	r.calls = nil
	r.finds = [][]event{
		{{newToken(3, 3), Read}, {newToken(3, 5), Read}},
		{},
		{{newToken(1<<30, 1), Read}, {newToken(4, 0), Read}, {0, Read}},
		{{newToken(3, 4), Write}},
		{{newToken(3, 1), Read}, {newToken(3, 4), Read | Write}},
	}
	if n, err := sel.Select(Forever); n != 1 || err != nil {
		t.Fatalf("Select: %d, %v, want 1", n, err)
	}
	if len(r.calls) != 5 {
		t.Errorf("the backend was told %q", r.calls)
	}
	for key, events := range sel.Ready() {
		if key.Data != "present" || events != Read {
			t.Errorf("ready: %+v for %v", key, events)
		}
	}
}

// TestInterruptedWaitGoesOnWithTheTimeLeft, and one without end without end.
func TestInterruptedWaitGoesOnWithTheTimeLeft(t *testing.T) {
	for _, timeout := range []time.Duration{time.Hour, Forever} {
		sel, r := recorded()
		r.finds = make([][]event, 5)
		if n, err := sel.Select(timeout); n != 0 || err != nil {
			t.Fatalf("Select: %d, %v", n, err)
		}
		if len(r.timeouts) != 6 || r.timeouts[0] != timeout {
			t.Fatalf("Select(%v) waited for %v", timeout, r.timeouts)
		}
		for i, left := range r.timeouts[1:] {
			if less := left < r.timeouts[i]; less != (timeout < Forever) || left < timeout/2 {
				t.Errorf("Select(%v) waited for %v", timeout, r.timeouts)
			}
		}
	}
}

func TestTokenHoldsDescriptorAndGeneration(t *testing.T) {
	for _, fd := range []int{0, 1, 1023, 1024, maxFD} {
		for _, generation := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
			tok := newToken(fd, generation)
			if tok.fd() != fd || tok.generation() != generation {
				t.Errorf("%d, %d came back as %d, %d", fd, generation, tok.fd(), tok.generation())
			}
		}
	}
}

func TestDefaultTakesTheFirstThatWorks(t *testing.T) {
	refused := func() (backend, error) { return nil, os.NewSyscallError("create", errRefused) }
	works := func() (backend, error) { return &recorder{}, nil }
	sel, err := firstThatWorks([]candidate{{"a", refused}, {"b", works}, {"c", works}})
	if err != nil || sel.Name() != "b" {
		t.Errorf("the default selector is %v, %v, want b", sel, err)
	}
	_, err = firstThatWorks([]candidate{{"a", refused}, {"b", refused}})
	if errors.Is(err, ErrUnknown) || !errors.Is(err, errRefused) {
		t.Fatalf("where none works: %v", err)
	}
	if _, err := firstThatWorks(nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("where there is none: %v, want ErrUnknown", err)
	}
	for _, want := range []string{"open the default selector", "open selector a: create", "b: cr"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not contain %q", err, want)
		}
	}
}

// TestPreferGoesOnWithoutRings, and with nothing else: what is not there, and what has run out, are
// errors.
func TestPreferGoesOnWithoutRings(t *testing.T) {
	says := func(err error) func() (backend, error) {
		return func() (backend, error) { return nil, err }
	}
	works := func() (backend, error) { return &recorder{}, nil }
	none := fmt.Errorf("%w: forbidden", uring.ErrUnsupported)
	for _, c := range []struct {
		name    string
		list    []candidate
		want    string // "" is an error
		instead error
	}{
		{"", []candidate{{onRequest, works}, {"a", says(errRefused)}, {"b", works}}, "b", nil},
		{"", []candidate{{onRequest, works}}, "", nil},
		{onRequest, []candidate{{"a", works}, {onRequest, works}}, onRequest, nil},
		{onRequest, []candidate{{"a", says(errRefused)}, {"b", works}, {onRequest, says(none)}},
			"b", uring.ErrUnsupported},
		{onRequest, []candidate{{"a", works}}, "a", ErrUnknown},
		{onRequest, []candidate{{"a", works}, {onRequest, says(errRefused)}}, "", nil},
		{onRequest, []candidate{{"a", says(errRefused)}, {onRequest, says(none)}}, "", nil},
		{"a", []candidate{{"a", says(none)}, {"b", works}}, "", nil},
		{"none", []candidate{{"a", works}}, "", nil},
	} {
		sel, err := prefer(c.name, c.list)
		switch {
		case c.want == "":
			if err == nil {
				t.Errorf("%q: it is %s, want an error", c.name, sel.Name())
			}
		case err != nil:
			t.Errorf("%q: %v, want %s", c.name, err, c.want)
		case sel.Name() != c.want || !errors.Is(sel.Instead(), c.instead):
			t.Errorf("%q: it is %s because of %v, want %s because of %v", c.name, sel.Name(),
				sel.Instead(), c.want, c.instead)
		}
	}
}

func TestNames(t *testing.T) {
	names := Candidates()
	for _, name := range names {
		sel, err := Open(name)
		if errors.Is(err, uring.ErrUnsupported) {
			continue
		}
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if sel.Name() != name {
			t.Errorf("opened %s, got %s", name, sel.Name())
		}
		if err := sel.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := Open("devpoll")
	if !errors.Is(err, ErrUnknown) || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("an unknown name: %v", err)
	}
	if want := `"devpoll"`; !strings.Contains(err.Error(), want) {
		t.Errorf("the error %q does not contain %s", err, want)
	}
	if want := strings.Join(names, ", "); !strings.HasSuffix(err.Error(), want) {
		t.Errorf("the error %q does not list %q", err, want)
	}
}

func TestEventsHaveNames(t *testing.T) {
	got := map[Events]string{}
	for _, e := range []Events{0, Read, Write, Read | Write, 8} {
		got[e] = e.String()
	}
	want := map[Events]string{0: "Events(0x0)", 1: "read", 2: "write", 3: "read|write",
		8: "Events(0x8)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names of events (-want +got):\n%s", diff)
	}
}
