/*
 * What the C servers share: the service, the address they are given, and the listening socket.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* die says what went wrong with what, and ends the process. */
static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* upper turns ASCII letters into upper case. It is written so that the compiler takes several at a
 * time (-O3), which it does not always where it puts the loop into another function. Bit 0x20 is
 * what tells lower case from upper. */
__attribute__((noinline, unused)) static void upper(unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] ^= (unsigned char)((unsigned char)(p[i] - 'a') < 26) << 5;
}

/* no_delay has small answers sent at once. */
static inline void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* address resolves HOST:PORT. */
static inline struct addrinfo *address(const char *text)
{
	char host[256];
	const char *colon = strrchr(text, ':');
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *result;
	int err;

	if (!colon || (size_t)(colon - text) >= sizeof host) {
		fprintf(stderr, "bad address %s: want HOST:PORT\n", text);
		exit(2);
	}
	memcpy(host, text, colon - text);
	host[colon - text] = 0;
	if ((err = getaddrinfo(host, colon + 1, &hints, &result))) {
		fprintf(stderr, "address %s: %s\n", text, gai_strerror(err));
		exit(1);
	}
	return result;
}

/* prepare sets up the process: a peer that has gone is an error of send and no signal, and the
 * limit on descriptors is the highest that it may be. */
static inline void prepare(void)
{
	struct rlimit limit;

	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* listen_on returns a listening socket. flags are those of socket(2) beside the type. */
static inline int listen_on(const char *text, int flags)
{
	struct addrinfo *where = address(text);
	int on = 1;
	int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, where->ai_addr, where->ai_addrlen))
		die("bind");
	if (listen(fd, 4096))
		die("listen");
	freeaddrinfo(where);
	return fd;
}

#endif
