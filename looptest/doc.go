// Package looptest has what takes the place of the world under an event loop in tests: of time, of
// the kernel, and of chance.
//
//	seed := looptest.Seed(t)       // told if the test fails, and given again by KETTLE_SEED
//	clock := looptest.NewClock()   // jumps to the next timer when nothing else can run
//	kernel := looptest.NewSelector()
//	l, err := loop.New(loop.Config{
//		Clock:    clock,
//		Selector: kernel,
//		Order:    looptest.Order(seed), // shuffles what is due at once
//	})
//	...
//	l.OnReadable(7, func() { ... }) // no descriptor 7 need exist
//	kernel.SetReady(7, selectors.Read)
//	l.After(time.Hour, l.Stop) // takes no time
//	err = l.Run()
//
// None of it needs the others: a clock that jumps goes with a real selector, for example, and then
// a time-out of a real connection takes no time either.
//
// Tests of tasks give the same clock and seed to kettle.Run, by its options Clock and Seed.
package looptest
