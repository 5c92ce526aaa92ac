package main

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/kettle-go/kettle/models"
)

// reference is the server that all are compared with.
const reference = "C epoll"

// peer is a server: a row of every table.
type peer struct {
	name  string
	limit bool // there to show what is possible at all
	ours  bool // kettle's own, on a loop
	hoard bool // it reads on while a client does not
	drops bool // it ends with its client, and owes the last answers

	// command makes what is to be made, and returns the command, as the lab takes it. The error
	// says what is missing here.
	command func(w *workshop) ([]string, error)
}

// peers returns the servers that are compared, in the order of the rows.
func peers() []peer {
	all := []peer{
		{name: reference, limit: true, command: func(w *workshop) ([]string, error) {
			return placed(w.compile("c/epoll.c"))
		}},
		{name: "C liburing", limit: true, command: func(w *workshop) ([]string, error) {
			program, err := w.compile("c/uring.c", "-luring")
			if err != nil {
				return nil, err
			}
			return placed(program, w.tool(".", program, "--check"))
		}},
		{name: "libuv", limit: true, command: func(w *workshop) ([]string, error) {
			return placed(w.compile("c/uv.c", "-luv"))
		}},
		{name: "Go net", command: func(w *workshop) ([]string, error) {
			return placed(w.goBuild("bench/gonet", "."))
		}},
		{name: "netpoll", hoard: true, drops: true, command: func(w *workshop) ([]string, error) {
			return placed(w.goBuild("bench/netpoll", "."))
		}},
		python("asyncio protocol", "protocol.py"),
		python("asyncio streams", "streams.py"),
		python("uvloop protocol", "protocol.py", "uvloop"),
		python("uvloop streams", "streams.py", "uvloop"),
	}
	// Absent are the models that cannot serve the workloads: one client at a time, a thread or a
	// process for each, or a list of all for every wait.
	for _, m := range [...]string{"goroutines", "selectors", "coroutines", "protocol", "streams",
		"uring"} {
		if _, err := models.Lookup(m); err == nil {
			all = append(all, model(m))
		}
	}
	return all
}

// missing are libraries that a reader may look for, and why they have no server here.
func missing() map[string]string {
	const fetched = "its module could not be fetched when the servers were written"
	return map[string]string{"gnet": fetched, "nbio": fetched}
}

// placed is the command of a program that gets its address as the only argument.
func placed(program string, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{program, "{addr}"}, nil
}

// python is a server in Python, which also runs on another loop if one is named.
func python(name, file string, loop ...string) peer {
	return peer{name: name, command: func(w *workshop) ([]string, error) {
		program, err := w.python()
		if err != nil {
			return nil, err
		}
		for _, module := range append([]string{"asyncio"}, loop...) {
			if err := w.tool(".", program, "-c", "import "+module); err != nil {
				return nil, err
			}
		}
		path := filepath.Join(w.root, "bench", "python", file)
		return slices.Concat([]string{program, path, "{addr}"}, loop), nil
	}}
}

// model is one of kettle's own.
func model(name string) peer {
	return peer{name: "kettle " + name, ours: name != "goroutines",
		command: func(w *workshop) ([]string, error) {
			program, err := w.goBuild(".", "./cmd/kettle")
			if err != nil {
				return nil, err
			}
			return []string{program, "serve", "--model", name, "--addr", "127.0.0.1:0",
				"--until-eof"}, nil
		}}
}

// given is a server that the user names.
func given(name string, command []string) peer {
	return peer{name: name, command: func(*workshop) ([]string, error) {
		if len(command) == 0 {
			return nil, errors.New("it has no command")
		}
		return command, nil
	}}
}
