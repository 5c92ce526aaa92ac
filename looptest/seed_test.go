package looptest_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/kettle-go/kettle/looptest"
)

// fakeTest is a test that is over when finish is called.
type fakeTest struct {
	testing.TB
	failed   bool
	log      []string
	cleanups []func()
}

func (f *fakeTest) Failed() bool     { return f.failed }
func (f *fakeTest) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

func (f *fakeTest) Logf(format string, args ...any) {
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *fakeTest) Fatalf(format string, args ...any) {
	f.Logf(format, args...)
	panic(f)
}

func (f *fakeTest) finish() []string {
	for _, c := range f.cleanups {
		c()
	}
	return f.log
}

func TestSeedIsToldWhenTheTestFails(t *testing.T) {
	t.Setenv(looptest.SeedVariable, "")
	passes, fails := &fakeTest{TB: t}, &fakeTest{TB: t}
	one, other := looptest.Seed(passes), looptest.Seed(fails)
	if one == other {
		t.Errorf("two tests have the same seed, %d", one)
	}
	fails.failed = true
	if log := passes.finish(); len(log) != 0 {
		t.Errorf("a test that passes tells %q", log)
	}
	want := []string{fmt.Sprintf("the same run again: KETTLE_SEED=%d", other)}
	if log := fails.finish(); !slices.Equal(log, want) {
		t.Errorf("a test that fails tells %q, want %q", log, want)
	}
}

func TestSeedIsGivenAgain(t *testing.T) {
	for value, want := range map[string]uint64{
		"42": 42, "0": 0, "18446744073709551615": math.MaxUint64,
	} {
		t.Setenv(looptest.SeedVariable, value)
		if got := looptest.Seed(&fakeTest{TB: t}); got != want {
			t.Errorf("%s is %d", value, got)
		}
	}
	t.Setenv(looptest.SeedVariable, "many")
	f := &fakeTest{TB: t}
	defer func() {
		want := `read the seed from KETTLE_SEED: strconv.ParseUint: parsing "many": invalid syntax`
		if recover() != f || !slices.Equal(f.log, []string{want}) {
			t.Errorf("a seed that is no number: %q", f.log)
		}
	}()
	looptest.Seed(f)
}

func TestOrderIsThatOfTheSeed(t *testing.T) {
	one, same, other := looptest.Order(1).Perm(50), looptest.Order(1).Perm(50),
		looptest.Order(2).Perm(50)
	if !slices.Equal(one, same) || slices.Equal(one, other) {
		t.Errorf("%v, %v, %v", one, same, other)
	}
}
