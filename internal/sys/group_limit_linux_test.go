package sys

import (
	"testing"
	"testing/fstest"
)

func TestSmallestGroupLimitBinds(t *testing.T) {
	const v1, v2 = "sys/fs/cgroup/pids", "sys/fs/cgroup"
	for name, c := range map[string]struct {
		groups string
		limits map[string]string
		want   int
	}{
		"no groups": {"", nil, noLimit},
		"no limit":  {"0::/a\n", map[string]string{v2 + "/a": "max"}, noLimit},
		"its own":   {"0::/a/b\n", map[string]string{v2 + "/a/b": "7"}, 7},
		"above":     {"0::/a/b\n", map[string]string{v2 + "/a/b": "70", v2 + "/a": "7"}, 7},
		"nearest":   {"0::/a/b\n", map[string]string{v2 + "/a/b": "7", v2 + "/a": "70"}, 7},
		"root":      {"0::/a\n", map[string]string{v2: "7", v2 + "/a": "max"}, 7},
		"version 1": {"3:pids:/a\n0::/\n", map[string]string{v1 + "/a": "7"}, 7},
		"version 1, above": {"3:pids:/a/b\n",
			map[string]string{v1 + "/a": "7", v1 + "/a/b": "8"}, 7},
		"version 1, a list": {"3:cpu,pids:/\n", map[string]string{v1: "7"}, 7},
		"another controller": {"3:cpu:/a\n",
			map[string]string{v2 + "/a": "7", v1 + "/a": "7"}, noLimit},
		"both versions":       {"3:pids:/\n0::/\n", map[string]string{v1: "9", v2: "7"}, 7},
		"outside the visible": {"0::/../../a\n", map[string]string{v2: "7"}, 7},
		"no such form":        {"nonsense\n", map[string]string{v2: "7"}, noLimit},
	} {
		files := fstest.MapFS{"proc/self/cgroup": {Data: []byte(c.groups)}}
		for group, limit := range c.limits {
			files[group+"/pids.max"] = &fstest.MapFile{Data: []byte(limit + "\n")}
		}
		if got := groupLimit(files); got != c.want {
			t.Errorf("%s: the limit is %d, want %d", name, got, c.want)
		}
	}
	if got := groupLimit(fstest.MapFS{}); got != noLimit {
		t.Errorf("without /proc the limit is %d", got)
	}
}
