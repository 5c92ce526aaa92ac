package stream_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// outsideHeap returns how many bytes of the heap are in use.
func outsideHeap() uint64 {
	runtime.GC()
	runtime.GC() // the first one only demotes what is in a sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A connection that has moved much, and is idle, holds no buffer of it, also while nobody reads.
func TestIdleConnOfGoroutinesHoldsNoBuffer(t *testing.T) {
	testenv.NeedDescriptors(t, 1000)
	const conns, size = 200, 1 << 20
	o := newOutside(t, stream.ListenConfig{})
	var all []net.Conn
	for range conns {
		here, there := o.pair(t)
		all = append(all, here, there)
	}
	before := outsideHeap()
	from, to := make([]byte, size), make([]byte, size)
	for i := 0; i < len(all); i += 2 {
		for _, way := range [][2]net.Conn{{all[i], all[i+1]}, {all[i+1], all[i]}} {
			written := make(chan error, 1)
			go func() {
				_, err := way[0].Write(from)
				written <- err
			}()
			if _, err := io.ReadFull(way[1], to); err != nil {
				t.Fatal(err)
			}
			if err := <-written; err != nil {
				t.Fatal(err)
			}
		}
	}
	// What the loop keeps for all of its connections is a few MiB; one small buffer each would be
	// less than that, so it is the large ones that this finds.
	if grown := int64(outsideHeap() - before); grown > conns*(64<<10)/2 {
		t.Errorf("%d idle connections hold %d bytes", conns, grown)
	}
}

// Nobody reads, and the peer does not stop to send, or the other way round: what is held for that
// is bounded. N1
func TestMemoryOfConnOfGoroutinesIsBounded(t *testing.T) {
	o := newOutside(t, stream.ListenConfig{})
	here, there := o.pair(t)
	before := outsideHeap()
	fill(t, there)
	fill(t, here)
	if grown := int64(outsideHeap() - before); grown > 4<<20 {
		t.Errorf("%d bytes are held", grown)
	}
	if err := here.SetWriteDeadline(time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := here.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v, want that the deadline has passed", err)
	}
}
