package kettle_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/looptest"
)

// things are what the calls below work on. Tasks of the loop use all of it at the same time.
type things struct {
	*kettle.Task
	group     *kettle.Group
	mutex     kettle.Mutex
	event     kettle.Event
	semaphore *kettle.Semaphore
	condition *kettle.Condition
	barrier   *kettle.Barrier
	queue     *kettle.Queue[int]
	future    kettle.Future[int]
	channel   chan int
}

func newThings(g *kettle.Group) *things {
	x := &things{Task: g.Task, group: g, semaphore: kettle.NewSemaphore(1),
		barrier: kettle.NewBarrier(2), queue: kettle.NewQueue[int](1), channel: make(chan int, 1)}
	x.condition = kettle.NewCondition(&x.mutex)
	return x
}

// calls has each function that takes a Task and may suspend, or works on the scopes of the task.
// All of them return ErrWrongGoroutine on another goroutine.
func calls() map[string]func(x *things) error {
	never := func(*kettle.Task) error { return errors.New("its function was called") }
	neverInt := func(t *kettle.Task) (int, error) { return 0, never(t) }
	all := callsOfPrimitives()
	maps.Copy(all, map[string]func(x *things) error{
		"Task.Sleep":      func(x *things) error { return x.Sleep(time.Nanosecond) },
		"Task.Yield":      func(x *things) error { return x.Yield() },
		"Task.AwaitDrain": func(x *things) error { return x.AwaitDrain() },
		"Task.Group": func(x *things) error {
			return x.Group(func(g *kettle.Group) error { return never(g.Task) })
		},
		"Task.WithCancel":   func(x *things) error { return x.WithCancel(never) },
		"Task.WithTimeout":  func(x *things) error { return x.WithTimeout(time.Hour, never) },
		"Task.WithDeadline": func(x *things) error { return x.WithDeadline(time.Now(), never) },
		"Task.WithValue":    func(x *things) error { return x.WithValue(1, 2, never) },
		"Task.Shield":       func(x *things) error { return x.Shield(time.Hour, never) },
		"Task.SetTimeout":   func(x *things) error { return x.SetTimeout(time.Nanosecond) },
		"Task.NoTimeout":    func(x *things) error { return x.NoTimeout() },
		"Task.Dump":         func(x *things) error { return x.Dump(io.Discard) },
		"Group.Go":          func(x *things) error { return x.group.Go("never", never) },
		"Group.Spawn": func(x *things) error {
			return x.group.Spawn("never", &spawned{live: never})
		},
		"Group.Start": func(x *things) error {
			return x.group.Start("never", func(t *kettle.Task, _ func()) error { return never(t) })
		},
		"Gather": func(x *things) error {
			_, err := kettle.Gather(x.Task, neverInt)
			return err
		},
		"Race": func(x *things) error {
			_, err := kettle.Race(x.Task, 0, neverInt)
			return err
		},
		"AsCompleted": func(x *things) error {
			for _, f := range kettle.AsCompleted(x.Task, neverInt) {
				_, err := f.Result()
				return err
			}
			return errors.New("it yields nothing")
		},
		"Receive": func(x *things) error {
			_, _, err := kettle.Receive(x.Task, x.channel)
			return err
		},
		"Send": func(x *things) error { return kettle.Send(x.Task, x.channel, 1) },
		"Task.Blocking": func(x *things) error {
			return x.Task.Blocking(func(context.Context) error { return never(nil) })
		},
		"Blocking": func(x *things) error {
			_, err := kettle.Blocking(x.Task, func(context.Context) (int, error) {
				return neverInt(nil)
			})
			return err
		},
	})
	return all
}

// callsOfPrimitives are those of the functions that tasks wait for each other with.
func callsOfPrimitives() map[string]func(x *things) error {
	return map[string]func(x *things) error{
		"Mutex.Lock": func(x *things) error { return x.mutex.Lock(x.Task) },
		"Mutex.TryLock": func(x *things) error {
			if x.mutex.TryLock(x.Task) {
				return errors.New("it has locked the mutex")
			}
			return kettle.ErrWrongGoroutine
		},
		"Event.Wait":        func(x *things) error { return x.event.Wait(x.Task) },
		"Semaphore.Acquire": func(x *things) error { return x.semaphore.Acquire(x.Task) },
		"Condition.Wait":    func(x *things) error { return x.condition.Wait(x.Task) },
		"Condition.WaitFor": func(x *things) error {
			return x.condition.WaitFor(x.Task, func() bool { return true })
		},
		"Barrier.Wait": func(x *things) error { _, err := x.barrier.Wait(x.Task); return err },
		"Queue.Put":    func(x *things) error { return x.queue.Put(x.Task, 1) },
		"Queue.Get":    func(x *things) error { _, err := x.queue.Get(x.Task); return err },
		"Queue.Join":   func(x *things) error { return x.queue.Join(x.Task) },
		"Queue.All": func(x *things) error {
			for _, err := range x.queue.All(x.Task) {
				return err
			}
			return errors.New("it yields nothing")
		},
		"Future.Await": func(x *things) error { _, err := x.future.Await(x.Task); return err },
	}
}

// anywhere are the methods of Task that may be called from any goroutine.
const anywhere = "AfterFunc Cancel Cancelled Cause Deadline Done Drain Draining Err EventLoop " +
	"Handle Loop Name Report Stats Value WaitQueue.Init"

