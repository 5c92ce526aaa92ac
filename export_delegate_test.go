package kettle

// Delegate has op wait in place of the task, as Receive and Send do.
func (t *Task) Delegate(op func(stop <-chan struct{}) bool) error {
	return t.fiber.delegate("Delegate", op)
}
