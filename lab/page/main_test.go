package page_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

var rewrite = flag.Bool("rewrite", false, "write the files in testdata, instead of comparing")

func TestMain(m *testing.M) {
	flag.Parse()
	if *rewrite {
		if err := writeFixtures(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}
