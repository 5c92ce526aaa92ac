/*
 * The limit on io_uring: one thread, multishot accept and receive, a ring of provided buffers, and
 * all requests of a turn in the one system call that also waits (liburing).
 *
 *	cc -O3 -o uring uring.c -luring && ./uring 127.0.0.1:8080
 *	./uring --check     ends with 0 if the kernel can do all this, else says what it cannot
 *
 * When a client that does not read holds HOLD buffers, its receive is cancelled until it has taken
 * them (back-pressure); a few more may be on their way by then. When the buffers have run out, who waits for one gets it in the order
 * of asking. A connection is freed when none of its requests is under way, so that no completion
 * ever meets another one's.
 */
#define _GNU_SOURCE
#include "service.h"

#include <liburing.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
	ENTRIES = 4096, /* of the submission queue; that of completions is four times as long */
	BUFFERS = 1024, /* a power of two */
	SIZE = 16 << 10,
	STRIDE = SIZE + 64, /* so that buffers do not meet in the same lines of the CPU's cache */
	HOLD = 16,
	GROUP = 1,
};

/* What a completion is of: the low bits of its user data. */
enum { ACCEPT, RECV, SEND, CANCEL, KINDS = 7 };

enum { NONE = -1 };

/* piece is what is left to be sent of the answer in a buffer. */
struct piece {
	uint32_t from, to;
	int next; /* the same connection's next buffer */
};

