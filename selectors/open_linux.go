package selectors

func candidates() []candidate {
	return []candidate{{"epoll", newEpoll}, {"io_uring", newRing}, {"poll", newPoll}, {"select", newSelect}}
}
