package claims

// All returns the claims, in the order in which the text makes them.
func All() []Claim {
	return []Claim{
		{ID: "C15", Text: "What takes callbacks takes fewer lines with coroutines, and fewer " +
			"still with async and await",
			Workloads: []string{"source"},
			Predicted: "lines of code: selectors > coroutines > streams",
			judge:     lines},
	}
}
