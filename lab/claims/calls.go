package claims

import (
	"fmt"
	"strings"

	"github.com/kettle-go/kettle/lab/results"
)

// writeCalls writes the system calls per message of each server that was visited for them, by kind:
// a table for each workload. No claim is judged by them.
func writeCalls(b *strings.Builder, set *results.Set) {
	counted := &evidence{&results.Set{Models: set.Models}, set.Counted}
	names := (results.Calls{}).Names()
	for _, workload := range workloadsOf(set.Counted) {
		fmt.Fprintf(b, "\n## System calls per message: %s\n\n"+
			"Saturated, each server in a visit of its own, of which nothing else is shown, as "+
			"counting slows down each call.\n\n| | all | %s | |\n|---|---|%s---|\n",
			escape(workload), strings.Join(names, " | "), strings.Repeat("---|", len(names)))
		for _, name := range counted.servers(workload) {
			cells := callCells(counted.of(workload, name, nil))
			fmt.Fprintf(b, "| %s | %s |\n", escape(name), strings.Join(cells, " | "))
		}
		b.WriteString("\nReceive: read, recvfrom and their kin; send: write, sendto and theirs; " +
			"wait: epoll\\_wait, poll, select, and io\\_uring\\_enter, which may also receive " +
			"and send; threads: futex, yields, sleeps and signals, which locks and a scheduler " +
			"take.\n")
	}
}

// callCells returns the cells of a server, and why there is nothing in them where that is so.
func callCells(visits []*results.Visit) []string {
	calls := results.Saturated.Calls(visits)
	if calls == nil {
		cells := []string{"n/a"}
		for range (results.Calls{}).Names() {
			cells = append(cells, "n/a")
		}
		return append(cells, escape(why(visits)))
	}
	cells := []string{fmt.Sprintf("%.2f", calls.Total())}
	for _, n := range calls.Numbers() {
		cells = append(cells, fmt.Sprintf("%.2f", *n))
	}
	return append(cells, "")
}
