package tidy

func variableSnippets() []snippet {
	state := func(name, text string) snippet {
		return snippet{"package variables", name, one("a.go", "package a\n"+text),
			"package variable"}
	}
	fixed := func(name, text string) snippet {
		return snippet{"package variables", name, one("a.go", "package a\n"+text), ""}
	}
	return []snippet{
		state("a counter", "var n int\n"),
		state("a number that never changes", "var n = 5\n"),
		state("a function to replace", "var now = time.Now\n"),
		state("a lock", "var mu sync.Mutex\n"),
		state("a map of sync", "var m = sync.Map{}\n"),
		state("an atomic", "var n = atomic.Int64{}\n"),
		state("an assigned table", "var t = []int{1}\nfunc f() { t = nil }\n"),
		state("an element assigned", "var t = []int{1}\nfunc f() { t[0] = 2 }\n"),
		state("a field assigned", "var t = T{}\nfunc f() { t.a.b = 2 }\n"),
		state("an element counted", "var t = map[string]int{}\nfunc f() { t[\"a\"]++ }\n"),
		state("an element deleted", "var t = map[string]int{}\nfunc f() { delete(t, \"a\") }\n"),
		state("an address taken", "var t = T{}\nfunc f() *T { return &t }\n"),
		fixed("errors", "var ErrA = errors.New(\"a\")\n"),
		fixed("another package's error", "var ErrA = b.ErrA\n"),
		state("a function of an error's name", "var ErrA = newErr\n"),
		state("an error assigned", "var ErrA = b.ErrA\nfunc f() { ErrA = nil }\n"),
		fixed("an assertion", "var _ I = (*T)(nil)\n"),
		fixed("an embedded file", "//go:embed x.txt\nvar text string\n"),
		fixed("a pattern", "var p = regexp.MustCompile(\"a\")\n"),
		fixed("a table", "var t = map[string]int{\"a\": 1}\nfunc f() int { return t[\"a\"] }\n"),
		fixed("bytes", "var b = []byte(\"a\")\n"),
		fixed("something made once", "var f = sync.OnceValue(g)\n"),
		fixed("a generic made once", "var f = sync.OnceValue[int](g)\n"),
		fixed("a local variable of the same name",
			"var t = []int{1}\nfunc f() { t := 1; t = 2; _ = t }\n"),
		fixed("a parameter of the same name", "var t = []int{1}\nfunc f(t []int) { t[0] = 2 }\n"),
		{"package variables", "written in another file", map[string]string{
			"a.go": "package a\nvar t = []int{1}\n",
			"b.go": "package a\nfunc f() { t = nil }\n",
		}, "is written at b.go:2"},
		{"package variables", "names for tests", one("export_test.go", "package a\nvar F = f\n"),
			""},
		{"package variables", "flags of tests",
			one("a_test.go", "package a\nvar rewrite = flag.Bool(\"rewrite\", false, \"\")\n"), ""},
		{"init functions", "init", one("a.go", "package a\nfunc init() {}\n"),
			"function named init"},
		{"init functions", "a method named init", one("a.go", "package a\nfunc (T) init() {}\n"),
			""},
	}
}