struct conn {
	int fd;
	unsigned receiving : 1, sending : 1, cancelling : 1, starved : 1;
	unsigned ended : 1;  /* nothing more will come */
	unsigned broken : 1; /* and nothing more can be sent */
	int first, last, count; /* the buffers with what is owed, in order */
	struct conn *next;      /* among those that wait for a buffer */
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static unsigned char *memory;
static struct piece pieces[BUFFERS];
static unsigned given; /* buffers that the next turn gives back to the kernel */
static unsigned out;   /* buffers that the kernel does not have */
static struct conn *starved, **last_starved = &starved;
static int listener, accepting;

static struct io_uring_sqe *request(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	while (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	return sqe;
}

/* tag says whose a request is. It comes last, as preparing a request may clear it. */
static void tag(struct io_uring_sqe *sqe, void *who, unsigned kind)
{
	io_uring_sqe_set_data64(sqe, (uintptr_t)who | kind);
}

static void arm_accept(void)
{
	struct io_uring_sqe *sqe = request();

	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
	tag(sqe, NULL, ACCEPT);
	accepting = 1;
}

static void arm_receive(struct conn *c)
{
	struct io_uring_sqe *sqe = request();

	io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	tag(sqe, c, RECV);
	c->receiving = 1;
}

static void cancel_receive(struct conn *c)
{
	struct io_uring_sqe *sqe = request();

	io_uring_prep_cancel64(sqe, (uintptr_t)c | RECV, 0);
	tag(sqe, c, CANCEL);
	c->cancelling = 1;
}

static void send_first(struct conn *c)
{
	struct piece *p = &pieces[c->first];
	struct io_uring_sqe *sqe = request();

	io_uring_prep_send(sqe, c->fd, memory + (size_t)c->first * STRIDE + p->from,
			   p->to - p->from, MSG_NOSIGNAL | MSG_WAITALL);
	tag(sqe, c, SEND);
	c->sending = 1;
}

/* give_back returns a buffer to the kernel, with the end of the turn. */
static void give_back(unsigned id)
{
	io_uring_buf_ring_add(buffers, memory + (size_t)id * STRIDE, SIZE, id,
			      io_uring_buf_ring_mask(BUFFERS), given++);
	out--;
}

static void drop_first(struct conn *c)
{
	int id = c->first;

	c->first = pieces[id].next;
	c->count--;
	give_back(id);
}

/* owe puts a buffer behind those that are owed already. */
static void owe(struct conn *c, int id, unsigned size)
{
	pieces[id] = (struct piece){0, size, NONE};
	if (c->count++)
		pieces[c->last].next = id;
	else
		c->first = id;
	c->last = id;
}

/* proceed does what the state of a connection calls for. It may free it. */
static void proceed(struct conn *c)
{
	if (c->broken && !c->sending)
		while (c->count)
			drop_first(c);
	if (c->count && !c->sending)
		send_first(c);
	if (c->ended || c->broken) {
		if (c->count || c->sending)
			return;
		if (c->receiving) { /* it ends by this, and we come back */
			shutdown(c->fd, SHUT_RDWR);
			return;
		}
		if (c->cancelling || c->starved)
			return;
		close(c->fd);
		free(c);
		if (!accepting)
			arm_accept();
		return;
	}
	if (c->receiving && c->count >= HOLD && !c->cancelling)
		cancel_receive(c);
	if (!c->receiving && !c->cancelling && !c->starved && c->count < HOLD / 2)
		arm_receive(c);
}

static void on_accept(const struct io_uring_cqe *cqe)
{
	struct conn *c;

	accepting = (cqe->flags & IORING_CQE_F_MORE) != 0;
	if (cqe->res < 0) {
		/* Out of descriptors: the next connection that ends has accepting begin again. */
		if (!accepting && cqe->res != -EMFILE && cqe->res != -ENFILE)
			arm_accept();
		return;
	}
	if (!accepting)
		arm_accept();
	c = calloc(1, sizeof *c);
	if (!c) {
		close(cqe->res);
		return;
	}
	c->fd = cqe->res;
	no_delay(c->fd);
	arm_receive(c);
}

static void on_receive(struct conn *c, const struct io_uring_cqe *cqe)
{
	c->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
	if (cqe->res > 0) {
		unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

		out++;
		upper(memory + (size_t)id * STRIDE, cqe->res);
		owe(c, id, cqe->res);
	} else if (cqe->res == -ENOBUFS) {
		c->starved = 1;
		c->next = NULL;
		*last_starved = c;
		last_starved = &c->next;
	} else if (cqe->res != -ECANCELED && cqe->res != -EINTR && cqe->res != -EAGAIN) {
		c->ended = 1;
		c->broken |= cqe->res < 0;
	}
	proceed(c);
}

static void on_send(struct conn *c, const struct io_uring_cqe *cqe)
{
	struct piece *p = &pieces[c->first];

	c->sending = 0;
	if (cqe->res < 0) {
		c->broken |= cqe->res != -EINTR && cqe->res != -EAGAIN;
	} else {
		p->from += cqe->res;
		if (p->from == p->to)
			drop_first(c);
	}
	proceed(c);
}

/* feed gives those who wait for a buffer another try, the first who asked first, as many of them
 * as there are buffers. */
static void feed(void)
{
	unsigned free_ones = BUFFERS - out;

	while (starved && free_ones--) {
		struct conn *c = starved;

		starved = c->next;
		if (!starved)
			last_starved = &starved;
		c->starved = 0;
		proceed(c);
	}
}

static void on_completion(const struct io_uring_cqe *cqe)
{
	struct conn *c = (struct conn *)(uintptr_t)(cqe->user_data & ~(uint64_t)KINDS);

	switch (cqe->user_data & KINDS) {
	case ACCEPT:
		on_accept(cqe);
		break;
	case RECV:
		on_receive(c, cqe);
		break;
	case SEND:
		on_send(c, cqe);
		break;
	case CANCEL:
		c->cancelling = 0;
		proceed(c);
		break;
	}
}

/* set_up makes the ring and its buffers, and returns what the kernel refuses; NULL if nothing. */
static const char *set_up(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = 4 * ENTRIES,
	};
	struct io_uring_buf_reg reg = {.ring_entries = BUFFERS, .bgid = GROUP};
	size_t size = BUFFERS * sizeof(struct io_uring_buf);
	int err = io_uring_queue_init_params(ENTRIES, &ring, &params);

	if (err < 0) {
		errno = -err;
		return "io_uring_setup with DEFER_TASKRUN";
	}
	io_uring_register_ring_fd(&ring); /* a little less work for each call, where it is possible */
	buffers = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	memory = mmap(NULL, (size_t)BUFFERS * STRIDE, PROT_READ | PROT_WRITE,
		      MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (buffers == MAP_FAILED || memory == MAP_FAILED)
		return "mmap";
	reg.ring_addr = (uintptr_t)buffers;
	err = io_uring_register_buf_ring(&ring, &reg, 0);
	if (err < 0) {
		errno = -err;
		return "io_uring_register with a ring of buffers";
	}
	io_uring_buf_ring_init(buffers);
	out = BUFFERS;
	for (unsigned id = 0; id < BUFFERS; id++)
		give_back(id);
	io_uring_buf_ring_advance(buffers, given);
	given = 0;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *refused;

	if (argc != 2) {
		fprintf(stderr, "usage: %s HOST:PORT or --check\n", argv[0]);
		return 2;
	}
	prepare();
	if ((refused = set_up()))
		die(refused);
	if (!strcmp(argv[1], "--check"))
		return 0;
	listener = listen_on(argv[1], 0);
	arm_accept();
	for (;;) {
		struct io_uring_cqe *cqe;
		unsigned head, n = 0;
		int err = io_uring_submit_and_wait(&ring, 1);

		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY) {
			errno = -err;
			die("io_uring_enter");
		}
		io_uring_for_each_cqe(&ring, head, cqe) {
			on_completion(cqe);
			n++;
		}
		io_uring_cq_advance(&ring, n);
		if (given) {
			io_uring_buf_ring_advance(buffers, given);
			given = 0;
		}
		if (starved)
			feed();
	}
}
