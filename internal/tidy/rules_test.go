package tidy

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// repository loads the tree that this package stands in.
func repository(t *testing.T) *Tree {
	t.Helper()
	tree, err := Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestRepositoryKeepsTheHouseRules(t *testing.T) {
	tree := repository(t)
	for _, rule := range Rules() {
		t.Run(strings.ReplaceAll(rule.Name, " ", "-"), func(t *testing.T) {
			for _, f := range rule.Check(tree) {
				t.Error(f)
			}
		})
	}
}

// TestDirectionsNameOnlyWhatExists keeps the list short: a package that is gone
// leaves it.
func TestDirectionsNameOnlyWhatExists(t *testing.T) {
	tree := repository(t)
	g, err := parseDirections(directions)
	if err != nil {
		t.Fatal(err)
	}
	for name := range g {
		library := name == "unsafe" || !standard(name)
		if !library && name != "kettle" && len(tree.in(name)) == 0 {
			t.Errorf("internal/tidy/directions.go names package %s, which does not exist: "+
				"take it out", name)
		}
	}
	for dir := range mayHaveTags {
		if len(tree.in(dir)) == 0 {
			t.Errorf("internal/tidy/imports.go lets package %s have build tags, "+
				"but it does not exist: take it out", dir)
		}
	}
}

// The two self-tests below hold the rules themselves: every rule must find each
// of its bad snippets, and must leave each good one alone.

func TestEveryRuleFindsWhatBreaksIt(t *testing.T) {
	tested := map[string]bool{}
	for _, s := range snippets() {
		if s.wrong == "" {
			continue
		}
		tested[s.rule] = true
		t.Run(strings.ReplaceAll(s.rule+" "+s.name, " ", "-"), func(t *testing.T) {
			found := s.check(t)
			if len(found) == 0 {
				t.Fatalf("nothing found, want %q", s.wrong)
			}
			for _, f := range found {
				if !strings.Contains(f.String(), s.wrong) {
					t.Errorf("found %q, want %q", f, s.wrong)
				}
				if f.Path == "" || f.Remedy == "" {
					t.Errorf("the finding %+v lacks its place or its remedy", f)
				}
			}
		})
	}
	for _, rule := range Rules() {
		if !tested[rule.Name] {
			t.Errorf("rule %q: no snippet breaks it, so nobody knows whether it can fail",
				rule.Name)
		}
	}
}

func TestRulesLeaveTheGoodAlone(t *testing.T) {
	for _, s := range snippets() {
		if s.wrong != "" {
			continue
		}
		t.Run(strings.ReplaceAll(s.rule+" "+s.name, " ", "-"), func(t *testing.T) {
			for _, f := range s.check(t) {
				t.Errorf("found %q in what is right", f)
			}
		})
	}
}

// snippet is a small repository for one rule.
type snippet struct {
	rule  string
	name  string
	files map[string]string
	wrong string // part of every finding; "" for a snippet without fault
}

// check runs the rule over the snippet.
func (s snippet) check(t *testing.T) []Finding {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range s.files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range Rules() {
		if rule.Name == s.rule {
			return rule.Check(tree)
		}
	}
	t.Fatalf("there is no rule named %q", s.rule)
	return nil
}

// one is a repository of one file.
func one(name, text string) map[string]string { return map[string]string{name: text} }

// snippets returns all of them, from the files named after what the rules look
// at.
func snippets() []snippet {
	var all []snippet
	for _, some := range [][]snippet{
		sizeSnippets(), variableSnippets(), importSnippets(), packageSnippets(),
		testSnippets(), skipSnippets(), documentSnippets(), rowSnippets(),
	} {
		all = append(all, some...)
	}
	return all
}

func TestUnreadableGoIsAnError(t *testing.T) {
	_, err := Load(fstest.MapFS{"a.go": &fstest.MapFile{Data: []byte("package")}})
	if err == nil || !strings.Contains(err.Error(), "a.go") {
		t.Errorf("a file that does not parse: %v", err)
	}
}

func TestWhatIsNotKettleIsNotRead(t *testing.T) {
	bad := &fstest.MapFile{Data: []byte("not Go at all")}
	tree, err := Load(fstest.MapFS{
		".git/a.go": bad, "testdata/b.go": bad, "tools/c.go": bad,
		"tools/go.mod": &fstest.MapFile{Data: []byte("module tools")},
		"a.go":         &fstest.MapFile{Data: []byte("package kettle")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.files) != 1 {
		t.Errorf("%d files were read, want one", len(tree.files))
	}
	if !tree.paths["tools/go.mod"] || tree.paths[".git/a.go"] {
		t.Error("links may lead into tools, and not into .git")
	}
}
