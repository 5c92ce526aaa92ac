package lab

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

// ownDescriptors is how many descriptors a run holds beside those of the load: the pipes and the
// handle of a server that runs, and what the runtime opens for them.
const ownDescriptors = 16

// Look finds out about the machine: what it is, and which CPUs servers and load are bound to.
func Look() results.Machine {
	m := results.Machine{
		OS:     runtime.GOOS + "/" + runtime.GOARCH,
		CPUs:   runtime.NumCPU(),
		Go:     runtime.Version(),
		Kernel: firstLine("/proc/sys/kernel/osrelease"),
		CPU:    cpuModel(),
		Commit: Commit(),
	}
	place(&m)
	if _, err := sys.ProcessCPU(os.Getpid()); err != nil {
		m.Note("CPU, memory and switches: n/a, as this system does not show them (" +
			err.Error() + ")")
	}
	return m
}

// fit scales the configuration to the limits of this process.
func (cfg *Config) fit(m *results.Machine) {
	if most := max(0, load.MaxConns()-ownDescriptors-cfg.Deaf); cfg.Conns+cfg.IdleConns > most {
		m.Note("connections: " + strconv.Itoa(most) + " instead of " +
			strconv.Itoa(cfg.Conns+cfg.IdleConns) +
			", as this process may hold no more descriptors (ulimit -n)")
		cfg.IdleConns = max(0, most-cfg.Conns)
		cfg.Conns = min(cfg.Conns, most)
	}
}

// place gives the last CPU to the servers, and the others to the load. A server of several
// processes or threads has to make do with it too: what is compared is cost per message.
func place(m *results.Machine) {
	cpus, err := sys.Affinity()
	switch {
	case err != nil:
		m.Note("servers and load are not bound to CPUs, as this system does not allow it")
	case !bindable(cpus):
		m.Note("servers and load are not bound to CPUs, as this process may not do so")
	case len(cpus) < 2:
		m.Note("servers and load share the one CPU that there is: the rates and latencies are " +
			"those of both together")
	default:
		last := len(cpus) - 1
		m.ServerCPUs, m.LoadCPUs = cpus[last:], cpus[:last]
	}
}

// bindable reports whether a thread may be bound, even to what it is bound to already: some
// containers forbid the call.
func bindable(cpus []int) bool {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: nobody else runs on the thread that was bound
		result <- sys.SetAffinity(0, cpus)
	}()
	return <-result == nil
}

// bind binds the threads of this process to the CPUs of the load, and returns how to undo it.
func bind(m results.Machine) (undo func()) {
	if len(m.LoadCPUs) == 0 {
		return func() {}
	}
	bindThreads(m.LoadCPUs)
	return func() { bindThreads(slices.Concat(m.LoadCPUs, m.ServerCPUs)) }
}

// bindThreads binds all threads that there are. New ones inherit the binding of the thread
// that starts them, so a second look finds those that have just been started by an unbound one.
func bindThreads(cpus []int) {
	for range 2 {
		tasks, err := filepath.Glob("/proc/self/task/*")
		if err != nil {
			return
		}
		for _, task := range tasks {
			if tid, err := strconv.Atoi(filepath.Base(task)); err == nil {
				_ = sys.SetAffinity(tid, cpus) // it may have ended
			}
		}
	}
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Commit returns the commit that the program was built from, where the build recorded it.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
