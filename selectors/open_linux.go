package selectors

func candidates() []candidate {
	return []candidate{{"epoll", newEpoll}, {"poll", newPoll}, {"select", newSelect},
		{onRequest, newRing}}
}
