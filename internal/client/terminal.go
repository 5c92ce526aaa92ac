package client

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Terminal is where a Prompt happens: a VT100, as all terminals of today understand it.
type Terminal struct {
	In  io.Reader // the keys
	Out io.Writer // the screen

	// Size tells the size of the window in characters. It is called often. It may be nil, or fail:
	// the window then counts as 80 columns wide.
	Size func() (width, height int, err error)

	// Raw makes the terminal pass on each key at once and leave painting to us, until restore is
	// called. It may be nil if the terminal does so anyway.
	Raw func() (restore func() error, err error)
}

// TerminalOf is the terminal that the two files are.
func TerminalOf(in, out *os.File) Terminal {
	keys, screen := int(in.Fd()), int(out.Fd())
	return Terminal{
		In:   in,
		Out:  out,
		Size: func() (int, int, error) { return term.GetSize(screen) },
		Raw: func() (func() error, error) {
			before, err := term.MakeRaw(keys)
			if err != nil {
				return nil, err
			}
			return func() error { return term.Restore(keys, before) }, nil
		},
	}
}

// keystrokes are one read of the keyboard.
type keystrokes struct {
	bytes []byte
	err   error
}

// readKeys passes on what In gives until it ends or quit is closed.
func (t Terminal) readKeys(keys chan<- keystrokes, quit <-chan struct{}) {
	for {
		buf := make([]byte, 1024)
		n, err := t.In.Read(buf)
		select {
		case keys <- keystrokes{buf[:n], err}:
		case <-quit:
			return
		}
		if err != nil {
			return
		}
	}
}
