package main

import (
	"strings"
	"testing"
)

// stream is what go test -json says of two packages: one that passes with a
// skip, one that fails with one test that never ended.
const stream = `{"Action":"start","Package":"a"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestTwo","Output":"    x_test.go:3: needs Python\n"}
{"Action":"output","Package":"a","Test":"TestTwo","Output":"--- SKIP: TestTwo (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestTwo"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}
{"Action":"pass","Package":"a"}
{"Action":"output","Package":"b","Test":"TestBad","Output":"    b_test.go:1: wrong\n"}
{"Action":"fail","Package":"b","Test":"TestBad"}
{"Action":"output","Package":"b","Test":"TestHung","Output":"stack of the hung\n"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t0.2s\n"}
{"Action":"fail","Package":"b"}
{"ImportPath":"c","Action":"build-output","Output":"c.go:1: does not compile\n"}
not an event
`

func TestShowsVerdictsFailuresAndSkips(t *testing.T) {
	var out strings.Builder
	r := newReporter(&out)
	if err := r.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	r.list()
	got := out.String()
	for _, want := range []string{
		"ok  \ta\t0.1s\n", "b_test.go:1: wrong\n", "stack of the hung\n", "FAIL\tb\t0.2s\n",
		"c.go:1: does not compile\n", "not an event\n",
		"skipped: 1 of 3 tests and subtests\n  needs Python\n    a TestTwo\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
	for _, no := range []string{"chatter", "PASS\n"} {
		if strings.Contains(got, no) {
			t.Errorf("the report has %q, which go test hides:\n%s", no, got)
		}
	}
}

func TestSaysThatNothingWasSkipped(t *testing.T) {
	var out strings.Builder
	newReporter(&out).list()
	if !strings.Contains(out.String(), "skipped: nothing") {
		t.Errorf("the end of a run without skips: %q", out.String())
	}
}

func TestSkipWithoutReason(t *testing.T) {
	if got := reason([]string{"--- SKIP: TestTwo (0.00s)\n"}); got != "no reason given" {
		t.Errorf("reason: %q", got)
	}
}
