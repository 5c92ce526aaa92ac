package page_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/page"
	"github.com/kettle-go/kettle/lab/results"
)

// payloads are texts that leave whatever they stand in, if they are not escaped: text, attributes,
// scripts, styles, comments, addresses.
var payloads = []string{
	`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`,
	`' onfocus='alert(1)' autofocus='`,
	`</script><script>alert(1)</script>`, `</style><svg onload=alert(1)>`, `--><b>`, `<!--<script>`,
	`javascript:alert(1)`, `{{.}}`, "${alert(1)}`", `</title></textarea></table></details>`,
	"\u2028\u2029\x00", `&lt;b&gt;`, `\u003cb\u003e`, `]]>`,
}

// replace replaces each text in x, also those within, by what of gives for it. Equal texts stay
// equal, as they are names. What the page must understand is left alone.
func replace(x reflect.Value, of func(string) string) {
	switch x.Type() {
	case reflect.TypeFor[claims.ChartKind](), reflect.TypeFor[claims.Status](),
		reflect.TypeFor[json.RawMessage](), reflect.TypeFor[*results.Latencies]():
		return
	}
	switch x.Kind() {
	case reflect.String:
		if x.CanSet() && x.String() != "" {
			x.SetString(of(x.String()))
		}
	case reflect.Pointer:
		if !x.IsNil() {
			replace(x.Elem(), of)
		}
	case reflect.Slice:
		for i := range x.Len() {
			replace(x.Index(i), of)
		}
	case reflect.Struct:
		for i := range x.NumField() {
			if x.Type().Field(i).IsExported() {
				replace(x.Field(i), of)
			}
		}
	}
}

// renamed returns the runs of the fixtures, with the n-th of their texts replaced by what of gives.
func renamed(t *testing.T, of func(n int) string) []page.Run {
	t.Helper()
	runs := []page.Run{runOf(read(t, "first.jsonl")), runOf(read(t, "second.jsonl"))}
	known := make(map[string]string)
	for i := range runs {
		// The source has elements for its parts: TestHighlightChangesNoSource has that.
		for k := range runs[i].Set.Models {
			runs[i].Set.Models[k].Source = ""
		}
		replace(reflect.ValueOf(&runs[i]).Elem(), func(s string) string {
			if _, seen := known[s]; !seen {
				known[s] = of(len(known))
			}
			return known[s]
		})
	}
	return runs
}

// nodes yields a node and all within, in order.
func nodes(n *html.Node) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		var visit func(*html.Node) bool
		visit = func(n *html.Node) bool {
			if !yield(n) {
				return false
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				if !visit(c) {
					return false
				}
			}
			return true
		}
		visit(n)
	}
}

// elements returns the elements of a page, each with the names of its attributes, and checks that
// nothing in it runs or leads elsewhere. They are sorted, since lines stand in the order of names.
func elements(t *testing.T, text string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	scripts := 0
	for n := range nodes(root) {
		if n.Type == html.CommentNode {
			t.Errorf("the page has a comment: %.60q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		line := n.Data
		for _, a := range n.Attr {
			line += " " + a.Key
			if strings.HasPrefix(strings.ToLower(a.Key), "on") {
				t.Errorf("%s has a handler: %s=%q", n.Data, a.Key, a.Val)
			}
			if slices.Contains([]string{"href", "src", "action", "formaction", "data", "style",
				"srcset"}, a.Key) && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
		if n.Data == "script" {
			scripts++
		}
		if slices.Contains([]string{"img", "iframe", "object", "embed", "link", "base", "audio",
			"video"}, n.Data) {
			t.Errorf("the page has an element %s", n.Data)
		}
		all = append(all, line)
	}
	if scripts != 4 {
		t.Errorf("the page has %d scripts, not its data, two libraries and its own", scripts)
	}
	slices.Sort(all)
	return all
}

// TestNoTextBecomesPartOfThePage: the elements of a page are the same, whatever the texts in its
// results are.
func TestNoTextBecomesPartOfThePage(t *testing.T) {
	harmless := func(n int) string { return fmt.Sprint("text ", n) }
	want := elements(t, write(t, renamed(t, harmless)...))
	for shift := range payloads {
		text := write(t, renamed(t, func(n int) string {
			return fmt.Sprint(payloads[(n+shift)%len(payloads)], n)
		})...)
		if diff := cmp.Diff(want, elements(t, text)); diff != "" {
			t.Fatal("its elements (-with harmless texts +with these):\n" + diff)
		}
		if in := data.FindStringSubmatch(text)[1]; strings.ContainsAny(in, "<>&\u2028\u2029") {
			t.Error("the data of the charts has what could end its element")
		}
	}
}
