package models

import (
	"fmt"
	"strings"

	"github.com/kettle-go/kettle/internal/ascii"
)

// Service is what a server answers. It does not matter how what a client sends is cut into chunks:
// what is answered to a byte follows from that byte alone.
type Service struct {
	Name    string
	Summary string // what is answered

	// common is why it cannot be had of processes, each with clients of its own; "" if it can.
	common string
	toAll  bool // it answers nobody: it gives what one has sent to all. See publish.go.
	begin  func(*server) reply
}

// reply answers the beginning of a chunk. What it returns as rest is yet to be answered: by further
// calls, each when the answer before has been sent. So where an answer is longer than what it
// answers, a piece of it has to be held, and no more. No rest is the end.
//
// The answer is valid until the next call. So who waits in the midst of sending has a reply of its
// own, and only who does not may share one.
type reply func(chunk []byte) (answer, rest []byte)

// services returns all there are.
func services() []Service {
	return []Service{
		{Name: "upper", Summary: "the same in upper case", begin: func(*server) reply {
			return inUpperCase
		}},
		{Name: "echo", Summary: "the same", begin: func(*server) reply {
			return unchanged
		}},
		{Name: "count", Summary: "each line by the next number of one counter for all",
			common: noCommonCounter, begin: (*server).counting},
		{Name: "count-unlocked", Summary: "the same without a lock: wrong on purpose",
			common: noCommonCounter, begin: (*server).countingUnlocked},
		{Name: "publish", Summary: "each line goes to all clients, the sender included",
			toAll: true, begin: func(*server) reply { return nil }},
	}
}

// Services returns the names of the services.
func Services() []string {
	var names []string
	for _, s := range services() {
		names = append(names, s.Name)
	}
	return names
}

// LookupService returns the service of that name; the error of an unknown one lists what there is.
func LookupService(name string) (Service, error) {
	for _, s := range services() {
		if s.Name == name {
			return s, nil
		}
	}
	return Service{}, fmt.Errorf("unknown service %q: there is %s", name,
		strings.Join(Services(), ", "))
}

// CanWait returns why a request cannot wait for an upstream call, nil if it can.
func (s Service) CanWait() error {
	if s.toAll {
		return fmt.Errorf("service %s answers nobody, so that no answer can wait", s.Name)
	}
	return nil
}

// CanServe returns why the model cannot serve the service, nil if it can.
func (m Model) CanServe(s Service) error {
	why := ""
	switch {
	case s.toAll:
		why = m.cannotPublish()
	case m.processes:
		why = s.common
	}
	if why != "" {
		return fmt.Errorf("service %s is not applicable to model %s: %s", s.Name, m.Name, why)
	}
	return nil
}

func inUpperCase(chunk []byte) (answer, rest []byte) {
	ascii.Upper(chunk)
	return chunk, nil
}

func unchanged(chunk []byte) (answer, rest []byte) { return chunk, nil }
