package timeline

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Of the picture of a request: where things are, in per cent, and what is how tall, in pixels.
const (
	programAt = 30.0
	kernelAt  = 70.0
	betweenAt = (programAt + kernelAt) / 2
	laneWide  = 4.0
	besides   = 3.5 // from the middle of a lane to what is written beside it

	headTall  = 24
	arrowTall = 19  // a call, or its return
	stateTall = 20  // at the least
	waitTall  = 110 // what the longest wait has besides

	widestKernel = 640 // more would part what belongs together
)

// The styles of what is written.
const (
	small  = `font-size="11"`
	centre = small + ` text-anchor="middle"`
	atEnd  = small + ` text-anchor="end"`
	faint  = ` opacity=".8"`
)

// kernelPicture is the picture of a request, which is being drawn from top to bottom.
type kernelPicture struct {
	canvas
	exchange
	y int
}

// KernelSVG draws how one request came to the program: time goes down, the program's lane is on the
// left and the kernel's on the right. It returns an error if there is no request to be shown.
func (r *Recording) KernelSVG(d Drawing) (string, error) {
	x, err := r.exchange()
	if err != nil {
		return "", err
	}
	p := &kernelPicture{canvas: newCanvas(d, "kernel", r.Server), exchange: x}
	p.y = titleTall + headTall
	for _, ph := range x.phases { // first what lies above the lanes, to know how long they are
		p.phase(ph)
	}
	above := p.out.String()
	p.out.Reset()
	p.head("head", 0)
	p.head("bytes", x.of)
	p.title(r.Server, x.subtitle())
	for _, lane := range []struct {
		at   float64
		name string
	}{{programAt, "program"}, {kernelAt, "kernel"}} {
		p.text(lane.at, titleTall+14, `text-anchor="middle" font-weight="bold"`, lane.name)
		p.line(lane.at, lane.at, titleTall+headTall, p.y, 0, `opacity=".35"`)
	}
	p.out.WriteString(above)
	return p.frame(p.y+12, widestKernel, r.Server+": "+x.subtitle(), x.story()), nil
}

// phase draws a phase.
func (p *kernelPicture) phase(ph phase) {
	p.text(0, p.y+11, small+faint, moment(ph.from-p.phases[0].from))
	if ph.program == polls {
		p.attempts(ph)
		return
	}
	top := p.y
	if ph.arrives {
		p.arrival()
	}
	called := top
	if ph.call != "" {
		p.crossing(programAt, kernelAt, ph.call)
		called = p.y - 6 // the kernel begins when it is called
	}
	height := stateTall + p.extra(ph.to-ph.from)
	if ph.call == "" && !ph.arrives && ph.program != runs { // room below the time
		height += arrowTall - stateTall/2
	}
	p.side(programAt, top, p.y+height, ph.program)
	p.side(kernelAt, called, p.y+height, ph.kernel)
	text := p.y + height/2 + 4
	if height < 2*stateTall {
		text = p.y + height - stateTall/2 + 2
	}
	p.words(ph, text)
	p.y += height
	if ph.back != "" {
		p.crossing(kernelAt, programAt, ph.back)
	}
}

// extra returns how much taller than the least a phase is: more the longer it lasted.
func (p *kernelPicture) extra(d time.Duration) int {
	most := time.Duration(1)
	for _, other := range p.phases {
		most = max(most, other.to-other.from)
	}
	return int(waitTall * math.Sqrt(float64(d)/float64(most)))
}

// words writes what both sides do in a phase, and how long.
func (p *kernelPicture) words(ph phase, y int) {
	p.text(programAt-besides, y, atEnd, stateText(ph.program))
	if ph.kernel == idle && ph.note != "" {
		p.text(programAt+besides, y, small, ph.note+", "+exact(ph.to-ph.from))
		return
	}
	p.text(kernelAt+besides, y, small, stateText(ph.kernel))
	p.text(betweenAt, y, centre+faint, exact(ph.to-ph.from))
}

// attempts draws some of many calls that have all come back at once.
func (p *kernelPicture) attempts(ph phase) {
	const shown = 4
	top := p.y
	for range shown {
		p.crossing(programAt, kernelAt, ph.call)
		p.crossing(kernelAt, programAt, ph.back)
	}
	p.y += stateTall
	p.text(betweenAt, p.y-5, centre, "… "+ph.note)
	p.side(programAt, top, p.y, polls)
	p.text(programAt-besides, p.y-8, atEnd, stateText(polls))
}

// crossing draws an arrow from one lane to the other, and what it is.
func (p *kernelPicture) crossing(from, to float64, what string) {
	edge := laneWide / 2
	if from > to {
		edge = -edge
	}
	p.y += arrowTall
	p.arrow(from+edge, to-edge, p.y-3, 0, "head", "")
	p.text(betweenAt, p.y-7, centre, what)
}

// arrival draws the bytes that come to the kernel.
func (p *kernelPicture) arrival() {
	p.y += arrowTall
	p.arrow(100, kernelAt+laneWide/2+1, p.y-4, p.of, "bytes", `stroke-width="3"`)
	p.text(100, p.y-9, atEnd, "its bytes arrive")
}

// side draws what a lane does.
func (p *kernelPicture) side(at float64, top, bottom int, s state) {
	how, client := filled, p.of
	switch s {
	case idle, forAll, asleep:
		return
	case waking:
		how = light
	case held:
		how = dashed
	case waiting, calls:
		how, client = dashed, 0
	case polls:
		how, client = striped, 0
	}
	p.box(at-laneWide/2, laneWide, top, bottom-top, how, client, stateText(s))
}

// story tells the picture to those who cannot see it.
func (x exchange) story() string {
	var text strings.Builder
	for _, p := range x.phases {
		parts := []string{"At " + moment(p.from-x.phases[0].from)}
		if p.arrives {
			parts = append(parts, "the client's bytes arrive")
		}
		if p.call != "" {
			parts = append(parts, "the program calls "+p.call)
		}
		what := "the program: " + stateText(p.program)
		if p.note != "" {
			what += " (" + p.note + ")"
		}
		parts = append(parts, what)
		if p.kernel != idle {
			parts = append(parts, "the kernel: "+stateText(p.kernel))
		}
		if p.back != "" {
			parts = append(parts, "what comes back is: "+p.back)
		}
		fmt.Fprintf(&text, "%s. ", strings.Join(parts, ", "))
	}
	return strings.TrimSpace(text.String())
}
