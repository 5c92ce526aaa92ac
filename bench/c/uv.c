/*
 * The service on libuv, which node.js stands on: callbacks on one loop. Every connection is read
 * into one buffer, as nothing is kept of it but what the kernel does not take.
 *
 *	cc -O3 -o uv uv.c -luv && ./uv 127.0.0.1:8080
 */
#define _GNU_SOURCE
#include "service.h"

#include <uv.h>

enum { CHUNK = 64 << 10 };

/* conn is a connection and what it is owed. */
struct conn {
	uv_tcp_t tcp; /* first, so that a pointer to it is one to the conn */
	uv_write_t write;
	char *rest;
};

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void check(int err, const char *what)
{
	if (err) {
		fprintf(stderr, "%s: %s\n", what, uv_strerror(err));
		exit(1);
	}
}

static void on_close(uv_handle_t *handle)
{
	struct conn *c = (struct conn *)handle;

	free(c->rest);
	free(c);
}

static void finish(struct conn *c)
{
	if (!uv_is_closing((uv_handle_t *)c))
		uv_close((uv_handle_t *)c, on_close);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char chunk[CHUNK];

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(chunk, sizeof chunk);
}

static void on_written(uv_write_t *write, int status)
{
	struct conn *c = write->data;

	free(c->rest);
	c->rest = NULL;
	if (status < 0 || uv_read_start((uv_stream_t *)c, on_alloc, on_read))
		finish(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = (struct conn *)stream;
	uv_buf_t out;
	int sent;

	if (n < 0) {
		finish(c); /* nothing is read while something is owed: all is answered */
		return;
	}
	if (n == 0)
		return;
	upper((unsigned char *)buf->base, n);
	out = uv_buf_init(buf->base, n);
	sent = uv_try_write(stream, &out, 1);
	if (sent < 0 && sent != UV_EAGAIN) {
		finish(c);
		return;
	}
	if (sent < 0)
		sent = 0;
	if (sent == n)
		return;
	uv_read_stop(stream); /* until the client has taken the rest */
	c->rest = malloc(n - sent);
	if (!c->rest) {
		finish(c);
		return;
	}
	memcpy(c->rest, buf->base + sent, n - sent);
	out = uv_buf_init(c->rest, n - sent);
	c->write.data = c;
	if (uv_write(&c->write, stream, &out, 1, on_written))
		finish(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct conn *c;

	if (status < 0)
		return;
	c = calloc(1, sizeof *c);
	if (!c)
		return;
	check(uv_tcp_init(listener->loop, &c->tcp), "uv_tcp_init");
	if (uv_accept(listener, (uv_stream_t *)c) || uv_tcp_nodelay(&c->tcp, 1) ||
	    uv_read_start((uv_stream_t *)c, on_alloc, on_read))
		finish(c);
}

int main(int argc, char **argv)
{
	struct addrinfo *where;
	uv_tcp_t listener;

	if (argc != 2) {
		fprintf(stderr, "usage: %s HOST:PORT\n", argv[0]);
		return 2;
	}
	prepare();
	where = address(argv[1]);
	check(uv_tcp_init(uv_default_loop(), &listener), "uv_tcp_init");
	check(uv_tcp_bind(&listener, where->ai_addr, 0), "uv_tcp_bind");
	freeaddrinfo(where);
	check(uv_listen((uv_stream_t *)&listener, 4096, on_connection), "uv_listen");
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
