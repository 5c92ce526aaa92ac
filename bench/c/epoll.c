/*
 * The limit that other servers are measured by: one thread, level-triggered epoll, and for each
 * ready connection one recv and one send, with nothing in between but the service itself.
 *
 *	cc -O3 -o epoll epoll.c && ./epoll 127.0.0.1:8080
 *
 * What the kernel does not take at once is kept, and nothing more is received from that client
 * until it is gone (back-pressure). As nothing is received while something is owed, the end of the
 * stream means that all is answered.
 */
#define _GNU_SOURCE
#include "service.h"

#include <sys/epoll.h>

enum { BATCH = 256, CHUNK = 64 << 10 };

/* rest is what a client is still owed. */
struct rest {
	unsigned char *bytes;
	size_t from, to;
};

static struct rest *rests; /* by descriptor */
static size_t room;
static int loop, listener;
static int paused; /* accepting is, as there are no descriptors left */

static void watch(int op, int fd, unsigned events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	if (epoll_ctl(loop, op, fd, &ev))
		die("epoll_ctl");
}

static void finish(int fd)
{
	free(rests[fd].bytes);
	rests[fd] = (struct rest){0};
	close(fd); /* and with that, as nobody else has it, it is out of the epoll instance */
	if (paused) {
		paused = 0;
		watch(EPOLL_CTL_MOD, listener, EPOLLIN);
	}
}

static void accept_all(void)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				paused = 1;
				watch(EPOLL_CTL_MOD, listener, 0);
			} else if (errno == ECONNABORTED || errno == EINTR) {
				continue;
			}
			return;
		}
		if ((size_t)fd >= room) {
			size_t more = (size_t)fd * 2 + 64;

			rests = realloc(rests, more * sizeof *rests);
			if (!rests)
				die("realloc");
			memset(rests + room, 0, (more - room) * sizeof *rests);
			room = more;
		}
		no_delay(fd);
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

/* keep remembers what the kernel has not taken. */
static void keep(int fd, const unsigned char *p, size_t n)
{
	unsigned char *copy = malloc(n);

	if (!copy) {
		finish(fd);
		return;
	}
	memcpy(copy, p, n);
	rests[fd] = (struct rest){copy, 0, n};
	watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

static void answer(int fd)
{
	static unsigned char chunk[CHUNK];
	ssize_t n = recv(fd, chunk, sizeof chunk, 0);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			finish(fd);
		return;
	}
	upper(chunk, n);
	ssize_t sent = send(fd, chunk, n, MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			finish(fd);
			return;
		}
		sent = 0;
	}
	if (sent < n)
		keep(fd, chunk + sent, n - sent);
}

static void send_rest(int fd)
{
	struct rest *r = &rests[fd];
	ssize_t sent = send(fd, r->bytes + r->from, r->to - r->from, MSG_NOSIGNAL);

	if (sent < 0) {
		if (errno != EAGAIN && errno != EINTR)
			finish(fd);
		return;
	}
	r->from += sent;
	if (r->from < r->to)
		return;
	free(r->bytes);
	*r = (struct rest){0};
	watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

int main(int argc, char **argv)
{
	struct epoll_event events[BATCH];

	if (argc != 2) {
		fprintf(stderr, "usage: %s HOST:PORT\n", argv[0]);
		return 2;
	}
	prepare();
	listener = listen_on(argv[1], SOCK_NONBLOCK);
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop < 0)
		die("epoll_create1");
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	for (;;) {
		int n = epoll_wait(loop, events, BATCH, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener)
				accept_all();
			else if (rests[fd].bytes)
				send_rest(fd);
			else
				answer(fd);
		}
	}
}
