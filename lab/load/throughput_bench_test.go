package load_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// BenchmarkSaturate reports what the generator spends on a message, in CPU time of its own
// thread; the server shares the process, and its rate is of no interest.
func BenchmarkSaturate(b *testing.B) {
	addr := serve(b, upper)
	for _, backend := range load.Backends() {
		for _, size := range []int{64, 4096} {
			name := fmt.Sprintf("backend=%s/conns=20/size=%d/depth=1", backend, size)
			b.Run(name, func(b *testing.B) {
				l := dial(b, load.Config{Addr: addr, Conns: 20, Size: size, Backend: backend})
				var requests int64
				var cpu time.Duration
				for b.Loop() {
					res := saturate(b, l, 20*time.Millisecond)
					requests += res.Requests
					cpu += res.GeneratorCPU
				}
				b.ReportMetric(float64(cpu.Nanoseconds())/float64(max(requests, 1)), "cpu-ns/msg")
			})
		}
	}
}
