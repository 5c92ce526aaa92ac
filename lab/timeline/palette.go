package timeline

// colors are those of the clients: by Okabe and Ito, who chose them so that the colour-blind can
// tell them apart, made so dark or light that each can be seen on white and on black. Where there
// are more clients they begin anew: a client has a number and a pattern too.
func colors() []struct{ web, terminal string } {
	return []struct{ web, terminal string }{
		{"#1f78c8", "33"},  // blue
		{"#d55e00", "166"}, // vermilion
		{"#009e73", "36"},  // green
		{"#b0509a", "133"}, // purple
		{"#a87900", "136"}, // ochre
		{"#3f8f9f", "73"},  // teal
	}
}

// webColor returns the colour of a client in a picture.
func webColor(client int) string {
	all := colors()
	return all[(client-1)%len(all)].web
}

// terminalColor returns what turns the colour of a client on; that of none is the terminal's own.
func terminalColor(client int) string {
	if client == 0 {
		return "\x1b[0m"
	}
	all := colors()
	return "\x1b[38;5;" + all[(client-1)%len(all)].terminal + "m"
}