// T21: what a task may do is refused on another goroutine: while the loop stands still, while it
// runs, and on that of another task. Nothing breaks by it.
func TestWrongGoroutine(t *testing.T) {
	if sys.Goroutine() == 0 {
		return // goroutines cannot be told apart here
	}
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			x := newThings(g)
			refused := func(where string, but string) {
				for name, call := range calls() {
					err := call(x)
					if errors.Is(err, kettle.ErrWrongGoroutine) == strings.Contains(but, name) {
						t.Errorf("%s %s returns %v", where, name, err)
					}
				}
			}
			elsewhere(func() { refused("while the loop stands still", "none") })
			err := g.Go("busy", func(task *kettle.Task) error { return useAll(task, x) })
			_, blocking := kettle.Blocking(g.Task, func(context.Context) (int, error) {
				for range 50 {
					refused("while the loop runs", "none")
				}
				return 0, nil
			})
			x.future.Resolve(1)
			err = errors.Join(err, blocking, g.Group(func(g *kettle.Group) error {
				return g.Go("other", func(*kettle.Task) error {
					// Any task of the loop may start tasks in a group, and look at all of them.
					refused("in another task", "Group.Go Group.Spawn Task.Dump")
					return nil
				})
			}))
			return errors.Join(err, g.Yield(), x.mutex.Lock(g.Task))
		})
	}, kettle.Seed(1))
	if err == nil || strings.ReplaceAll(err.Error(), "never: its function was called", "") != "" {
		t.Errorf("the error is %v, want that of the task that another one has started", err)
	}
}

// T21: a task that has ended leaves its coroutine to the next one, but not its Task.
func TestTaskThatHasEnded(t *testing.T) {
	if sys.Goroutine() == 0 {
		return // goroutines cannot be told apart here
	}
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		var ended *things
		var goroutine uintptr
		reused := false
		for range 10 {
			if err := task.Group(func(g *kettle.Group) error {
				return g.Go("task", func(task *kettle.Task) error {
					if ended != nil {
						reused = reused || sys.Goroutine() == goroutine
						for name, call := range calls() {
							err := call(ended)
							if !errors.Is(err, kettle.ErrWrongGoroutine) && name != "Task.Dump" &&
								!errors.Is(err, kettle.ErrClosed) {
								t.Errorf("with the Task of an ended one %s returns %v", name, err)
							}
						}
					}
					goroutine = sys.Goroutine()
					return task.Group(func(g *kettle.Group) error {
						ended = newThings(g)
						return nil
					})
				})
			}); err != nil {
				return err
			}
		}
		return want("a coroutine was used again", reused, true)
	})
}

// useAll uses what the foreigner tries to use, on its loop, until the future is resolved.
func useAll(task *kettle.Task, x *things) error {
	for !x.future.Done() {
		if err := x.mutex.Lock(task); err != nil {
			return err
		}
		x.event.Set()
		x.event.Clear()
		x.mutex.Unlock()
		if err := errors.Join(x.queue.Put(task, 1), x.semaphore.Acquire(task)); err != nil {
			return err
		}
		if _, err := x.queue.Get(task); err != nil {
			return err
		}
		x.semaphore.Release()
		if err := errors.Join(task.Yield(), task.Sleep(time.Microsecond)); err != nil {
			return err
		}
	}
	return nil
}

// TestForeignersMayLook: what may be called from any goroutine is, while the task works.
func TestForeignersMayLook(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		return task.WithCancel(func(scope *kettle.Task) error {
			go func() {
				for range 100 {
					_, _, _, _ = scope.Name(), scope.Loop(), scope.Draining(), scope.Handle()
					_, _, _ = scope.Cancelled(errStop), scope.Cause(), scope.Stats()
				}
				scope.Drain(time.Hour)
				scope.Cancel(errStop)
			}()
			for {
				err := errors.Join(scope.SetTimeout(time.Hour), scope.Yield())
				if err != nil {
					return want("cancelled", errors.Is(err, errStop), true)
				}
			}
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNoMethodIsForgotten in the tables above: each method of Task and Group, and each exported
// function of the package that takes a *Task, is in one of them.
func TestNoMethodIsForgotten(t *testing.T) {
	known, forTests := calls(), declared(t, "export_*.go")
	check := func(name string) {
		method, _ := strings.CutPrefix(name, "Task.")
		_, forTest := forTests[name]
		if known[name] == nil && !forTest && !strings.Contains(anywhere+" ", method+" ") {
			t.Errorf("%s is neither in the table of calls, nor among what may be called anywhere",
				name)
		}
	}
	task, group := reflect.TypeFor[*kettle.Task](), reflect.TypeFor[*kettle.Group]()
	for i := range task.NumMethod() {
		check("Task." + task.Method(i).Name)
	}
	for i := range group.NumMethod() {
		name := group.Method(i).Name
		if _, promoted := task.MethodByName(name); !promoted {
			check("Group." + name)
		}
	}
	for name, takesTask := range declared(t, "*.go") {
		if takesTask {
			check(name)
		}
	}
}

// declared returns the exported functions and methods in those of the package's files that match,
// as "Gather" or "Queue.Put", and whether they have a parameter of type *Task.
func declared(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("find %s: %d files, %v", pattern, len(files), err)
	}
	found := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() || parsed.Name.Name != "kettle" {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				name = receiver(fn.Recv.List[0].Type) + "." + name
			}
			if !ast.IsExported(name) {
				continue // a method of what nobody outside has
			}
			found[name] = slices.ContainsFunc(fn.Type.Params.List, func(p *ast.Field) bool {
				_, pointer := p.Type.(*ast.StarExpr)
				return pointer && receiver(p.Type) == "Task"
			})
		}
	}
	return found
}

// receiver returns the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
