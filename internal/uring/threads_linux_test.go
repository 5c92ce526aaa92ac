package uring_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// endOfThread calls f on a thread of its own, which has ended when it returns.
func endOfThread(t *testing.T, f func() error) {
	t.Helper()
	testenv.Need(t, testenv.Proc)
	ended := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlocked
		if unix.Gettid() == os.Getpid() {
			// The first thread of a process does not end: this goroutine keeps it meanwhile.
			done := make(chan int)
			go func() {
				runtime.LockOSThread()
				call(t, f)
				done <- unix.Gettid()
			}()
			tid := <-done
			runtime.UnlockOSThread()
			ended <- tid
			return
		}
		call(t, f)
		ended <- unix.Gettid()
	}()
	path := fmt.Sprintf("/proc/self/task/%d", <-ended)
	for deadline := time.Now().Add(limit); ; {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the thread does not end")
		}
		_, _ = sys.Poll(nil, time.Millisecond)
	}
}

func call(t *testing.T, f func() error) {
	if err := f(); err != nil {
		t.Error(err)
	}
}
