package examples_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
)

// fetch and visit stand for functions that wait.
func fetch(t *kettle.Task) error           { return t.Yield() }
func visit(t *kettle.Task, _ string) error { return t.Yield() }

// The functions below have the code of the root's package comment, which a test compares with them.

func aSecond() error {
	err := kettle.Run(func(t *kettle.Task) error {
		if err := t.Sleep(time.Second); err != nil {
			return err
		}
		fmt.Println("a second has passed")
		return nil
	})
	return err
}

func aSecondAtMost(t *kettle.Task) error {
	err := t.WithTimeout(time.Second, func(t *kettle.Task) error {
		return fetch(t) // however many waits there are in it
	})
	return err
}

func allHosts(t *kettle.Task, hosts ...string) error {
	err := t.Group(func(g *kettle.Group) error {
		for _, host := range hosts {
			err := g.Go(host, func(t *kettle.Task) error { return visit(t, host) })
			if err != nil {
				return err
			}
		}
		return nil
	})
	// every visit has ended here
	if t.Cancelled(err) {
		// it is the end of this scope or of one around it, nothing that happened in it
		return nil
	}
	return err
}

func visited(hits map[string]int, page string) {
	hits[page]++ // by any number of tasks
}

func TestCodeOfThePackageComment(t *testing.T) {
	hits := map[string]int{}
	virtually(t, func(task *kettle.Task) error {
		if err := aSecondAtMost(task); err != nil {
			return err
		}
		visited(hits, "tea")
		return allHosts(task, "a", "b")
	})
	if hits["tea"] != 1 {
		t.Errorf("hits: %v", hits)
	}
	_ = aSecond // it would take one
}
