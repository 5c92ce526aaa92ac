package sys_test

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

// used returns the CPU time of this process by getrusage.
func used(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestProcessCPUIsWhatGetrusageSays, which rounds to microseconds.
func TestProcessCPUIsWhatGetrusageSays(t *testing.T) {
	for busy := time.Now(); time.Since(busy) < 20*time.Millisecond; {
		continue
	}
	for _, pid := range []int{0, os.Getpid()} {
		before := used(t)
		got, err := sys.ProcessCPU(pid)
		after := used(t)
		const rounding = 2 * time.Millisecond
		if err != nil || got < before-rounding || got > after+rounding {
			t.Errorf("process %d has used %v, %v, getrusage says %v to %v", pid, got, err, before,
				after)
		}
	}
}

func TestProcessCPUOfAnother(t *testing.T) {
	if inChild() {
		for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
			continue
		}
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent has looked
		return
	}
	child, output := child(t)
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child uses the CPU", func() bool {
		spent, err := sys.ProcessCPU(child.Process.Pid)
		return err == nil && spent >= 5*time.Millisecond
	})
	stdin.Close()
	if err := child.Wait(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, output)
	}
}

func TestProcessCPUOfNobody(t *testing.T) {
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{ended.Process.Pid, 1<<28 - 1} {
		_, err := sys.ProcessCPU(pid)
		wantErrno(t, err, "clock_gettime", syscall.EINVAL)
	}
}

// onItsOwnThread runs a function on a thread that ends with it, and takes along what it has
// changed of itself.
func onItsOwnThread(run func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocks
		run()
	}()
	<-done
}

func TestAffinity(t *testing.T) {
	onItsOwnThread(func() {
		all, err := sys.Affinity()
		if err != nil || len(all) == 0 || !slices.IsSorted(all) {
			t.Errorf("the thread may run on %v, %v", all, err)
			return
		}
		for _, want := range [][]int{all[:1], all[len(all)-1:], all} {
			if err := sys.SetAffinity(0, want); err != nil {
				t.Errorf("bind to %v: %v", want, err)
			}
			if got, err := sys.Affinity(); err != nil || !slices.Equal(got, want) {
				t.Errorf("the thread may run on %v, %v, want %v", got, err, want)
			}
		}
		if err := sys.SetAffinity(unix.Gettid(), all[:1]); err != nil {
			t.Errorf("bind by the thread's number: %v", err)
		}
		for _, none := range [][]int{nil, {1 << 20}} {
			wantErrno(t, sys.SetAffinity(0, none), "sched_setaffinity", syscall.EINVAL)
		}
	})
}

func TestTimerSlack(t *testing.T) {
	onItsOwnThread(func() {
		if err := sys.SetTimerSlack(time.Nanosecond); err != nil {
			t.Error(err)
		}
		slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err != nil || slack != 1 {
			t.Errorf("the timer slack is %d ns, %v, want 1", slack, err)
		}
	})
}
