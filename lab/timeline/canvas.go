package timeline

import (
	"fmt"
	"strings"
	"unicode"
)

// Drawing says how a picture is drawn.
type Drawing struct {
	// ID begins the names of the parts of the picture, which have to be a page's only ones; "" is
	// made from the name of the server.
	ID string

	// Width is the picture's own, in pixels, with which it can stand in a file: who shows it scales
	// it. 0 is for a picture within a page: it is as wide as its place, and its text has its size
	// whatever that is; colours are the page's, if it has --client-1 to --client-9.
	Width int
}

// canvas is what a picture is drawn on: text of SVG. From left to right it is measured in per cent,
// so that it fits where it stands, and from top to bottom in pixels, so that its text has room.
type canvas struct {
	Drawing
	out         strings.Builder
	definitions string // besides those that each picture has
}

// newCanvas returns one for a picture of a server.
func newCanvas(d Drawing, form, server string) canvas {
	if d.ID == "" {
		d.ID = form + "-" + strings.Map(func(c rune) rune {
			if c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) {
				return '-'
			}
			return c
		}, server)
	}
	return canvas{Drawing: d}
}

// look is how a box is drawn.
type look int

const (
	filled  look = iota // in the colour and with the pattern of a client
	plain               // without the pattern
	light               // in a light colour
	dashed              // an outline
	striped             // for what is done again and again
)

// percent returns a share of the width.
func percent(x float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", x), "0"), ".") + "%"
}

// escape makes text of what may mean something in SVG.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}

// color returns the colour of a client; 0 is that of the text.
func (c *canvas) color(client int) string {
	switch {
	case client == 0:
		return "currentColor"
	case c.Width > 0: // not all that shows files knows variables
		return webColor(client)
	}
	return fmt.Sprintf("var(--client-%d,%s)", client, webColor(client))
}

// begin begins a group of parts that have a tip in common.
func (c *canvas) begin(tip string) {
	fmt.Fprintf(&c.out, "<g><title>%s</title>\n", escape(tip))
}

func (c *canvas) end() { c.out.WriteString("</g>\n") }

// title draws the two lines that begin a picture.
func (c *canvas) title(name, more string) {
	c.text(0, 14, `font-weight="bold" font-size="14"`, name)
	c.text(0, 31, "", more)
}

// text draws text in some style.
func (c *canvas) text(x float64, y int, style, text string) {
	fmt.Fprintf(&c.out, `<text x="%s" y="%d" %s>%s</text>`+"\n", percent(x), y, style, escape(text))
}

// onColor is the style of text that lies on a colour.
const onColor = `class="on"`

// line draws a line in some style.
func (c *canvas) line(x1, x2 float64, y1, y2, client int, style string) {
	fmt.Fprintf(&c.out, `<line x1="%s" x2="%s" y1="%d" y2="%d" stroke="%s" %s/>`+"\n", percent(x1),
		percent(x2), y1, y2, c.color(client), style)
}

// dot draws a dot.
func (c *canvas) dot(x float64, y, client int) {
	fmt.Fprintf(&c.out, `<circle cx="%s" cy="%d" r="3.5" fill="%s"/>`+"\n", percent(x), y,
		c.color(client))
}

// peak draws the sign that somebody is ready.
func (c *canvas) peak(x float64, y int, tip string) {
	fmt.Fprintf(&c.out, `<svg x="%s" y="%d" overflow="visible"><path d="M-3 5l3-5l3 5z" `+
		`opacity=".7">%s</path></svg>`+"\n", percent(x), y, tipElement(tip))
}

// tipElement returns what is shown of a part that is pointed at.
func tipElement(tip string) string {
	if tip == "" {
		return ""
	}
	return "<title>" + escape(tip) + "</title>"
}

