package load

func backends() []backend { return []backend{{"epoll", newEpoll}, {"poll", newPoll}} }
