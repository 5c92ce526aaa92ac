package workloads

// source has nothing to visit: the source of the models is in the results of each run.
func source() Workload {
	return Workload{
		Name:   "source",
		About:  "the source of the models: how long is it, and how often does it ask?",
		Claims: []string{"C14", "C15"},
	}
}
