/*
 * The limit that the lab's load generator is measured by: a closed loop on one thread, with
 * level-triggered epoll, and for each answer one recv, one comparison of every byte, and one send.
 *
 *	cc -O3 -o client client.c && ./client 127.0.0.1:8080 100 64 1 1 100 1000
 *
 * It opens CONNS connections, keeps DEPTH requests of SIZE bytes in flight on each, and counts
 * what is answered in DURATION milliseconds, after WARMUP milliseconds. Then it sends nothing more,
 * waits for what is still owed, and prints one line:
 *
 *	answered 165000 messages in 1.000 s with 0.950 s of CPU
 *
 * GROUP connections are received from before the requests that follow are sent. With 1 each answer
 * is followed by its request at once. With more a server that is faster than the client sleeps
 * less often, and so has to be woken less often, which is a part of what a send costs.
 *
 * A wrong byte, a byte too many, a connection that ends and an answer that does not come are
 * errors, and there is no such line. Latencies are not measured: what that costs is the other
 * generator's.
 */
#define _GNU_SOURCE
#include "service.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

/*
 * What a connection sends is a block of bytes over and over again. Its length is a prime, so that
 * neither requests nor buffers fall into step with it, and it is continued past its end, so that a
 * piece at any place can be sent, and compared, as it stands.
 */
enum { BATCH = 256, CHUNK = 64 << 10, PERIOD = 12041, MAX_SIZE = 1 << 20, PATIENCE = 3000 };

static unsigned char requests[PERIOD + CHUNK], answers[PERIOD + CHUNK];

struct client {
	int64_t asked, sent, received; /* positions in the stream: in this order, each behind the other */
	int fd;
	int send_at, answer_at; /* sent and received, as places in the block */
	int partial;            /* bytes of an answer that is not complete */
	int writing;            /* it waits for room to send */
	int again;              /* answers that the next requests have yet to follow */
};

static struct client *clients;
static struct client **group; /* those with answers that requests have yet to follow */
static int grouped, most;     /* how many they are, and may be */
static int loop, conns, size, depth;
static int draining, counting;
static int64_t answered;

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		die("clock_gettime");
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* fill makes the block: all values occur, and every second byte is a lower case letter. */
static void fill(void)
{
	uint64_t x = 88172645463325252ULL;

	for (int i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (i < 256)
			requests[i] = i;
		else if (x >> 63)
			requests[i] = 'a' + (x >> 8) % 26;
		else
			requests[i] = x >> 16;
	}
	for (int i = PERIOD; i < PERIOD + CHUNK; i++)
		requests[i] = requests[i - PERIOD];
	memcpy(answers, requests, sizeof answers);
	for (int i = 0; i < PERIOD + CHUNK; i++)
		if (answers[i] >= 'a' && answers[i] <= 'z')
			answers[i] -= 'a' - 'A';
}

/* fail ends the process for what a connection has met with. */
static void fail(struct client *c, const char *what, const char *why)
{
	fprintf(stderr, "connection %d: %s: %s\n", (int)(c - clients), what, why);
	exit(1);
}

static void watch(int op, struct client *c, unsigned events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (epoll_ctl(loop, op, c->fd, &ev))
		fail(c, "epoll_ctl", strerror(errno));
}

