package page

// style is how a series looks: colour, marks and dashes, so that no two need be told apart by
// colour alone. Numbers are places in lists that the page's script and style sheet have.
type style struct {
	Colour int `json:"colour"`
	Symbol int `json:"symbol"`
	Dash   int `json:"dash"`
}

const (
	colours = 7 // --s0 to --s6 of page.css: told apart by colour-blind readers too
	symbols = 7 // of D3
	dashes  = 5 // prime to the others: 35 styles are all different
)

// setStyles gives each name that has a series its style, the same in all charts of the page, and
// the names that meet in a chart different colours, as far as there are enough. It goes by the
// order in which names appear, so that the same results look the same.
func (v *view) setStyles() {
	var names []string
	met := make(map[string]map[string]bool) // names that share a chart
	for _, c := range v.charts {
		var here []string
		for _, p := range c.Panels {
			for _, s := range p.Series {
				here = appendOnce(here, s.Name)
			}
		}
		for _, a := range here {
			names = appendOnce(names, a)
			if met[a] == nil {
				met[a] = make(map[string]bool)
			}
			for _, b := range here {
				met[a][b] = true
			}
		}
	}
	slot := make(map[string]int)
	taken := make(map[int]bool)
	for _, name := range names {
		slot[name] = freeSlot(taken, func(colour int) int {
			clashes := 0
			for other, k := range slot {
				if met[name][other] && k%colours == colour {
					clashes++
				}
			}
			return clashes
		})
		taken[slot[name]] = true
	}
	place := make(map[string]int)
	v.styles = []style{}
	for i, name := range names {
		place[name] = i
		k := slot[name]
		v.styles = append(v.styles, style{k % colours, (k + k/colours) % symbols, k % dashes})
	}
	for _, c := range v.charts {
		for _, p := range c.Panels {
			for i := range p.Series {
				p.Series[i].Style = place[p.Series[i].Name]
			}
		}
	}
}

// freeSlot returns the first slot that nobody has, of those whose colour has the fewest clashes.
func freeSlot(taken map[int]bool, clashes func(colour int) int) int {
	best, fewest := -1, 0
	for k := range colours * (len(taken) + 1) { // each colour has a free one among these
		if taken[k] {
			continue
		}
		if n := clashes(k % colours); best < 0 || n < fewest {
			best, fewest = k, n
		}
	}
	return best
}
