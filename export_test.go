package kettle

import "github.com/kettle-go/kettle/loop"

// Observe has f called at each moment of a wait: when a task begins it, when it parks, and when it
// is woken. It is passed the scope that the task is in.
func Observe(f func(t *Task, woken bool)) Option {
	return func(c *config) {
		c.observer = func(fiber *fiber, woken bool) { f(fiber.scope, woken) }
	}
}

// Selector has each loop wait with a selector that selector returns.
func Selector(selector func() loop.Selector) Option {
	return func(c *config) { c.selector = selector }
}

// GiveBack has f called in place of giving free memory back.
func GiveBack(f func()) Option { return func(c *config) { c.giveBack = f } }

// Soon has f run by the task's loop, outside of any task.
func (t *Task) Soon(f func()) { t.fiber.runtime.loop.Soon(f) }

// Watch has the task's loop watch a descriptor. So it asks its selector in each turn.
func (t *Task) Watch(fd int) error {
	return t.fiber.runtime.loop.OnReadable(fd, func() {})
}

// Tasks returns how many tasks of its loop have not ended.
func (t *Task) Tasks() int { return t.Stats().Tasks }

// Ending reports whether the task's waits fail because its loop cannot go on.
func (t *Task) Ending() bool { return t.fiber.fatal }
