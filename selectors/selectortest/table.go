//go:build unix

package selectortest

import (
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/selectors"
)

func tableChecks() []check {
	return []check{
		{"RegisterReturnsTheKey", registerReturnsTheKey},
		{"WrongEventsAreRefused", wrongEventsAreRefused},
		{"DescriptorIsRegisteredOnce", descriptorIsRegisteredOnce},
		{"UnregisterUnknown", unregisterUnknown},
		{"ModifyChangesEvents", modifyChangesEvents},
		{"ModifyChangesDataOnly", modifyChangesDataOnly},
		{"ModifyUnknown", modifyUnknown},
		{"ModifyRefusedByTheKernelUnregisters", modifyRefused},
		{"KeyOfWhatIsRegistered", keyOfWhatIsRegistered},
		{"KeysAreLive", keysAreLive},
		{"KeysAreValues", keysAreValues},
		{"KeysWhileUnregistering", keysWhileUnregistering},
		{"ClosedSelectorRefuses", closedSelectorRefuses},
		{"CloseFrees", closeFrees},
		{"OwnDescriptor", ownDescriptor},
		{"TableGrows", tableGrows},
	}
}

// S1
func registerReturnsTheKey(f *fixture) {
	a, _ := f.pair()
	want := selectors.Key{File: a, FD: a.fd, Events: selectors.Read, Data: "data"}
	if got := f.watch(a, selectors.Read, "data"); got != want {
		f.Errorf("the key is %+v, want %+v", got, want)
	}
	if f.sel.Len() != 1 {
		f.Errorf("Len is %d after one Register", f.sel.Len())
	}
}

// S2
func wrongEventsAreRefused(f *fixture) {
	a, b := f.pair()
	f.watch(b, selectors.Read, nil)
	for _, events := range []selectors.Events{0, 4, 0xff, selectors.Read | 8} {
		_, err := f.sel.Register(a, events, nil)
		f.wantError("register", err, selectors.ErrInvalidEvents, os.ErrInvalid)
		_, err = f.sel.Modify(b, events, nil)
		f.wantError("modify", err, selectors.ErrInvalidEvents, os.ErrInvalid)
	}
	if key, err := f.sel.Key(b); err != nil || key.Events != selectors.Read {
		f.Errorf("after refused changes the key is %+v, %v", key, err)
	}
	if f.sel.Len() != 1 {
		f.Errorf("Len is %d, want 1", f.sel.Len())
	}
}

// wantError fails unless err matches every one of targets, and says what was being done.
func (f *fixture) wantError(doing string, err error, targets ...error) {
	f.Helper()
	if err == nil {
		f.Fatalf("%s: no error, want %v", doing, targets[0])
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			f.Errorf("the error %q does not match %q", err, target)
		}
	}
	if !strings.HasPrefix(err.Error(), doing) {
		f.Errorf("the error %q does not begin with %q", err, doing)
	}
}

// S4: the same object. S5: another one with the same descriptor.
func descriptorIsRegisteredOnce(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Read, "first")
	for _, file := range []any{a, a.fd, &end{f, a.fd}} {
		_, err := f.sel.Register(file, selectors.Write, "second")
		f.wantError("register", err, selectors.ErrRegistered, os.ErrExist)
	}
	if key, err := f.sel.Key(a.fd); err != nil || key.Data != "first" {
		f.Errorf("the key is %+v, %v", key, err)
	}
	f.expect("nothing was sent", a, 0)
}

// S6: never registered. S7: unregistered already.
func unregisterUnknown(f *fixture) {
	a, _ := f.pair()
	for _, file := range []any{999999, a, a.fd, -3, nil, "text"} {
		_, err := f.sel.Unregister(file)
		f.wantError("unregister", err, selectors.ErrNotRegistered, os.ErrNotExist)
	}
	f.watch(a, selectors.Read, 5)
	key, err := f.sel.Unregister(a)
	if err != nil || key != (selectors.Key{File: a, FD: a.fd, Events: selectors.Read, Data: 5}) {
		f.Errorf("Unregister returned %+v, %v", key, err)
	}
	_, err = f.sel.Unregister(a)
	f.wantError("unregister", err, selectors.ErrNotRegistered)
	if f.sel.Len() != 0 {
		f.Errorf("Len is %d, want 0", f.sel.Len())
	}
}