// box draws a rectangle.
func (c *canvas) box(x, wide float64, y, tall int, how look, client int, tip string) {
	place := fmt.Sprintf(`x="%s" y="%d" width="%s" height="%d"`, percent(x), y, percent(wide), tall)
	color, title := c.color(client), tipElement(tip)
	switch how {
	case filled, plain:
		fmt.Fprintf(&c.out, `<g>%s<rect %s fill="%s"/>`, title, place, color)
		if n := (client - 1) % (len(patterns()) + 1); how == filled && n > 0 {
			fmt.Fprintf(&c.out, `<rect %s fill="url(#%s-p%d)"/>`, place, c.ID, n)
		}
		c.end()
	case light:
		fmt.Fprintf(&c.out, `<rect %s fill="%s" fill-opacity=".25" stroke="%s">%s</rect>`+"\n",
			place, color, color, title)
	case dashed:
		fmt.Fprintf(&c.out, `<rect %s fill="%s" fill-opacity=".1" stroke="%s" `+
			`stroke-dasharray="3 3">%s</rect>`+"\n", place, color, color, title)
	case striped:
		fmt.Fprintf(&c.out, `<rect %s fill="url(#%s-asks)">%s</rect>`+"\n", place, c.ID, title)
	}
}

// patterns returns what lies above the colour of a client, so that it can be told apart without:
// the first client has none, the second the first of these, and so on.
func patterns() []string {
	return []string{"M-1 1l2-2M0 6l6-6M5 7l2-2", "M0 3h6", "M3 0v6", "M0 0l6 6M0 6l6-6"}
}

// head defines the end of an arrow.
func (c *canvas) head(name string, client int) {
	c.definitions += fmt.Sprintf(`<marker id="%s-%s" viewBox="0 0 8 8" refX="7" refY="4" `+
		`markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">`+
		`<path d="M0 0l8 4l-8 4z" fill="%s"/></marker>`+"\n", c.ID, name, c.color(client))
}

// arrow draws an arrow with the head of that name.
func (c *canvas) arrow(x1, x2 float64, y, client int, head, style string) {
	c.line(x1, x2, y, y, client, fmt.Sprintf(`%s marker-end="url(#%s-%s)"`, style, c.ID, head))
}

// frame returns the whole picture, so many pixels tall, with a title and a story for those who
// cannot see it. Within a page it is not wider than widest; 0 is as wide as there is room.
func (c *canvas) frame(height, widest int, title, story string) string {
	var defs strings.Builder
	for i, lines := range patterns() {
		fmt.Fprintf(&defs, `<pattern id="%s-p%d" width="6" height="6" `+
			`patternUnits="userSpaceOnUse"><path d="%s" stroke="#fff" opacity=".5"/>`+
			"</pattern>\n", c.ID, i+1, lines)
	}
	fmt.Fprintf(&defs, `<pattern id="%s-asks" width="4" height="10" `+
		`patternUnits="userSpaceOnUse"><path d="M1 0v10" stroke="currentColor" `+
		`stroke-width="1.5" opacity=".5"/></pattern>`+"\n%s", c.ID, c.definitions)
	size := fmt.Sprintf(`width="100%%" height="%d"`, height)
	if widest > 0 {
		size += fmt.Sprintf(` style="max-width:%dpx"`, widest)
	}
	dark := ""
	if w := c.Width; w > 0 {
		size = fmt.Sprintf(`width="%d" height="%d" viewBox="0 0 %d %d"`, w, height, w, height)
		dark = "@media (prefers-color-scheme:dark){#" + c.ID + "{color:#e8e8e8}}\n"
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" id="%[1]s" `+
		`class="kettle-timeline" %[2]s role="img" aria-labelledby="%[1]s-title %[1]s-desc" `+
		`fill="currentColor" `+
		`font-family="system-ui,sans-serif" font-size="12">`+"\n"+
		`<title id="%[1]s-title">%[3]s</title>`+"\n"+`<desc id="%[1]s-desc">%[4]s</desc>`+"\n"+
		`<style>%[5]s#%[1]s .on{fill:#fff;stroke:#000;stroke-opacity:.35;stroke-width:3px;`+
		`stroke-linejoin:round;paint-order:stroke;font-weight:bold}</style>`+"\n"+
		"<defs>%[6]s</defs>\n%[7]s</svg>\n",
		c.ID, size, escape(title), escape(story), dark, defs.String(), c.out.String())
}
