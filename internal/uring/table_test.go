package uring_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/internal/uring"
)

// TestTableAgreesWithAMap: slots are found by the token that they were given, and by nothing that
// was valid before.
func TestTableAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table uring.Table
		live := map[uring.Request]int{}
		var over []uring.Request
		descriptor := rapid.SampledFrom([]int{-1, 0, 1, 2, 3, 900, 1 << 30})
		pick := func() uring.Request {
			var all []uring.Request
			for q := range live {
				all = append(all, q)
			}
			slices.Sort(all)
			return rapid.SampledFrom(all).Draw(t, "one of those under way")
		}
		end := func(q uring.Request) {
			if !table.End(q) {
				t.Fatalf("request %#x is not found", q)
			}
			delete(live, q)
			over = append(over, q)
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) {
				fd := descriptor.Draw(t, "descriptor")
				for range rapid.SampledFrom([]int{1, 1, 100}).Draw(t, "so many") {
					q := table.Begin(fd)
					if _, twice := live[q]; twice || q == 0 {
						t.Fatalf("request %#x was given twice", q)
					}
					live[q] = fd
				}
			},
			"end": func(*rapid.T) {
				if len(live) > 0 {
					end(pick())
				}
			},
			"end all but one": func(*rapid.T) {
				if len(live) == 0 {
					return
				}
				kept := pick()
				for q := range live {
					if q != kept {
						end(q)
					}
				}
			},
			"": func(*rapid.T) { agree(t, &table, live, over) },
		})
	})
}

func agree(t *rapid.T, table *uring.Table, live map[uring.Request]int, over []uring.Request) {
	if table.Live() != len(live) {
		t.Fatalf("%d are under way, want %d", table.Live(), len(live))
	}
	pages := map[uint32]bool{}
	for q := range live {
		pages[uint32(q)/uring.PageSlots] = true
	}
	if most := len(pages) * uring.PageSlots; table.Size() != most {
		t.Fatalf("there are %d slots for %d requests on %d pages", table.Size(), len(live),
			len(pages))
	}
	for _, q := range over[max(0, len(over)-5):] {
		if table.End(q) {
			t.Fatalf("request %#x is found, and over", q)
		}
	}
	want := map[int]int{}
	for _, fd := range live {
		want[fd]++
	}
	for _, fd := range []int{-1, 0, 1, 2, 3, 899, 900, 901, 1 << 30} {
		all := table.OfFD(fd)
		n := want[fd]
		if fd < 0 || fd == 1<<30 {
			n = 0 // no descriptors, but mistakes
		}
		for _, q := range all {
			if of, found := live[q]; !found || of != fd {
				t.Fatalf("request %#x of descriptor %d is listed with %d", q, of, fd)
			}
		}
		if len(all) != n {
			t.Fatalf("%d requests of descriptor %d are listed, want %d", len(all), fd, n)
		}
	}
}

func TestTableIsSmallAgainAfterABurst(t *testing.T) {
	var table uring.Table
	idle := table.Begin(3)
	var burst []uring.Request
	for fd := range 10_000 {
		burst = append(burst, table.Begin(fd))
	}
	late := table.Begin(4)
	for _, q := range burst {
		table.End(q)
	}
	if table.Size() > 2*uring.PageSlots {
		t.Errorf("the table has %d slots for 2 requests", table.Size())
	}
	if !table.End(idle) || !table.End(late) || table.Size() != 0 {
		t.Errorf("the empty table has %d slots", table.Size())
	}
}

// TestTableAtTheEdgeOfAPageAllocatesNothing: a request that comes and goes where a page ends.
func TestTableAtTheEdgeOfAPageAllocatesNothing(t *testing.T) {
	var table uring.Table
	for range uring.PageSlots {
		table.Begin(5)
	}
	allocated := testing.AllocsPerRun(1000, func() { table.End(table.Begin(5)) })
	if allocated != 0 {
		t.Errorf("%v allocations per request", allocated)
	}
}

func TestQueueAgreesWithASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table uring.Table
		var queue uring.Waiting
		var all []uring.Request
		for range 10 {
			all = append(all, table.Begin(-1))
		}
		var want []uring.Request
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				q := rapid.SampledFrom(all).Draw(t, "request")
				if !slices.Contains(want, q) {
					queue.Push(&table, q)
					want = append(want, q)
				}
			},
			"pop": func(*rapid.T) {
				got := queue.Pop(&table)
				if len(want) == 0 {
					if got != 0 {
						t.Fatalf("an empty queue gives %#x", got)
					}
					return
				}
				if got != want[0] {
					t.Fatalf("the first is %#x, want %#x", got, want[0])
				}
				want = want[1:]
			},
			"remove": func(*rapid.T) {
				q := rapid.SampledFrom(all).Draw(t, "request")
				at := slices.Index(want, q)
				if queue.Remove(&table, q) != (at >= 0) {
					t.Fatalf("remove of %#x is wrong about whether it is there", q)
				}
				if at >= 0 {
					want = slices.Delete(want, at, at+1)
				}
			},
			"": func(*rapid.T) {
				if queue.Len() != len(want) {
					t.Fatalf("%d wait, want %d", queue.Len(), len(want))
				}
			},
		})
	})
}