// S11
func modifyChangesEvents(f *fixture) {
	a, b := f.pair()
	old := f.watch(a, selectors.Read, "data")
	key, err := f.sel.Modify(a, selectors.Write, "data")
	want := selectors.Key{File: a, FD: a.fd, Events: selectors.Write, Data: "data"}
	if err != nil || key != want || key == old {
		f.Fatalf("Modify returned %+v, %v, want %+v", key, err, want)
	}
	if got, err := f.sel.Key(a); err != nil || got != want {
		f.Errorf("Key returned %+v, %v, want %+v", got, err, want)
	}
	b.send("x")
	f.expect("watched for writing", a, selectors.Write)
	for _, events := range []selectors.Events{selectors.Read | selectors.Write, selectors.Read} {
		if _, err := f.sel.Modify(a.fd, events, nil); err != nil {
			f.Fatal(err)
		}
		f.expect("modified again", a, events)
	}
}

// S12
func modifyChangesDataOnly(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Read, "old")
	key, err := f.sel.Modify(a, selectors.Read, "new")
	if err != nil || key.Data != "new" || key.Events != selectors.Read || key.File != any(a) {
		f.Fatalf("Modify returned %+v, %v", key, err)
	}
	if got, err := f.sel.Key(a); err != nil || got != key {
		f.Errorf("Key returned %+v, %v, want %+v", got, err, key)
	}
}

// S13
func modifyUnknown(f *fixture) {
	a, _ := f.pair()
	for _, file := range []any{999999, a, a.fd, -3, nil} {
		_, err := f.sel.Modify(file, selectors.Read, nil)
		f.wantError("modify", err, selectors.ErrNotRegistered, os.ErrNotExist)
	}
}

// S15: the kernel refuses to change what it does not watch any more. Poll and select ask the
// kernel nothing, so there the change succeeds.
func modifyRefused(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Read, nil)
	fd := a.fd
	a.close()
	_, err := f.sel.Modify(fd, selectors.Write, nil)
	if _, hasOwn := f.sel.FD(); !hasOwn {
		if err != nil || f.sel.Len() != 1 {
			f.Errorf("modify: %v, and Len is %d", err, f.sel.Len())
		}
		return
	}
	f.wantError("modify descriptor", err)
	if f.sel.Len() != 0 {
		f.Errorf("Len is %d after a refused modify, want 0", f.sel.Len())
	}
}

// S18: the key, or an error. S20: the same for the table as a whole.
func keyOfWhatIsRegistered(f *fixture) {
	a, b := f.pair()
	want := f.watch(a, selectors.Read, "data")
	for _, file := range []any{a, a.fd} {
		if got, err := f.sel.Key(file); err != nil || got != want {
			f.Errorf("Key(%v) returned %+v, %v, want %+v", file, got, err, want)
		}
	}
	for _, file := range []any{b, b.fd, 999999, -1, nil} {
		key, err := f.sel.Key(file)
		f.wantError("key", err, selectors.ErrNotRegistered, os.ErrNotExist)
		if key != (selectors.Key{}) {
			f.Errorf("the key of what is not registered is %+v", key)
		}
	}
}

// S19
func keysAreLive(f *fixture) {
	keys := f.sel.Keys()
	if f.sel.Len() != 0 || len(maps.Collect(keys)) != 0 {
		f.Error("a new selector has keys")
	}
	a, b := f.pair()
	want := map[int]selectors.Key{a.fd: f.watch(a, selectors.Read, 1)}
	want[b.fd] = f.watch(b, selectors.Write, 2)
	if got := maps.Collect(keys); !maps.Equal(got, want) || f.sel.Len() != 2 {
		f.Errorf("the keys are %v, want %v", got, want)
	}
	var order []int
	for fd := range keys {
		order = append(order, fd)
	}
	if !slices.IsSorted(order) {
		f.Errorf("the keys come in the order %v", order)
	}
	f.unwatch(a)
	if got := maps.Collect(keys); len(got) != 1 || got[b.fd] != want[b.fd] {
		f.Errorf("after Unregister the keys are %v", got)
	}
}

// keysAreValues: by its type the table has no operation that changes it, and a key is a copy.
func keysAreValues(f *fixture) {
	a, _ := f.pair()
	want := f.watch(a, selectors.Read, "data")
	for _, key := range f.sel.Keys() {
		key.Data, key.Events, key.FD = "changed", selectors.Write, 0
	}
	if got, err := f.sel.Key(a); err != nil || got != want {
		f.Errorf("the key is %+v, %v, want %+v", got, err, want)
	}
}

