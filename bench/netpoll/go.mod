// A module of its own, so that kettle depends on nothing of it.
module github.com/kettle-go/kettle/bench/netpoll

go 1.26.0

require github.com/cloudwego/netpoll v0.7.2

require (
	github.com/bytedance/gopkg v0.1.1 // indirect
	github.com/cloudwego/gopkg v0.1.4 // indirect
)
