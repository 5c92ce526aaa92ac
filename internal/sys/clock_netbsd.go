package sys

// monotonicClock is CLOCK_MONOTONIC, which x/sys does not name there.
const monotonicClock = 3
