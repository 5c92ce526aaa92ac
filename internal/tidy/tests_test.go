package tidy

func testSnippets() []snippet {
	in := func(rule, name, path, body, wrong string) snippet {
		return snippet{rule, name, one(path, "package a\n\nfunc f() {\n"+body+"\n}\n"), wrong}
	}
	const test, sleep, port = "a/a_test.go", "sleeping tests", "fixed ports"
	return []snippet{
		in(sleep, "a sleep", test, "time.Sleep(1)", "time.Sleep"),
		in(sleep, "a timer", test, "<-time.After(1)", "time.After"),
		in(sleep, "another timer", test, "<-time.NewTimer(1).C", "time.NewTimer"),
		in(sleep, "in a suite", "selectors/selectortest/a.go", "time.Sleep(1)", "time.Sleep"),
		in(sleep, "a time-out", test, "select {\ncase <-time.After(1):\ncase <-c:\n}", ""),
		in(sleep, "a sleep of the product", "a/a.go", "time.Sleep(1)", ""),
		in(sleep, "the lab", "lab/load/a_test.go", "time.Sleep(1)", ""),
		in(sleep, "virtual time", test, "synctest.Test(t, func(t *T) { time.Sleep(1) })", ""),
		{sleep, "a helper in virtual time", one(test,
			"package a\nimport \"testing/synctest\"\nfunc pause() { <-time.After(1) }\n"), ""},
		{sleep, "a test beside virtual time", one(test,
			"package a\nimport \"testing/synctest\"\nfunc TestA() { <-time.After(1) }\n"),
			"time.After"},
		in(port, "an address", test, `net.Listen("tcp", "127.0.0.1:8080")`, "a/a_test.go:4: "),
		in(port, "no host", test, `sys.ListenTCP(":80")`, "fixed port"),
		in(port, "IPv6", test, `listen(t, "[::1]:9000")`, "fixed port"),
		in(port, "a server's field", test, `f(http.Server{Addr: "localhost:8080"})`, "fixed port"),
		in(port, "port 0", test, `net.Listen("tcp", "127.0.0.1:0")`, ""),
		in(port, "text that is no address", test, `net.Listen("tcp4", "unix:8080:x")`, ""),
		in(port, "a client's field", test, `f(load.Config{Addr: "127.0.0.1:1"})`, ""),
		in(port, "dialling nobody", test, `net.Dial("tcp", "127.0.0.1:1")`, ""),
	}
}

func skipSnippets() []snippet {
	in := func(rule, name, path, body, wrong string) snippet {
		return snippet{rule, name, one(path, "package a\n\nfunc f() {\n"+body+"\n}\n"), wrong}
	}
	const test, silent, needs = "a/a_test.go", "silent skips", "unknown needs"
	return []snippet{
		in(silent, "a skip", test, `t.Skip("not today")`, "skips by itself"),
		in(silent, "a formatted skip", test, `b.Skipf("not %s", "today")`, "skips by itself"),
		in(silent, "a skip at once", test, "t.SkipNow()", "skips by itself"),
		in(silent, "a draw beside a skip", test,
			"rapid.Check(t, func(r *rapid.T) { t.Skip() })", "skips by itself"),
		in(silent, "a stated need", test, "testenv.Need(t, testenv.Python)", ""),
		in(silent, "another draw", test, "rapid.Check(t, func(t *rapid.T) { t.Skip() })", ""),
		in(silent, "testenv itself", "internal/testenv/a.go", "t.Skip()", ""),
		in(needs, "an unknown capability", test, "testenv.Need(t, testenv.Telepathy)",
			"testenv.Telepathy: no such need"),
		in(needs, "an unknown function", test, "testenv.Require(t)",
			"testenv.Require: no such need"),
		in(needs, "a capability in a variable", test, "testenv.Need(t, what)",
			"not named in the call"),
		in(needs, "a number from nowhere", test, "testenv.NeedDescriptors(t, n())",
			"neither a literal nor a constant"),
		in(needs, "the second of two", test, "testenv.Need(t, testenv.Proc, testenv.Telepathy)",
			"testenv.Telepathy"),
		in(needs, "capabilities", test, "testenv.Need(t, testenv.Python, testenv.IPv6)", ""),
		in(needs, "a number", test, "testenv.NeedDescriptors(t, 12_000)", ""),
		in(needs, "a sum of constants", test,
			"const n = 2 * 100\ntestenv.NeedProcesses(t, n+10)", ""),
		in(needs, "choices", test, "testenv.Long(t)\ntestenv.NotShort(t)", ""),
	}
}
