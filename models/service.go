package models

import (
	"fmt"
	"strings"

	"github.com/kettle-go/kettle/internal/ascii"
)

// Service is the work that a server does on each chunk of bytes that it receives: it turns
// them, in place, into the answer. The answer to a byte must not depend on its neighbours,
// so that it does not matter how the stream is cut.
type Service func(chunk []byte)

// Services returns the names of the services.
func Services() []string { return []string{"upper", "echo"} }

// LookupService returns the service of that name: "upper" answers in upper case, "echo" with
// the same bytes.
func LookupService(name string) (Service, error) {
	switch name {
	case "upper":
		return ascii.Upper, nil
	case "echo":
		return func([]byte) {}, nil
	}
	return nil, fmt.Errorf("unknown service %q: there is %s", name,
		strings.Join(Services(), ", "))
}
