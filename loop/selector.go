package loop

import (
	"iter"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// Selector is what a loop asks of a selector, as *selectors.Selector promises it.
type Selector interface {
	Registry
	Select(timeout time.Duration) (int, error)
	Ready() iter.Seq2[selectors.Key, selectors.Events]
	Close() error
}

// Registry is what a selector knows, and how it is woken.
type Registry interface {
	Register(file any, events selectors.Events, data any) (selectors.Key, error)
	Modify(file any, events selectors.Events, data any) (selectors.Key, error)
	Unregister(file any) (selectors.Key, error)
	Wake() error
}

var _ Selector = (*selectors.Selector)(nil)
