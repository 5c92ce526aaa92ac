package timeline

import "fmt"

// legend draws what stands for what, of what there is, and returns where the picture ends.
func (p *timelinePicture) legend(y int) int {
	const lineTall = 19
	y += 8
	entries := p.explained()
	for i, e := range entries {
		x, top := float64(i%2)*50, y+i/2*lineTall
		p.sample(x, top, e)
		p.text(x, top+12, `dx="36" font-size="11"`, e.text)
	}
	return y + (len(entries)+1)/2*lineTall + 4
}

// entry is a line of the legend.
type entry struct {
	what string // an operation, or what kinds calls it, or one of those below
	text string
}

// What a legend explains besides what kinds returns.
const (
	theBar     = "bar"
	theBacklog = "backlog"
	nothing    = "nothing"
)

// explained returns the lines of the legend.
func (p *timelinePicture) explained() []entry {
	entries := []entry{{theBar, "asked, not answered yet"}}
	for i := range p.Clients {
		if p.waitedInBacklog(i + 1) {
			entries = append(entries, entry{theBacklog, "and still in the backlog"})
			break
		}
	}
	seen := kinds(p.rows)
	for _, e := range []entry{{opAccept, opText(opAccept)}, {opStart, opText(opStart)},
		{opRead, opText(opRead)}, {opCompute, opText(opCompute)}, {opWrite, opText(opWrite)},
		{isStuck, "waits, for this client alone"}, {isAsking, "asks all, again and again"},
		{isWaking, "somebody is ready"}, {isTask, "its task runs"}} {
		if seen[e.what] {
			entries = append(entries, e)
		}
	}
	if !seen[isAsking] {
		entries = append(entries, entry{nothing, "empty: waits for anybody"})
	}
	return entries
}

// sample draws what a line explains, in the colour of the first client.
func (p *timelinePicture) sample(x float64, y int, e entry) {
	const tall = 16
	fmt.Fprintf(&p.out, `<svg x="%s" y="%d" width="32" height="%d">`, percent(x), y, tall)
	switch e.what {
	case theBar:
		p.box(4, 92, 2, 12, filled, 1, "")
	case theBacklog:
		p.box(4, 92, 2, 12, light, 1, "")
	case isStuck:
		p.box(4, 92, 2, 12, dashed, 1, "")
	case isAsking:
		p.box(4, 92, 2, 12, striped, 0, "")
	case isTask:
		p.box(4, 92, 7, 2, plain, 1, "")
	case isWaking:
		p.peak(50, 6, "")
	case nothing:
		p.line(4, 96, tall/2, tall/2, 0, `opacity=".45"`)
	default:
		top, high := shape(e.what)
		p.box(30, 40, top*tall/laneTall, high*tall/laneTall, filled, 1, "")
	}
	p.out.WriteString("</svg>\n")
}