// keysWhileUnregistering unregisters everything in a loop over the keys.
func keysWhileUnregistering(f *fixture) {
	for range 5 {
		a, b := f.pair()
		f.watch(a, selectors.Read, nil)
		f.watch(b, selectors.Read, nil)
	}
	for fd, key := range f.sel.Keys() {
		if fd != key.FD {
			f.Errorf("the key of %d is %+v", fd, key)
		}
		f.unwatch(fd)
	}
	if f.sel.Len() != 0 {
		f.Errorf("Len is %d, want 0", f.sel.Len())
	}
}

// S16: after Close every question is answered by ErrClosed. S17: the keys are gone.
func closedSelectorRefuses(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	keys := f.sel.Keys()
	for range 2 {
		if err := f.sel.Close(); err != nil {
			f.Errorf("close: %v", err)
		}
	}
	for _, file := range []any{a, a.fd, b, 999999, nil} {
		_, err := f.sel.Key(file)
		f.wantError("key", err, selectors.ErrClosed, net.ErrClosed)
		_, err = f.sel.Register(file, selectors.Read, nil)
		f.wantError("register", err, selectors.ErrClosed, net.ErrClosed)
		_, err = f.sel.Modify(file, selectors.Read, nil)
		f.wantError("modify", err, selectors.ErrClosed, net.ErrClosed)
		_, err = f.sel.Unregister(file)
		f.wantError("unregister", err, selectors.ErrClosed, net.ErrClosed)
	}
	for _, timeout := range []int64{-1, 0, 1, int64(selectors.Forever)} {
		_, err := f.sel.Select(duration(timeout))
		f.wantError("select", err, selectors.ErrClosed, net.ErrClosed)
	}
	f.wantError("wake", f.sel.Wake(), selectors.ErrClosed, net.ErrClosed)
	if _, ok := f.sel.FD(); ok {
		f.Error("a closed selector has a descriptor")
	}
	if f.sel.Len() != 0 || len(maps.Collect(keys)) != 0 || len(collect(f, f.sel, 0)) != 0 {
		f.Error("a closed selector has keys or events")
	}
}

// closeFrees: what `defer sel.Close()` leaves behind is the registered descriptors, open.
func closeFrees(f *fixture) {
	a, b := f.pair()
	before := openDescriptors()
	func() {
		sel, err := f.open()
		if err != nil {
			f.Fatal(err)
		}
		defer sel.Close()
		if _, err := sel.Register(a, selectors.Read, nil); err != nil {
			f.Fatal(err)
		}
	}()
	if after := openDescriptors(); after != before {
		f.Errorf("%d descriptors before, %d after", before, after)
	}
	b.send("still open")
	if got := a.receive(); got != "still open" {
		f.Errorf("received %q", got)
	}
}

// S25: it is a descriptor, and readable when something registered is ready.
func ownDescriptor(f *fixture) {
	fd, ok := f.sel.FD()
	if !ok {
		return
	}
	if fd < 0 {
		f.Fatalf("the selector's own descriptor is %d", fd)
	}
	outer, err := selectors.Open("poll")
	if err != nil {
		f.Fatal(err)
	}
	defer outer.Close()
	if _, err := outer.Register(fd, selectors.Read, nil); err != nil {
		f.Fatal(err)
	}
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	for _, want := range []int{0, 1} {
		if n, err := outer.Select(0); n != want || err != nil {
			f.Errorf("the selector's descriptor: %d, %v, want %d", n, err, want)
		}
		b.send("x")
	}
}

// tableGrows registers descriptors with high numbers, and those below after them.
func tableGrows(f *fixture) {
	var ends []*end
	for range f.room(150) {
		a, b := f.pair()
		ends = append(ends, a, b)
	}
	slices.Reverse(ends)
	for i, e := range ends {
		f.watch(e, selectors.Write, i)
	}
	if got := f.find(0); len(got) != len(ends) || f.sel.Len() != len(ends) {
		f.Errorf("%d of %d are ready, Len is %d", len(got), len(ends), f.sel.Len())
	}
	for i, e := range ends {
		if key, err := f.sel.Unregister(e); err != nil || key.Data != i {
			f.Fatalf("unregister %d: %+v, %v", i, key, err)
		}
	}
	if got := f.find(0); len(got) != 0 {
		f.Errorf("with nothing registered %v are ready", got)
	}
}
