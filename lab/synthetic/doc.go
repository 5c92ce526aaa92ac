// Package synthetic is a server whose figures follow from arithmetic, and the check that the lab
// finds them: is what the lab says true?
//
//	report, err := synthetic.Check(ctx, synthetic.Options{Rounds: 5, Command: command})
//	...
//	for _, f := range report.Figures {
//		fmt.Println(f.Load, f.Name, f.Measured, f.Expected, f.OK())
//	}
//
// # The server
//
// It is the service of all servers here, upper case, at times that are known. An answer leaves
// Delay after its request has come, Interval after the answer before it, and never in a stall, of
// which there is one at the beginning of every period:
//
//	requests    |  |  |  |  |  |  |  |  |  |
//	            [ stall  ]           [ stall  ]
//	answers              |||| |  |  |         |||
//
// These are times of a clock and not of a sleep: an answer that leaves late, as the machine had
// something else to do, makes no other one late. So a rate is exact however noisy the machine is,
// as long as somebody waits all the time. The server sleeps until a millisecond before an answer is
// due and spends the rest looking at the clock.
//
// # The arithmetic
//
// With n requests in flight of which one is answered each Interval, the rate is 1/Interval, and
// each has waited for all others: n × Interval. By Little's law the rate times the mean latency is
// n, for whatever rate and latency.
//
// At a fixed rate the requests that are due in a stall are as many as the rate says, and they wait
// for what is left of it, the first for all of it: their latencies go evenly from nothing up to the
// length of the stall. A closed loop sends one request in that time and then waits as well. Its
// figures hardly show the stall, which is the mistake that fixed rates are there to avoid
// (coordinated omission).
//
// A window is some whole periods long, so that it does not matter at which point of a period it
// begins.
//
// # Bounds
//
// Rates, and what is in flight, are held to 1 %, and latencies and the number of delayed requests
// to 5 %. That the closed loop does not show the stall means that its 99.9th percentile is below
// half of it.
//
// A figure is the median of rounds. Whether something else on the machine has held up the server or
// the load generator, both know, by when they should have done what they did; only those rounds
// count in which they were the least. On a machine that is always busy the figures may be out of
// bounds nevertheless, and then the lab's other figures are not worth much either.
package synthetic
