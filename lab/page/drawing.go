package page

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/lab/claims"
)

// draw has the pictures of a chart drawn that shows recordings. What goes wrong with one is said
// in its place: it must not cost the rest of the page.
func (v *view) draw(f *figure, of []*claims.Chart) {
	for i, c := range of {
		if c == nil {
			continue
		}
		d := drawing{Run: v.Runs[i].Letter}
		picture, err := v.picture(f.ID+d.Run, c, i)
		switch {
		case err != nil:
			d.Missing = "The picture could not be drawn: " + err.Error() + "."
		case picture == "":
			d.Missing = "The results have no recording of this."
		}
		d.Picture = template.HTML(picture)
		f.Drawings = append(f.Drawings, d)
		f.Summary = append(f.Summary, prefixed(d.Run, strings.Join(c.Models, ", ")))
	}
}

// picture returns the picture of a chart of the i-th run, as the page can have it.
func (v *view) picture(id string, c *claims.Chart, i int) (string, error) {
	if v.options.Draw == nil {
		return "", nil
	}
	svg, err := v.options.Draw(c.Kind, c.Models, v.runs[i].Set)
	if err != nil || svg == "" {
		return "", err
	}
	return own(svg, id)
}

// reference matches where a picture refers to a part of itself, and in its styles also what may be
// a colour.
var reference = regexp.MustCompile(`#([A-Za-z_][\w-]*)`)

// outside matches what in a style leads out of the page.
var outside = regexp.MustCompile(`(?i)@import|url\(\s*["']?[^"'#\s]`)

// forbidden are the elements that run, load or leave SVG.
var forbidden = []string{"script", "foreignobject", "iframe", "image", "feimage", "audio", "video",
	"object", "embed", "base", "link", "meta", "set", "animate", "animatetransform",
	"animatemotion"}

// own reads a picture, of one svg element or of several, and writes it anew, as a part of this
// page: its names are its own, so that several can stand on one page, its styles hold for nothing
// else, and it has nothing that runs or that comes from elsewhere. A picture that has is an error.
func own(svg, id string) (string, error) {
	p := picture{id: id, names: make(map[string]bool)}
	// Names are collected first, since an element can refer to one that comes later.
	for _, take := range []func(xml.Token) error{p.name, p.take} {
		in := xml.NewDecoder(strings.NewReader(svg))
		for {
			t, err := in.RawToken()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return "", fmt.Errorf("read the picture: %w", err)
			}
			if err := take(t); err != nil {
				return "", err
			}
		}
	}
	if len(p.open) > 0 {
		return "", fmt.Errorf("the picture does not end its element %s", p.open[len(p.open)-1])
	}
	if p.out.Len() == 0 {
		return "", errors.New("the picture has no element")
	}
	return p.out.String(), nil
}

// picture is one that is being read and written.
type picture struct {
	id    string
	names map[string]bool // of its parts
	out   strings.Builder
	open  []string // elements, from the outermost
}

// name notes the name of an element.
func (p *picture) name(t xml.Token) error {
	if e, ok := t.(xml.StartElement); ok {
		for _, a := range e.Attr {
			if strings.EqualFold(qualified(a.Name), "id") {
				p.names[a.Value] = true
			}
		}
	}
	return nil
}

// rename returns a text in which the picture's parts have the names that they have in the page.
func (p *picture) rename(text string) string {
	return reference.ReplaceAllStringFunc(text, func(s string) string {
		if p.names[s[1:]] {
			return "#" + p.id + "-" + s[1:]
		}
		return s
	})
}

// take writes one token. Comments and instructions are left out.
func (p *picture) take(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		name := qualified(t.Name)
		if len(p.open) == 0 || p.open[len(p.open)-1] != name {
			return fmt.Errorf("the picture ends the element %s, which is not open", name)
		}
		if name == "style" {
			p.out.WriteString("}")
		}
		p.open = p.open[:len(p.open)-1]
		p.out.WriteString("</" + name + ">")
	case xml.CharData:
		if len(p.open) == 0 {
			break // between the lines around it
		}
		text := string(t)
		if p.open[len(p.open)-1] == "style" {
			if outside.MatchString(text) {
				return errors.New("the picture has a style that loads something")
			}
			text = p.rename(text)
		}
		return xml.EscapeText(&p.out, []byte(text))
	}
	return nil
}

// start writes the beginning of an element.
func (p *picture) start(e xml.StartElement) error {
	name := qualified(e.Name)
	if len(p.open) == 0 && name != "svg" {
		return fmt.Errorf("the picture has %s outside of svg", name)
	}
	if slices.Contains(forbidden, strings.ToLower(name)) {
		return fmt.Errorf("the picture has an element %s", name)
	}
	p.open = append(p.open, name)
	p.out.WriteString("<" + name)
	for _, a := range e.Attr {
		value, err := p.attribute(qualified(a.Name), a.Value)
		if err != nil {
			return err
		}
		p.out.WriteString(" " + qualified(a.Name) + `="`)
		if err := xml.EscapeText(&p.out, []byte(value)); err != nil {
			return err
		}
		p.out.WriteString(`"`)
	}
	p.out.WriteString(">")
	if name == "style" { // what it says holds within the page's element of this picture
		p.out.WriteString("#" + p.id + "{")
	}
	return nil
}

// attribute returns the value that an attribute has in the page.
func (p *picture) attribute(name, value string) (string, error) {
	lower := strings.ToLower(name)
	switch {
	case strings.HasPrefix(lower, "on"):
		return "", fmt.Errorf("the picture has an attribute %s, which runs", name)
	case lower == "href" || lower == "xlink:href" || lower == "src":
		if !strings.HasPrefix(value, "#") {
			return "", fmt.Errorf("the picture refers to %.40q, outside of it", value)
		}
		return "#" + p.id + "-" + value[1:], nil
	case lower == "id":
		return p.id + "-" + value, nil
	case lower == "aria-labelledby" || lower == "aria-describedby":
		names := strings.Fields(value)
		for i := range names {
			names[i] = p.id + "-" + names[i]
		}
		return strings.Join(names, " "), nil
	case outside.MatchString(value):
		return "", fmt.Errorf("the picture has an attribute %s that loads something", name)
	}
	return p.rename(value), nil
}

// qualified writes a name with its prefix, as it stood there.
func qualified(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}
