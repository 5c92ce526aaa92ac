package trace

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
)

// Load returns the events of a file, in the order in which they began.
func Load(name string) ([]Event, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read recorded events: %w", err)
	}
	defer file.Close()
	events, err := Decode(file)
	if err != nil {
		return nil, fmt.Errorf("read recorded events: %s: %w", name, err)
	}
	return events, nil
}

// Decode is Load for what is not in a file.
func Decode(from io.Reader) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Start, b.Start) })
	return events, nil
}
