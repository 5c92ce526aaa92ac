//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package selectors

func candidates() []candidate {
	return []candidate{{"kqueue", newKqueue}, {"poll", newPoll}, {"select", newSelect}}
}
