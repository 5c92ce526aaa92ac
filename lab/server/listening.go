package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A server and the lab have to agree on where it listens. If its command has a place for an
// address, the lab chooses one and then connects until somebody accepts; else the server chooses,
// and its first line tells.

const (
	// firstLineSize is how much of a server's output is looked at for where it listens.
	firstLineSize = 4096

	// acceptStep is the time between two attempts to connect to a server that is starting.
	acceptStep = 5 * time.Millisecond
)

// places are what stands for the address, its host and its port in a command.
var places = [...]string{"{addr}", "{host}", "{port}"}

// Placed reports whether a server with this command is told where to listen: whether the command
// has {addr}, {host} or {port} in it.
func Placed(command []string) bool {
	return slices.ContainsFunc(command, func(word string) bool {
		return slices.ContainsFunc(places[:], func(place string) bool {
			return strings.Contains(word, place)
		})
	})
}

// place returns where a server with this command will listen, and the command for that; "" if the
// server chooses.
func place(command []string) (where string, placed []string, err error) {
	if !Placed(command) {
		return "", command, nil
	}
	if where, err = freeAddr(); err != nil {
		return "", nil, err
	}
	host, port, err := net.SplitHostPort(where)
	if err != nil {
		return "", nil, err
	}
	r := strings.NewReplacer("{addr}", where, "{host}", host, "{port}", port)
	for _, word := range command {
		placed = append(placed, r.Replace(word))
	}
	return where, placed, nil
}

// The ports that a server is given. Where systems have not been told otherwise they give none of
// them to who leaves it to them, for a listener or for the near end of a connection. Had the server
// such a port, somebody else could get it before the server does, and be measured in its place.
const (
	firstPort = 20_000
	endPort   = 32_768
	portTries = 20
)

// freeAddr returns an address where nobody listens. Should somebody else do so a moment later, the
// server fails to, and most say so.
func freeAddr() (string, error) {
	for range portTries {
		if addr, err := tryPort(firstPort + rand.IntN(endPort-firstPort)); err == nil {
			return addr, nil
		}
	}
	return tryPort(0) // whichever there is
}

// tryPort returns the address with the port, if nobody listens there.
func tryPort(port int) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// notListening is the cause of a start that has taken too long.
type notListening struct{ limit time.Duration }

// Error returns how long that was.
func (e notListening) Error() string { return fmt.Sprintf("it does not listen after %v", e.limit) }

// watch reads what a server says on its standard output, so that the server never waits for us,
// and returns a channel that gets the first line.
func watch(out *os.File) <-chan string {
	first := make(chan string, 1)
	go func() {
		r := bufio.NewReaderSize(out, firstLineSize)
		line, _ := r.ReadSlice('\n')
		first <- strings.TrimSpace(string(line))
		_, _ = io.Copy(io.Discard, r)
	}()
	return first
}

// told waits for the first line of the server's output, which says where it listens.
func (p *Process) told(ctx context.Context, first <-chan string) (addr string, err error) {
	var line string
	select {
	case line = <-first:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	addr, ok := strings.CutPrefix(line, "listening on ")
	switch {
	case ok:
		return addr, nil
	case line != "":
		return "", fmt.Errorf("its first line is %.200q, not \"listening on HOST:PORT\"", line)
	}
	// It has closed its output, so it has most likely ended by itself. Given a moment, its exit
	// status tells why.
	select {
	case <-p.ended:
	case <-time.After(leaveTime):
		_ = p.End()
	}
	return "", fmt.Errorf("it does not say where it listens: %v", p.cmd.ProcessState)
}

// accepts waits until somebody accepts a connection at the address, or the server has ended.
func (p *Process) accepts(ctx context.Context, addr string) error {
	ticks := time.NewTicker(acceptStep)
	defer ticks.Stop()
	for !accepted(ctx, addr) {
		select {
		case <-p.ended:
			return fmt.Errorf("it ended before it listened on %s: %v", addr, p.cmd.ProcessState)
		case <-ctx.Done():
			cause := context.Cause(ctx)
			if _, late := errors.AsType[notListening](cause); late {
				return fmt.Errorf("%w on %s", cause, addr)
			}
			return cause
		case <-ticks.C:
		}
	}
	return nil
}

// accepted reports whether a connection to the address comes about.
func accepted(ctx context.Context, addr string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	// The system may have given our end the very port that nobody listens on, and then connected it
	// with itself.
	return conn.LocalAddr().String() != conn.RemoteAddr().String()
}
