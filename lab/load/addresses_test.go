package load

import (
	"strings"
	"testing"
)

// TestPortsMayBeNames of services, as everywhere else.
func TestPortsMayBeNames(t *testing.T) {
	addrs, err := resolve(t.Context(), "127.0.0.1:http")
	if err != nil || len(addrs) != 1 || addrs[0].String() != "127.0.0.1:80" {
		t.Errorf("the port http: %v, %v", addrs, err)
	}
	for addr, want := range map[string]string{
		"127.0.0.1:0":           "nobody listens on port 0",
		"127.0.0.1:":            "nobody listens on port 0",
		"127.0.0.1:70000":       "invalid port",
		"127.0.0.1:no-such-one": "unknown port",
		"127.0.0.1":             "missing port",
	} {
		if addrs, err := resolve(t.Context(), addr); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", addr, addrs, err, want)
		}
	}
}
