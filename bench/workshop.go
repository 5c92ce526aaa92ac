package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// workshop makes programs out of the sources, in a directory that goes when it is closed. What has
// been made once is not made again.
type workshop struct {
	ctx  context.Context
	root string // of the repository
	dir  string
	env  []string
	made map[string]string // program, by what it was made from
}

// toolTime is the most that one tool may take: a module may have to be fetched.
const toolTime = 3 * time.Minute

// newWorkshop finds the repository. The tools get env beside the environment. Close must follow.
func newWorkshop(ctx context.Context, env ...string) (*workshop, error) {
	w := &workshop{ctx: ctx, env: env, made: make(map[string]string)}
	text, err := w.output(".", "go", "env", "GOMOD")
	if err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	w.root = filepath.Dir(strings.TrimSpace(text))
	if _, err := os.Stat(filepath.Join(w.root, "bench", "c")); err != nil {
		return nil, fmt.Errorf("find the sources of the servers: %w", err)
	}
	if w.dir, err = os.MkdirTemp("", "kettle-bench-"); err != nil {
		return nil, fmt.Errorf("make room for the servers: %w", err)
	}
	return w, nil
}

// Close removes what was made.
func (w *workshop) Close() error { return os.RemoveAll(w.dir) }

// compile makes a program out of a C source in bench.
func (w *workshop) compile(source string, libraries ...string) (string, error) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return "", errors.New("there is no C compiler (cc)")
	}
	args := append([]string{"-std=gnu11", "-O3", "-Wall", "-Wextra",
		filepath.Join(w.root, "bench", source)}, libraries...)
	return w.make(source, func(program string) error {
		return w.tool(".", compiler, append(args, "-o", program)...)
	})
}

// goBuild makes a program out of a package of the module in a directory of the repository.
func (w *workshop) goBuild(dir, pkg string) (string, error) {
	return w.make(dir+" "+pkg, func(program string) error {
		return w.tool(filepath.Join(w.root, dir), "go", "build", "-o", program, pkg)
	})
}

// make returns the program of that name, and makes it first where there is none yet.
func (w *workshop) make(name string, build func(program string) error) (string, error) {
	if program := w.made[name]; program != "" {
		return program, nil
	}
	program := filepath.Join(w.dir, fmt.Sprintf("server%d", len(w.made)))
	if err := build(program); err != nil {
		return "", err
	}
	w.made[name] = program
	return program, nil
}

// python returns the interpreter: one that has uvloop, if there is one, so that the loops are
// compared in the same.
func (w *workshop) python() (string, error) {
	var found string
	for _, name := range [...]string{"python3", "/usr/bin/python3"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if w.tool(".", program, "-c", "import uvloop") == nil {
			return program, nil
		}
		if found == "" {
			found = program
		}
	}
	if found == "" {
		return "", errors.New("there is no python3")
	}
	return found, nil
}

// tool runs a tool in a directory. The error has its last words.
func (w *workshop) tool(dir, program string, args ...string) error {
	_, err := w.output(dir, program, args...)
	return err
}

// output runs a tool and returns what it writes.
func (w *workshop) output(dir, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.ctx, toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &said
	cmd.Env = append(os.Environ(), w.env...)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	if line := telling(said.String()); line != "" {
		return "", errors.New(line)
	}
	return "", fmt.Errorf("%s: %w", filepath.Base(program), err)
}

// telling returns the line of what a tool has said that says why: the first with an error in it,
// else the last.
func telling(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines {
		if strings.Contains(line, "error:") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
