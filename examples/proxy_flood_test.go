package examples_test

import (
	"bytes"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

const (
	// block is what the producer repeats. Its length has no factor in common with those of buffers,
	// so a piece that is lost or comes twice is seen.
	block = 65521

	consumersRate = 5 << 20 // bytes per second
	proxyMemory   = 64 << 20
	proxyLatency  = 5 * time.Millisecond // the p99 of others

	// proxyHops is how many times as long as a round trip to another process one through the proxy
	// may take, where the machine has so much else to do that this is more. Twice as many processes
	// have to wait for a processor.
	proxyHops = 4
)

// producing serves a client whose first byte is 'p' with size bytes, and echoes what others send.
func producing(size int) func(*net.TCPConn) {
	tile := pattern(block)
	return func(c *net.TCPConn) {
		first := make([]byte, 1)
		if _, err := io.ReadFull(c, first); err != nil || first[0] != 'p' {
			io.Copy(c, c)
			return
		}
		for left := size; left > 0; {
			n, err := c.Write(tile[:min(left, len(tile))])
			if left -= n; err != nil {
				return
			}
		}
	}
}

// consume reads size bytes at the consumer's rate, and checks them.
func consume(t *testing.T, c *net.TCPConn, size int) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	want, got := pattern(block), make([]byte, block)
	begun, n := time.Now(), 0
	for n < size {
		piece := min(block, size-n)
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, got[:piece]); err != nil {
			t.Errorf("after %d of %d bytes: %v", n, size, err)
			return
		}
		if !bytes.Equal(got[:piece], want[:piece]) {
			t.Errorf("the bytes from %d on are not those that were sent", n)
			return
		}
		for n += piece; time.Since(begun).Seconds()*consumersRate < float64(n); {
			<-tick.C // this is how slow it is
		}
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("after %d bytes: %d more, %v", n, len(rest), err)
	}
}

// ping has a round trip every 10 ms until over is closed, and returns how long each took.
func ping(t *testing.T, c *net.TCPConn, over <-chan struct{}) (took []time.Duration) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	message := pattern(64)
	got := make([]byte, len(message))
	for {
		c.SetDeadline(time.Now().Add(patience))
		begun := time.Now()
		_, err := c.Write(message)
		if err == nil {
			_, err = io.ReadFull(c, got)
		}
		if err != nil || !bytes.Equal(got, message) {
			t.Errorf("a round trip: %q, %v", got, err)
			return took
		}
		took = append(took, time.Since(begun))
		select {
		case <-over:
			return took
		case <-tick.C:
		}
	}
}

// p99 sorts what round trips took, logs it, and returns the 99th percentile.
func p99(t *testing.T, of string, took []time.Duration) time.Duration {
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%d round trips %s: p50 %v, p99 %v, max %v", len(took), of, took[len(took)/2], p99,
		took[len(took)-1])
	return p99
}

// throughProxy has a proxy between a producer that is as fast as it can and a consumer at its rate,
// and ten other connections. It returns the p99 of their round trips, and what it may be: others,
// to a process that only echoes, tell how busy the machine is.
func throughProxy(t *testing.T, size int) (took, most time.Duration) {
	p := start(t, "proxy", "--to", upstream(t, producing(size)))
	echo := start(t, "echo")
	over := make(chan struct{})
	through, direct := make(chan []time.Duration), make(chan []time.Duration)
	const others = 10
	for range others {
		c := p.dial()
		send(t, c, "e")
		go func() { through <- ping(t, c, over) }()
		beside := echo.dial()
		go func() { direct <- ping(t, beside, over) }()
	}
	consumer := p.dial()
	send(t, consumer, "p")
	consume(t, consumer, size)
	close(over)
	var all, without []time.Duration
	for range others {
		all = append(all, <-through...)
		without = append(without, <-direct...)
	}
	memory := peak(t, p.pid)
	t.Logf("%d bytes, and %d KiB of memory at most", size, memory>>10)
	if memory > proxyMemory {
		t.Errorf("the proxy has used %d bytes, more than %d", memory, proxyMemory)
	}
	p.stop()
	echo.stop()
	took = p99(t, "through the proxy", all)
	return took, max(proxyLatency, proxyHops*p99(t, "to a process that echoes", without))
}

// TestProxyIsAsSlowAsTheConsumer: memory is bounded, every byte arrives, and the others do not
// notice, which must be seen once.
func TestProxyIsAsSlowAsTheConsumer(t *testing.T) {
	// N2
	const tries = 5
	for range tries {
		if took, most := throughProxy(t, 16<<20); took < most {
			return
		}
	}
	t.Errorf("in none of %d runs was the p99 of the others small enough", tries)
}

// TestProxyOfTwoGigabytes is the same for several minutes.
func TestProxyOfTwoGigabytes(t *testing.T) {
	testenv.Long(t)
	if took, most := throughProxy(t, 2<<30); took > most {
		t.Errorf("the p99 of the others is %v, more than %v", took, most)
	}
}
