package lab

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestMemoryIsReadAtRest: as long as processes are added or memory grows, it is looked at again.
func TestMemoryIsReadAtRest(t *testing.T) {
	const mib = 1 << 20
	type seen struct {
		bytes     int64
		processes int
	}
	for name, c := range map[string]struct {
		looks []seen // the last one again and again
		want  int64
		took  time.Duration
	}{
		"at rest":      {[]seen{{5 * mib, 1}}, 5 * mib, settleStep},
		"grows":        {[]seen{{mib, 1}, {2 * mib, 1}, {3 * mib, 1}}, 3 * mib, 3 * settleStep},
		"shrinks":      {[]seen{{3 * mib, 1}, {mib, 1}}, mib, 2 * settleStep},
		"nearly":       {[]seen{{mib, 1}, {mib + settleBytes, 1}}, mib + settleBytes, settleStep},
		"starts to":    {[]seen{{mib, 1}, {mib, 2}, {mib, 3}}, mib, 3 * settleStep},
		"late workers": {[]seen{{mib, 1}, {2 * mib, 2}, {9 * mib, 2}}, 9 * mib, 3 * settleStep},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun, n := time.Now(), 0
			got, err := settle(t.Context(), func() (int64, int, error) {
				s := c.looks[min(n, len(c.looks)-1)]
				n++
				return s.bytes, s.processes, nil
			})
			if took := time.Since(begun); err != nil || got != c.want || took != c.took {
				t.Errorf("%s: %d bytes after %v, %v; want %d after %v", name, got, took, err,
					c.want, c.took)
			}
		})
	}
}

// TestMemoryThatNeverRests is what it is at the end.
func TestMemoryThatNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var bytes int64
		got, err := settle(t.Context(), func() (int64, int, error) {
			bytes += 1 << 20
			return bytes, 1, nil
		})
		if took := time.Since(begun); err != nil || got != bytes || took != settleLimit {
			t.Errorf("%d bytes after %v, %v; want the last, %d, after %v", got, took, err, bytes,
				settleLimit)
		}
	})
}

func TestLookingAtMemoryEndsEarly(t *testing.T) {
	gone := errors.New("it is gone")
	_, err := settle(t.Context(), func() (int64, int, error) { return 0, 0, gone })
	if !errors.Is(err, gone) {
		t.Errorf("memory that cannot be read: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	_, err = settle(ctx, func() (int64, int, error) { return 0, 1, nil })
	if !errors.Is(err, gone) {
		t.Errorf("a run that is cancelled: %v", err)
	}
}
