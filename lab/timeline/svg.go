package timeline

import (
	"fmt"
	"time"
)

// Of a timeline, in pixels from top to bottom; from left to right everything is in per cent.
const (
	titleTall  = 44
	labelTall  = 15 // above each row
	numberTall = 11 // below the label of a lane
	clientTall = 16
	laneTall   = 24
	gapTall    = 9 // below each row
	axisTall   = 26

	least    = 1.0 // per cent of the width that what was done has at the least
	margin   = 1.0 // per cent, at both sides
	readable = 9.0 // per cent in which a time can be written
)

// timelinePicture is a timeline that is being drawn.
type timelinePicture struct {
	canvas
	*Recording
	rows []row
	at   scale

	clientTops, laneTops []int // of their labels
	axisTop              int
}

// SVG draws the timeline.
func (r *Recording) SVG(d Drawing) string {
	p := &timelinePicture{canvas: newCanvas(d, "timeline", r.Server), Recording: r, rows: r.rows()}
	p.at = r.scale(p.rows, least/100)
	p.place()
	p.title(r.Server, r.subtitle())
	for i := range r.Clients {
		p.client(i + 1)
	}
	for i := range p.rows {
		p.lane(i)
	}
	for i := range p.rows {
		p.links(i)
	}
	p.axis()
	height := p.legend(p.axisTop + axisTall)
	return p.frame(height, 0, r.Server+": "+r.subtitle(), r.story())
}

// place finds out where the rows are.
func (p *timelinePicture) place() {
	y := titleTall
	for range p.Clients {
		p.clientTops = append(p.clientTops, y)
		y += labelTall + clientTall + gapTall
	}
	y += gapTall
	for range p.rows {
		p.laneTops = append(p.laneTops, y)
		y += labelTall + numberTall + laneTall + gapTall
	}
	p.axisTop = y
}

// x returns where a time is, in per cent.
func (p *timelinePicture) x(t time.Duration) float64 {
	return margin + float64((100-2*margin)*p.at.of(t))
}

// stretch draws a box from one time to another.
func (p *timelinePicture) stretch(s span, y, tall int, how look, client int, tip string) {
	from := p.x(s.from)
	p.box(from, max(p.x(s.to)-from, 0.05), y, tall, how, client, tip)
}

// client draws the row of a client.
func (p *timelinePicture) client(client int) {
	c, y := p.Clients[client-1], p.clientTops[client-1]+labelTall
	p.text(0, y-4, "", fmt.Sprintf("client %d", client))
	middle := y + clientTall/2
	p.line(p.x(c.Connected), p.x(c.Left), middle, middle, client, `stroke-width="2" opacity=".45"`)
	for _, b := range p.bars(client) {
		tip := fmt.Sprintf("client %d: sent at %s, answered after %s", client, exact(b.from),
			exact(b.to-b.from))
		if p.waited(b) {
			tip += fmt.Sprintf(", in the backlog for %s of it", exact(b.looked-b.from))
			p.stretch(span{b.from, b.looked}, y, clientTall, light, client, tip)
		} else {
			b.looked = b.from
		}
		p.stretch(span{b.looked, b.to}, y, clientTall, filled, client, tip)
		p.duration(b, y+clientTall-4)
	}
	for _, at := range []time.Duration{c.Connected, c.Left} {
		p.dot(p.x(at), middle, client)
	}
}

// duration writes onto a bar how long it is, if there is room.
func (p *timelinePicture) duration(b bar, y int) {
	begin, from, to := p.x(b.from), p.x(b.looked), p.x(b.to)
	if to-begin < readable {
		return
	}
	style := onColor
	if from-begin > to-from { // its first part is longer, and light
		from, to, style = begin, from, ""
	}
	p.text((from+to)/2, y, `text-anchor="middle" `+style, short(b.to-b.from))
}

// lane draws the row of a lane.
func (p *timelinePicture) lane(i int) {
	row, y := p.rows[i], p.laneTops[i]+labelTall+numberTall
	p.begin(p.detail(i))
	p.text(0, p.laneTops[i]+labelTall-4, "", p.label(i))
	p.line(p.x(max(0, row.Began)), p.x(min(p.Length, row.Ended)), y+laneTall/2, y+laneTall/2, 0,
		`opacity=".45"`)
	for _, b := range row.boxes {
		switch tip := p.tip(b); b.kind {
		case stuck:
			p.stretch(b.span, y+5, laneTall-10, dashed, b.client, tip)
		case asks:
			p.stretch(b.span, y+7, laneTall-14, striped, 0, tip)
		case inTask:
			p.stretch(b.span, y+laneTall+1, 2, plain, b.client, tip)
		case wakes:
			p.peak(p.x(b.from), y+laneTall+4, tip)
		}
	}
	last := -100.0
	for _, b := range row.boxes {
		if b.kind != works {
			continue
		}
		top, tall := shape(b.op)
		p.stretch(b.span, y+top, tall, filled, b.client, p.tip(b))
		if x := p.x(b.from); x-last > 2.4 { // what begins together has one number
			p.text(x+least/2, y-4, `text-anchor="middle" font-size="10"`, fmt.Sprint(b.client))
			last = x
		}
	}
	p.end()
}

// shape returns where in its row something is that was done, and how tall: what comes in is below,
// what goes out is above, and what lies between is as tall as the row.
func shape(op string) (top, tall int) {
	switch op {
	case opAccept, opStart:
		return laneTall / 3, laneTall / 3
	case opRead:
		return laneTall / 2, laneTall / 2
	case opWrite:
		return 0, laneTall / 2
	}
	return 0, laneTall
}

// links draws a line from each request to where it was read in the lane, and from where it was
// answered to the end of its bar.
func (p *timelinePicture) links(lane int) {
	const style = `stroke-width="1.2" opacity=".7"`
	y := p.laneTops[lane] + labelTall + numberTall
	for _, b := range p.rows[lane].boxes {
		if b.kind != works || b.client == 0 || b.event.N == 0 {
			continue
		}
		top := p.clientTops[b.client-1] + labelTall + clientTall
		for _, q := range p.Clients[b.client-1].Requests {
			switch {
			case b.op == opRead && q.Sent <= b.to && q.Answered >= b.to:
				p.line(p.x(q.Sent), p.x(b.from), top, y+laneTall/2, b.client, style)
			case b.op == opWrite && q.Sent <= b.from && q.Answered >= b.from:
				p.line(p.x(q.Answered), p.x(b.to), top, y, b.client, style)
			}
		}
	}
}

// axis draws the times, and at each a thin line through all rows.
func (p *timelinePicture) axis() {
	const nearest = 11 // per cent between two times that are written
	y := p.axisTop
	p.line(margin, 100-margin, y, y, 0, "")
	last := -100.0
	for _, t := range ticks(p.Length, 8) {
		x := p.x(t)
		if x-last < nearest || x > 96 {
			continue
		}
		last = x
		p.line(x, x, titleTall+labelTall, y+4, 0, `opacity=".15"`)
		anchor := "middle"
		switch {
		case t == 0:
			anchor = "start"
		case x > 92:
			anchor = "end"
		}
		p.text(x, y+17, `text-anchor="`+anchor+`"`, short(t))
	}
}
