package lab

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/server"
)

// clientTime is how much longer than its windows another load generator may take: to connect, and
// for the answers that are under way at the end.
const clientTime = 20 * time.Second

// byClient has another load generator saturate the server. It gets the CPUs of the lab's own, and
// the visit has what it tells of itself; what the server does meanwhile is not known, as nobody
// outside knows when the generator's window begins.
func (v *visitor) byClient(ctx context.Context, client []string, addr string) error {
	cfg := v.cfg
	r := strings.NewReplacer("{addr}", addr, "{conns}", strconv.Itoa(cfg.Conns),
		"{size}", strconv.Itoa(cfg.Size), "{depth}", strconv.Itoa(cfg.Depth),
		"{warmup}", strconv.FormatInt(cfg.Warmup.Milliseconds(), 10),
		"{window}", strconv.FormatInt(max(cfg.Saturate.Milliseconds(), 1), 10))
	var command []string
	for _, word := range client {
		command = append(command, r.Replace(word))
	}
	limit := cfg.Warmup + cfg.Saturate + clientTime
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it does not end in %v", limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	said := &server.Tail{To: cfg.Stderr}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, said
	cmd.WaitDelay = time.Second
	err := server.StartOn(cmd, v.machine.LoadCPUs)
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("load by %s: %w%s", command[0], err, said)
	}
	report, err := told(out.String())
	if err != nil {
		return fmt.Errorf("load by %s: %w", command[0], err)
	}
	report.Conns, report.Served, report.Size, report.Depth = cfg.Conns, cfg.Conns, cfg.Size,
		cfg.Depth
	v.Served, v.Saturated = cfg.Conns, &results.Window{Report: report}
	return nil
}

// told reads what another load generator says it has done.
func told(text string) (r load.Report, err error) {
	var cpu float64
	_, err = fmt.Sscanf(text, "answered %d messages in %f s with %f s of CPU\n", &r.Requests,
		&r.Seconds, &cpu)
	if err == nil && 0 < r.Seconds && r.Seconds <= math.MaxInt32 && r.Requests >= 0 &&
		0 <= cpu && cpu <= math.MaxInt32 {
		r.Rate = float64(r.Requests) / r.Seconds
		r.GeneratorShare = cpu / r.Seconds
		return r, nil
	}
	return r, fmt.Errorf("it says %.200q, not \"answered N messages in S s with S s of CPU\"",
		strings.TrimSpace(text))
}
