// Command kettle spends the same evening twice: one thing after the other, and as two tasks whose
// waits overlap. Nobody moves faster the second time, and yet it is over earlier.
//
//	go run ./examples/kettle
package main

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/kettle-go/kettle"
)

// minute is what passes here for a minute of the evening.
const minute = 100 * time.Millisecond

// evening is one evening, and you, who can do one thing at a time.
type evening struct {
	begun time.Time
	you   kettle.Mutex
}

func main() {
	err := kettle.Run(func(t *kettle.Task) error {
		fmt.Println("One thing after the other:")
		e := &evening{begun: time.Now()}
		if err := errors.Join(e.tea(t), e.film(t)); err != nil {
			return err
		}
		e.say("the evening is over")

		fmt.Println("As two tasks:")
		e = &evening{begun: time.Now()}
		defer e.say("the evening is over")
		return t.Group(func(g *kettle.Group) error { // it waits for both
			return errors.Join(g.Go("tea", e.tea), g.Go("film", e.film))
		})
	})
	if err != nil {
		log.Fatal(err)
	}
}

// tea needs you twice. In between the kettle works, and you are free: the task waits, not you.
func (e *evening) tea(t *kettle.Task) error {
	if err := e.attend(t, "fill the kettle, put it on", 1); err != nil {
		return err
	}
	if err := t.Sleep(3 * minute); err != nil {
		return err
	}
	e.say("the kettle whistles")
	return e.attend(t, "pour", 1)
}

// film needs you all the time, but you can leave between two scenes.
func (e *evening) film(t *kettle.Task) (err error) {
	for scene := 1; scene <= 3 && err == nil; scene++ {
		err = e.attend(t, fmt.Sprint("watch scene ", scene), 2)
	}
	return err
}

// attend waits until you are free, then keeps you for so many minutes.
func (e *evening) attend(t *kettle.Task, what string, minutes time.Duration) error {
	if err := e.you.Lock(t); err != nil {
		return err
	}
	defer e.you.Unlock()
	e.say(what)
	return t.Sleep(minutes * minute)
}

// say prints what happens, and at which minute.
func (e *evening) say(what string) {
	fmt.Printf("%4.0f min  %s\n", time.Since(e.begun).Seconds()/minute.Seconds(), what)
}