/* pump sends what the connection has been asked to, as far as its socket takes it. */
static void pump(struct client *c)
{
	while (c->sent < c->asked) {
		int64_t left = c->asked - c->sent;
		ssize_t n = send(c->fd, requests + c->send_at, left < CHUNK ? left : CHUNK,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				fail(c, "send", strerror(errno));
			break;
		}
		c->sent += n;
		c->send_at = (c->send_at + n) % PERIOD;
	}
	if (c->writing != (c->sent < c->asked)) {
		c->writing = !c->writing;
		watch(EPOLL_CTL_MOD, c, c->writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

static void ask(struct client *c, int n)
{
	c->asked += (int64_t)n * size;
	if (!c->writing)
		pump(c);
}

/* check ends the process if what was received is not the answer to what was sent. */
static void check(struct client *c, const unsigned char *got, ssize_t n)
{
	const unsigned char *want = answers + c->answer_at;
	char why[128];
	ssize_t at = 0;

	if (n <= c->sent - c->received && !memcmp(got, want, n))
		return;
	while (at < n && at < c->sent - c->received && got[at] == want[at])
		at++;
	if (at < c->sent - c->received)
		snprintf(why, sizeof why, "wrong byte %lld of its answers: want %#x, got %#x",
			 (long long)(c->received + at), want[at], got[at]);
	else
		snprintf(why, sizeof why, "wrong byte %lld of its answers: want no more, got %#x",
			 (long long)(c->received + at), got[at]);
	fail(c, "recv", why);
}

/* follow sends as many requests as there were answers. */
static void follow(void)
{
	for (int i = 0; i < grouped; i++) {
		struct client *c = group[i];
		int n = c->again;

		c->again = 0;
		if (!draining)
			ask(c, n);
	}
	grouped = 0;
}

static void receive(struct client *c)
{
	static unsigned char chunk[CHUNK];
	ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
	int complete;

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail(c, "recv", strerror(errno));
		return;
	}
	if (n == 0)
		fail(c, "recv", "the server has closed the connection");
	check(c, chunk, n);
	c->received += n;
	c->answer_at = (c->answer_at + n) % PERIOD;
	c->partial += n;
	if (c->partial < size)
		return;
	complete = c->partial / size;
	c->partial %= size;
	if (counting)
		answered += complete;
	if (!c->again)
		group[grouped++] = c;
	c->again += complete;
	if (grouped == most)
		follow();
}

/* run handles events until a time. */
static void run_until(int64_t end)
{
	struct epoll_event events[BATCH];
	int64_t left;

	while ((left = end - now_ns(CLOCK_MONOTONIC)) > 0) {
		int n = epoll_wait(loop, events, BATCH, left / 1000000 + 1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].events & ~EPOLLOUT)
				receive(events[i].data.ptr);
			if (events[i].events & EPOLLOUT)
				pump(events[i].data.ptr);
		}
		follow();
	}
}

static void connect_all(const char *where)
{
	struct addrinfo *addr = address(where);

	clients = calloc(conns, sizeof *clients);
	group = calloc(most, sizeof *group);
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (!clients || !group || loop < 0)
		die("prepare");
	for (int i = 0; i < conns; i++) {
		struct client *c = &clients[i];

		c->fd = socket(addr->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (c->fd < 0)
			fail(c, "socket", strerror(errno));
		if (connect(c->fd, addr->ai_addr, addr->ai_addrlen))
			fail(c, "connect", strerror(errno));
		no_delay(c->fd);
		c->send_at = c->answer_at = (int64_t)i * 4999 % PERIOD;
		watch(EPOLL_CTL_ADD, c, EPOLLIN);
	}
	freeaddrinfo(addr);
}

/* drain waits for what is still owed. */
static void drain(void)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + PATIENCE * 1000000LL;

	draining = 1;
	for (int i = 0; i < conns; i++) {
		struct client *c = &clients[i];

		while (c->received < c->asked) {
			int64_t now = now_ns(CLOCK_MONOTONIC);

			if (now >= end)
				fail(c, "recv", "an answer does not come");
			run_until(now + 1000000);
		}
	}
}

/* number is an argument; at least 1, but for what may be 0. */
static int number(const char *text, int least, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < least || n > most) {
		fprintf(stderr, "bad number %s: %d to %d are possible\n", text, least, most);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	int64_t begin, end, cpu;

	if (argc != 8) {
		fprintf(stderr, "usage: %s HOST:PORT CONNS SIZE DEPTH GROUP WARMUP DURATION\n", argv[0]);
		return 2;
	}
	conns = number(argv[2], 1, 1000000);
	size = number(argv[3], 1, MAX_SIZE);
	depth = number(argv[4], 1, 1000);
	most = number(argv[5], 1, 1000);
	int warmup = number(argv[6], 0, 3600000), duration = number(argv[7], 1, 3600000);

	prepare();
	fill();
	connect_all(argv[1]);
	for (int i = 0; i < conns; i++)
		ask(&clients[i], depth);
	run_until(now_ns(CLOCK_MONOTONIC) + warmup * 1000000LL);
	counting = 1;
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	begin = now_ns(CLOCK_MONOTONIC);
	run_until(begin + duration * 1000000LL);
	end = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	counting = 0;
	drain();
	printf("answered %lld messages in %.6f s with %.6f s of CPU\n", (long long)answered,
	       (end - begin) / 1e9, cpu / 1e9);
	return 0;
}
