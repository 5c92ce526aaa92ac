// Package pages is a table with an entry for each small number, such as that of a descriptor. It
// grows by pages, and no entry ever moves: what has a million entries has not been copied twenty
// times on the way, leaves no garbage, and its entries can be pointed to.
package pages

// Size is how many entries a page has.
const Size = 64

// Table is a table of entries that are zero at first. The zero Table is empty.
type Table[T any] struct{ pages []*[Size]T }

// At returns the entry of i, which is not negative; nil if the table does not reach that far.
func (t *Table[T]) At(i int) *T {
	if p := uint(i) / Size; p < uint(len(t.pages)) && t.pages[p] != nil {
		return &t.pages[p][uint(i)%Size]
	}
	return nil
}

// Grow returns the entry of i, which is not negative, and lets the table reach that far.
func (t *Table[T]) Grow(i int) *T {
	p := i / Size
	if p >= len(t.pages) {
		t.pages = append(t.pages, make([]*[Size]T, p+1-len(t.pages))...)
	}
	if t.pages[p] == nil {
		t.pages[p] = new([Size]T)
	}
	return &t.pages[p][i%Size]
}

// Len returns the number above all entries that there are.
func (t *Table[T]) Len() int { return len(t.pages) * Size }

// All goes through the entries, in order, as the table is: it may grow meanwhile, or be cleared.
func (t *Table[T]) All(yield func(i int, entry *T) bool) {
	for i := 0; i < t.Len(); i++ {
		entry := t.At(i)
		if entry == nil {
			i += Size - 1 // there is no such page
			continue
		}
		if !yield(i, entry) {
			return
		}
	}
}

// Clear makes the table empty.
func (t *Table[T]) Clear() { t.pages = nil }
