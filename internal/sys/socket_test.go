//go:build unix

package sys_test

import (
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

func TestNothingToReceive(t *testing.T) {
	client, server := connection(t, true)
	for name, receive := range map[string]func(int, []byte) (int, error){
		"TryRecv": sys.TryRecv, "Recv": sys.Recv,
	} {
		for _, size := range []int{1, 4096, 1 << 20} {
			if n, err := receive(server, make([]byte, size)); n != 0 || err != syscall.EAGAIN {
				t.Errorf("%s of %d bytes: %d, %v, want EAGAIN", name, size, n, err)
			}
		}
	}
	if n, err := sys.TrySend(client, []byte("hello")); n != 5 || err != nil {
		t.Fatalf("send: %d, %v", n, err)
	}
	await(t, server, sys.PollIn)
	buf := make([]byte, 3)
	for _, want := range []string{"hel", "lo"} {
		if n, err := sys.TryRecv(server, buf); err != nil || string(buf[:n]) != want {
			t.Errorf("received %q, %v, want %q", buf[:n], err, want)
		}
	}
	if err := sys.Shutdown(client, sys.ShutdownWrite); err != nil {
		t.Fatal(err)
	}
	await(t, server, sys.PollIn)
	for range 2 {
		if n, err := sys.TryRecv(server, buf); n != 0 || err != nil {
			t.Errorf("at the end of the stream: %d, %v", n, err)
		}
	}
}

// TestSendIsShortThenRefused: the kernel takes what it has room for.
func TestSendIsShortThenRefused(t *testing.T) {
	for name, send := range map[string]func(int, []byte) (int, error){
		"TrySend": sys.TrySend, "Send": sys.Send,
	} {
		for _, size := range []int{16 << 10, 64 << 20} {
			client, server := connection(t, true)
			chunk := make([]byte, size)
			sent, short := 0, false
			var err error
			for err == nil {
				var n int
				n, err = send(server, chunk)
				sent += n
				short = short || err == nil && n < len(chunk)
			}
			if err != syscall.EAGAIN || sent == 0 {
				t.Fatalf("%s of %d bytes: %v after %d", name, size, err, sent)
			}
			if size > sent && !short {
				t.Errorf("%s of %d bytes was never short", name, size)
			}
			for left := sent; left > 0; {
				await(t, client, sys.PollIn)
				n, err := sys.TryRecv(client, chunk[:min(left, len(chunk))])
				if err != nil || n == 0 {
					t.Fatalf("receive: %d, %v with %d to come", n, err, left)
				}
				left -= n
			}
		}
	}
}

// TestBrokenConnection: the first call after a reset says ECONNRESET, later sends EPIPE, and
// no SIGPIPE is raised.
func TestBrokenConnection(t *testing.T) {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGPIPE)
	defer signal.Stop(signals)
	client, server := connection(t, true)
	if err := sys.Reset(client); err != nil {
		t.Fatal(err)
	}
	await(t, server, sys.PollIn)
	if n, err := sys.TryRecv(server, make([]byte, 1)); n != 0 || err != syscall.ECONNRESET {
		t.Errorf("receive: %d, %v, want ECONNRESET", n, err)
	}
	for _, size := range []int{1, 1 << 20} {
		for _, send := range []func(int, []byte) (int, error){sys.TrySend, sys.Send} {
			if n, err := send(server, make([]byte, size)); n != 0 || err != syscall.EPIPE {
				t.Errorf("send: %d, %v, want EPIPE", n, err)
			}
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGPIPE); err != nil {
		t.Fatal(err)
	}
	<-signals // ours; another one would have come before it
	if len(signals) > 0 {
		t.Error("a send raised SIGPIPE")
	}
}

// TestBrokenStandardOutput: Go ends the process for a SIGPIPE of descriptor 1, so that one
// must not be raised either.
func TestBrokenStandardOutput(t *testing.T) {
	testenv.Need(t, testenv.Linux) // elsewhere only Listen, Connect and Accept see to it
	if inChild() {
		const stdout = 1
		for _, send := range []func(int, []byte) (int, error){sys.TrySend, sys.Send} {
			if n, err := send(stdout, []byte("x")); n != 0 || err != syscall.EPIPE {
				t.Errorf("send: %d, %v, want EPIPE", n, err)
			}
		}
		if t.Failed() {
			os.Exit(1) // what else there is to say cannot be printed
		}
		os.Exit(0)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.Close(fds[0]); err != nil {
		t.Fatal(err)
	}
	stdout := os.NewFile(uintptr(fds[1]), "socket")
	defer stdout.Close()
	child, output := child(t)
	child.Stdout = stdout
	if err := child.Run(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, output)
	}
}

func TestOptionsOfSockets(t *testing.T) {
	for _, nonblock := range []bool{false, true} {
		client, server := connection(t, nonblock)
		listener, _ := listen(t, loopback(), nonblock)
		for fd, wantNonblock := range map[int]bool{client: true, server: nonblock,
			listener: nonblock} {
			if got := flag(t, fd, syscall.F_GETFD, syscall.FD_CLOEXEC); !got {
				t.Errorf("descriptor %d is inherited by processes", fd)
			}
			if got := flag(t, fd, syscall.F_GETFL, syscall.O_NONBLOCK); got != wantNonblock {
				t.Errorf("descriptor %d: non-blocking is %v, want %v", fd, got, wantNonblock)
			}
			noDelay, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
			if noDelay == 0 || err != nil {
				t.Errorf("descriptor %d: TCP_NODELAY is %d, %v", fd, noDelay, err)
			}
		}
		if err := sys.SetNonblock(server, !nonblock); err != nil {
			t.Error(err)
		}
		if got := flag(t, server, syscall.F_GETFL, syscall.O_NONBLOCK); got == nonblock {
			t.Error("SetNonblock changed nothing")
		}
	}
}

func TestReceiveBufferBoundsWhatThePeerCanSend(t *testing.T) {
	client, _ := connection(t, true)
	if err := sys.SetRecvBuffer(client, 8<<10); err != nil {
		t.Fatal(err)
	}
	got, err := syscall.GetsockoptInt(client, syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	if err != nil || got < 8<<10 || got > 32<<10 {
		t.Errorf("the receive buffer is %d, %v", got, err)
	}
}

func TestAddresses(t *testing.T) {
	listener, addr := listen(t, loopback(), false)
	if addr.Addr() != loopback().Addr() || addr.Port() == 0 {
		t.Errorf("the listener is at %v", addr)
	}
	checkAddresses(t, listener, addr)
	_, err := sys.PeerAddr(listener)
	wantErrno(t, err, "getpeername", syscall.ENOTCONN)
}

func checkAddresses(t *testing.T, listener int, addr netip.AddrPort) {
	t.Helper()
	client := connect(t, addr)
	server, peer, err := sys.Accept(listener, true)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, server)
	address := func(of func(int) (netip.AddrPort, error), fd int) netip.AddrPort {
		a, err := of(fd)
		if err != nil {
			t.Error(err)
		}
		return a
	}
	if got := address(sys.LocalAddr, client); got != peer || address(sys.PeerAddr, server) != got {
		t.Errorf("the client is at %v, accept says %v", got, peer)
	}
	if got := address(sys.LocalAddr, server); got != addr || address(sys.PeerAddr, client) != got {
		t.Errorf("the server is at %v, want %v", got, addr)
	}
}

func TestIPv6(t *testing.T) {
	testenv.Need(t, testenv.IPv6)
	listener, addr := listen(t, netip.MustParseAddrPort("[::1]:0"), false)
	if addr.Addr() != netip.IPv6Loopback() {
		t.Errorf("the listener is at %v", addr)
	}
	checkAddresses(t, listener, addr)
}

// TestIPv4InIPv6 writes the address as a program may that has it from elsewhere.
func TestIPv4InIPv6(t *testing.T) {
	_, addr := listen(t, netip.MustParseAddrPort("[::ffff:127.0.0.1]:0"), false)
	if addr.Addr() != loopback().Addr() {
		t.Errorf("the listener is at %v", addr)
	}
}

func TestRefusals(t *testing.T) {
	_, taken := listen(t, loopback(), false)
	_, err := sys.Listen(taken, sys.ListenOptions{})
	wantErrno(t, err, "bind", syscall.EADDRINUSE)
	nowhere := netip.MustParseAddrPort("192.0.2.1:0")
	_, err = sys.Listen(nowhere, sys.ListenOptions{})
	wantErrno(t, err, "bind", syscall.EADDRNOTAVAIL)
	if _, err = sys.Listen(netip.AddrPort{}, sys.ListenOptions{}); err == nil ||
		!strings.Contains(err.Error(), "no IP") {
		t.Errorf("without an address: %v", err)
	}
	if _, err = sys.Connect(netip.AddrPort{}); err == nil {
		t.Error("connected without an address")
	}
	const bad = -1
	wantErrno(t, sys.Close(bad), "close", syscall.EBADF)
	wantErrno(t, sys.Reset(bad), "close", syscall.EBADF)
	wantErrno(t, sys.CheckOpen(bad), "fcntl F_GETFD", syscall.EBADF)
	wantErrno(t, sys.SetNonblock(bad, true), "fcntl", syscall.EBADF)
	wantErrno(t, sys.Shutdown(bad, sys.ShutdownBoth), "shutdown", syscall.EBADF)
	wantErrno(t, sys.SetRecvBuffer(bad, 1), "setsockopt SO_RCVBUF", syscall.EBADF)
	wantErrno(t, sys.SocketError(bad), "getsockopt SO_ERROR", syscall.EBADF)
	_, err = sys.LocalAddr(bad)
	wantErrno(t, err, "getsockname", syscall.EBADF)
	if _, _, err := sys.Accept(bad, true); err != syscall.EBADF {
		t.Errorf("accept: %v", err)
	}
}

func TestConnectToNobody(t *testing.T) {
	listener, addr := listen(t, loopback(), true)
	if err := sys.CheckOpen(listener); err != nil {
		t.Error(err)
	}
	if err := sys.Close(listener); err != nil {
		t.Fatal(err)
	}
	fd, err := sys.Connect(addr)
	if err != nil {
		wantErrno(t, err, "connect", syscall.ECONNREFUSED)
		return
	}
	closeAtEnd(t, fd)
	await(t, fd, sys.PollOut)
	wantErrno(t, sys.SocketError(fd), "connect", syscall.ECONNREFUSED)
	if err := sys.SocketError(fd); err != nil {
		t.Errorf("the error was not cleared: %v", err)
	}
}

// TestCallsForEachMessageDoNotAllocate, whether there is something to do or not.
func TestCallsForEachMessageDoNotAllocate(t *testing.T) {
	client, server := connection(t, true)
	buf := make([]byte, 64)
	for name, run := range map[string]func(){
		"nothing there": func() {
			_, _ = sys.TryRecv(server, buf)
			_, _ = sys.Recv(server, buf)
		},
		"a message": func() {
			_, _ = sys.TrySend(client, buf)
			_, _ = sys.Send(client, buf)
			_, _ = sys.TryRecv(server, buf)
		},
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestConnectionToItselfIsRefused(t *testing.T) {
	// A socket that connects to the port that it is bound to meets itself halfway.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	own, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(fd, own); err != nil {
		t.Fatal(err)
	}
	wantErrno(t, sys.Connected(fd), "connect", syscall.ECONNREFUSED)
}
