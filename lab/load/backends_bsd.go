//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package load

func backends() []backend { return []backend{{"kqueue", newKqueue}, {"poll", newPoll}} }
