package models_test

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/client"
	"github.com/kettle-go/kettle/internal/testenv"
)

// Python's asyncio, as the client of every model and as the server of the client.

func TestAsyncioClient(t *testing.T) {
	testenv.Need(t, testenv.Python)
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		host, port, err := net.SplitHostPort(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		clients := "10"
		if v.serial() {
			clients = "1" // its clients would wait for each other, unread
		}
		python := exec.CommandContext(t.Context(), "python3", "testdata/asyncio_client.py", host,
			port, clients, "300000")
		if text, err := python.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	})
}

func TestClientOfAsyncioServer(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Python)
	python := exec.CommandContext(t.Context(), "python3", "testdata/asyncio_server.py")
	python.Stderr = os.Stderr
	input, err := python.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := python.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := python.Start(); err != nil {
		t.Fatal(err)
	}
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	o := client.Options{Addr: "127.0.0.1:" + strings.TrimSpace(port), Timeout: patience}
	for _, size := range []int{0, 1, 4096, 3_000_000} {
		p, got := noise(uint64(size), size), &bytes.Buffer{}
		if err := client.Pipe(t.Context(), o, bytes.NewReader(p), got); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if !bytes.Equal(got.Bytes(), upper(p)) {
			t.Errorf("%d bytes: the answer is not their upper case", size)
		}
	}
	input.Close()
	if err := python.Wait(); err != nil {
		t.Errorf("the server: %v", err)
	}
}
