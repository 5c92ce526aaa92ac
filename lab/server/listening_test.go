package server

import (
	"net"
	"strconv"
	"testing"
)

// TestPlacesAreNobodyElses: a port that a server is told to listen on is none that the system gives
// to others, so that nobody gets it before the server does.
func TestPlacesAreNobodyElses(t *testing.T) {
	known := map[string]bool{}
	const tries = 50
	for range tries {
		where, command, err := place([]string{"serve", "{host}", "-p{port}", "{addr}"})
		if err != nil {
			t.Fatal(err)
		}
		host, port, err := net.SplitHostPort(where)
		if err != nil || command[1] != host || command[2] != "-p"+port || command[3] != where {
			t.Fatalf("at %s: %q, %v", where, command, err)
		}
		if n, err := strconv.Atoi(port); err != nil || n < firstPort || n >= endPort {
			t.Errorf("port %s is one that others get", port)
		}
		known[port] = true
	}
	if len(known) < tries/2 {
		t.Errorf("of %d places %d are different", tries, len(known))
	}
}

// TestTakenPortsAreNoPlaces: where somebody listens nobody else can.
func TestTakenPortsAreNoPlaces(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if addr, err := tryPort(l.Addr().(*net.TCPAddr).Port); err == nil {
		t.Errorf("%s is free, and somebody listens there", addr)
	}
}
