package meter_test

import (
	"strings"
	"testing"
	"time"
)

// rounding is how far two of the kernel's accounts of CPU time may differ: what getrusage says is
// rounded to ticks on some systems.
const rounding = 20 * time.Millisecond

// TestCPUIsWhatTheProcessItselfIsCharged: between two samples, and in all.
func TestCPUIsWhatTheProcessItselfIsCharged(t *testing.T) {
	p := start(t)
	before := p.sample(t)
	p.do(t, "spin 150")
	after := p.sample(t)
	used := after.Since(before)
	if used.CPU <= 0 || used.CPU > used.Elapsed+rounding {
		t.Errorf("one busy thread has used %v in %v", used.CPU, used.Elapsed)
	}
	p.end(t)
	charged := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	if after.CPU > charged+rounding || after.CPU < charged/2 {
		t.Errorf("the sample says %v of CPU time, the process ended with %v", after.CPU, charged)
	}
}

func TestIdleProcessUsesNearlyNothing(t *testing.T) {
	p, other := start(t), start(t)
	before := p.sample(t)
	other.do(t, "spin 100")
	used := p.sample(t).Since(before)
	if used.Elapsed < 100*time.Millisecond || used.CPU > used.Elapsed/10 {
		t.Errorf("a process that waits has used %v in %v", used.CPU, used.Elapsed)
	}
}

func TestMemoryGrowsByWhatIsTouched(t *testing.T) {
	p := start(t)
	const held = 32 << 20
	before := p.memory(t)
	p.do(t, "hold 33554432")
	grown := p.memory(t) - before
	// The race detector keeps notes of what is written: up to five times as much.
	if grown < held*9/10 || grown > 8*held {
		t.Errorf("memory has grown by %d bytes when %d were allocated and touched", grown, held)
	}
}

// TestEachWaitIsASwitch, at the least: the thread that waits is switched away from.
func TestEachWaitIsASwitch(t *testing.T) {
	p := start(t)
	const waits = 300
	before := p.sample(t)
	p.do(t, "switch 300")
	used := p.sample(t).Since(before)
	if used.Switches < waits/2 || used.Switches > 100*waits {
		t.Errorf("%d switches in %d waits for another process", used.Switches, waits)
	}
}

func TestTreeHasTheDescendants(t *testing.T) {
	p := start(t)
	alone := p.sample(t)
	memory := p.memory(t)
	if alone.Processes != 1 || alone.Threads < 1 {
		t.Errorf("%d processes, %d threads, want one process", alone.Processes, alone.Threads)
	}
	p.do(t, "fork 3")
	all := p.sample(t)
	if all.Processes != 4 || all.Threads < alone.Threads+3 {
		t.Errorf("with three children: %d processes, %d threads (alone %d)", all.Processes,
			all.Threads, alone.Threads)
	}
	if more := p.memory(t); more <= memory {
		t.Errorf("with three children: %d bytes, alone %d", more, memory)
	}
	if used := all.Since(alone); used.CPU <= 0 {
		t.Errorf("three processes were started in %v of CPU time", used.CPU)
	}
}

// TestEndedProcesses are passed over, and what they had used is not taken off.
func TestEndedProcesses(t *testing.T) {
	p := start(t)
	p.do(t, "fork 2")
	before := p.sample(t)
	p.end(t)
	if after, err := p.meter.Sample(); err == nil {
		t.Errorf("the process has ended, and is measured: %+v", after)
	}
	if n, err := p.meter.Memory(); err == nil {
		t.Errorf("the process has ended, and has %d bytes", n)
	}
	if before.Processes != 3 {
		t.Errorf("%d processes, want 3", before.Processes)
	}
}

func TestErrorsNameTheProcess(t *testing.T) {
	p := start(t)
	p.end(t)
	_, err := p.meter.Sample()
	if err == nil || !strings.HasPrefix(err.Error(), "read the CPU time of process ") {
		t.Errorf("a process that has ended: %v", err)
	}
	if _, err = p.meter.Begin(); err == nil || !strings.HasPrefix(err.Error(), "read the ") {
		t.Errorf("a process that has ended, at the beginning of a window: %v", err)
	}
}
