package pages_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/internal/pages"
)

// Against a map, and every entry stays where it is.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table pages.Table[int]
		want, where := map[int]int{}, map[int]*int{}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				i := rapid.IntRange(0, 5*pages.Size).Draw(t, "i")
				v := rapid.IntRange(1, 9).Draw(t, "v")
				*table.Grow(i) = v
				want[i] = v
				if p := where[i]; p != nil && p != table.At(i) {
					t.Fatalf("entry %d has moved", i)
				}
				where[i] = table.At(i)
			},
			"clear": func(t *rapid.T) {
				table.Clear()
				clear(want)
				clear(where)
			},
			"": func(t *rapid.T) {
				got := map[int]int{}
				var order []int
				for i, v := range table.All {
					order = append(order, i)
					if *v != 0 {
						got[i] = *v
					}
					if table.At(i) != v {
						t.Fatalf("entry %d is at two places", i)
					}
				}
				if !maps.Equal(got, want) || !slices.IsSorted(order) {
					t.Fatalf("%v, want %v, in order: %v", got, want, order)
				}
				if table.At(table.Len()) != nil {
					t.Fatal("there is an entry beyond the end")
				}
			},
		})
	})
}

func TestTableBreaksOff(t *testing.T) {
	var table pages.Table[int]
	table.Grow(pages.Size)
	n := 0
	for range table.All {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d entries were gone through, want 3", n)
	}
}

// Who goes through the entries may change the table.
func TestTableChangesMeanwhile(t *testing.T) {
	var table pages.Table[int]
	table.Grow(1)
	n := 0
	for i := range table.All {
		switch n++; i {
		case 2:
			table.Grow(4*pages.Size + 1) // with pages between that there are not
		case 4*pages.Size + 3:
			table.Clear()
		}
	}
	if want := pages.Size + 4; n != want {
		t.Errorf("%d entries were gone through, want %d", n, want)
	}
}
