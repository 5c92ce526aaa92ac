package switching

import (
	"context"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// goroutines are two that pass the token through channels, and share one processor.
func goroutines(ctx context.Context, d time.Duration) (Result, error) {
	defer processors(1)()
	there, back := make(chan int64), make(chan int64)
	go func() {
		defer close(back)
		for token := range there {
			back <- token + 1
		}
	}()
	defer func() {
		close(there)
		<-back // the other one has ended
	}()
	var token int64
	pass := func(n int) (int64, error) {
		for range n / 2 {
			there <- token + 1
			token = <-back
		}
		return token, nil
	}
	return measure(ctx, d, way{pass, sys.ProcessUsage})
}
