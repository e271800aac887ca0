#include <certhall/loop.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <certhall/clock.h>

enum { SIGNALS_MAX = 8 };

struct loop_watch {
	struct loop_watch *next;
	int fd; /* -1: unwatched, freed after the turn */
	int interest;
	loop_fd_fn *fn;
	void *ctx;
};

struct loop_timer {
	struct loop_timer *next; /* sorted by due */
	struct loop_timer **owner;
	int64_t due;
	loop_timer_fn *fn;
	void *ctx;
};

struct loop {
	struct loop_watch *watches;
	struct loop_timer *timers;
	struct pollfd *polled;
	struct loop_watch **polled_for;
	size_t room;
	void (*before_wait)(void *ctx);
	void *before_wait_ctx;
	struct {
		int signo;
		loop_signal_fn *fn;
		void *ctx;
	} signals[SIGNALS_MAX];
	size_t signal_count;
	int signal_fd;
	int status;
	bool stopped;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (loop != NULL)
		loop->signal_fd = -1;
	return loop;
}

static void sweep(struct loop *loop)
{
	for (struct loop_watch **at = &loop->watches; *at != NULL;) {
		struct loop_watch *watch = *at;
		if (watch->fd >= 0) {
			at = &watch->next;
			continue;
		}
		*at = watch->next;
		free(watch);
	}
}

void loop_free(struct loop **loop_ref)
{
	struct loop *loop = *loop_ref;
	if (loop == NULL)
		return;
	*loop_ref = NULL;
	for (struct loop_watch *watch = loop->watches; watch != NULL; watch = watch->next)
		watch->fd = -1;
	sweep(loop);
	while (loop->timers != NULL) {
		struct loop_timer *timer = loop->timers;
		loop_timer_cancel(loop, timer->owner);
	}
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	free(loop->polled);
	free(loop->polled_for);
	free(loop);
}

struct loop_watch *loop_watch(struct loop *loop, int fd, int interest, loop_fd_fn *fn, void *ctx)
{
	struct loop_watch *watch = calloc(1, sizeof *watch);
	if (watch == NULL)
		return NULL;
	*watch = (struct loop_watch){ .next = loop->watches, .fd = fd, .interest = interest, .fn = fn, .ctx = ctx };
	loop->watches = watch;
	return watch;
}

void loop_watch_set(struct loop_watch *watch, int interest)
{
	watch->interest = interest;
}

void loop_unwatch(struct loop *loop, struct loop_watch **watch)
{
	(void)loop;
	if (*watch != NULL)
		(*watch)->fd = -1; /* freed by the sweep: this turn may still hold it */
	*watch = NULL;
}

int loop_timer_start(struct loop *loop, struct loop_timer **owner, int64_t ms, loop_timer_fn *fn, void *ctx)
{
	loop_timer_cancel(loop, owner);
	struct loop_timer *timer = calloc(1, sizeof *timer);
	if (timer == NULL)
		return ERR_NO_MEMORY;
	*timer = (struct loop_timer){ .owner = owner, .due = clock_monotonic_ms() + ms, .fn = fn, .ctx = ctx };
	struct loop_timer **at = &loop->timers;
	while (*at != NULL && (*at)->due <= timer->due)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	*owner = timer;
	return 0;
}

void loop_timer_cancel(struct loop *loop, struct loop_timer **owner)
{
	if (*owner == NULL)
		return;
	for (struct loop_timer **at = &loop->timers; *at != NULL; at = &(*at)->next) {
		if (*at != *owner)
			continue;
		struct loop_timer *timer = *at;
		*at = timer->next;
		free(timer);
		break;
	}
	*owner = NULL;
}

static void on_signal_fd(void *ctx, int fd, int ready)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;
	(void)ready;
	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
		for (size_t i = 0; i < loop->signal_count; i++)
			if (loop->signals[i].signo == (int)info.ssi_signo)
				loop->signals[i].fn(loop->signals[i].ctx, loop->signals[i].signo);
}

int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *ctx)
{
	if (loop->signal_count == SIGNALS_MAX)
		return ERR_UNEXPECTED;
	loop->signals[loop->signal_count].signo = signo;
	loop->signals[loop->signal_count].fn = fn;
	loop->signals[loop->signal_count].ctx = ctx;
	loop->signal_count++;
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < loop->signal_count; i++)
		sigaddset(&set, loop->signals[i].signo);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	bool first = loop->signal_fd < 0;
	loop->signal_fd = signalfd(loop->signal_fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0)
		return ERR_UNEXPECTED;
	if (first && loop_watch(loop, loop->signal_fd, LOOP_READ, on_signal_fd, loop) == NULL)
		return ERR_NO_MEMORY;
	return 0;
}

void loop_before_wait(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	loop->before_wait = fn;
	loop->before_wait_ctx = ctx;
}

static void fire_timers(struct loop *loop)
{
	int64_t now = clock_monotonic_ms();
	while (loop->timers != NULL && loop->timers->due <= now && !loop->stopped) {
		struct loop_timer timer = *loop->timers;
		loop_timer_cancel(loop, timer.owner);
		timer.fn(timer.ctx);
	}
}

static int gather(struct loop *loop, size_t *count)
{
	size_t n = 0;
	for (struct loop_watch *watch = loop->watches; watch != NULL; watch = watch->next)
		n++;
	if (n > loop->room) {
		struct pollfd *polled = reallocarray(loop->polled, n, sizeof *polled);
		if (polled != NULL)
			loop->polled = polled;
		struct loop_watch **polled_for = reallocarray(loop->polled_for, n, sizeof(struct loop_watch *));
		if (polled_for != NULL)
			loop->polled_for = polled_for;
		if (polled == NULL || polled_for == NULL)
			return ERR_NO_MEMORY;
		loop->room = n;
	}
	*count = 0;
	for (struct loop_watch *watch = loop->watches; watch != NULL; watch = watch->next) {
		if (watch->interest == 0)
			continue;
		short events = (short)((watch->interest & LOOP_READ ? POLLIN : 0) | (watch->interest & LOOP_WRITE ? POLLOUT : 0));
		loop->polled[*count] = (struct pollfd){ .fd = watch->fd, .events = events };
		loop->polled_for[(*count)++] = watch;
	}
	return 0;
}

int loop_run(struct loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		fire_timers(loop);
		if (loop->stopped)
			break;
		if (loop->before_wait != NULL)
			loop->before_wait(loop->before_wait_ctx);
		if (loop->stopped)
			break;
		sweep(loop);
		size_t count;
		if (gather(loop, &count) != 0)
			return ERR_NO_MEMORY;
		int wait = -1;
		if (loop->timers != NULL) {
			int64_t left = loop->timers->due - clock_monotonic_ms();
			wait = left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
		}
		int ready = poll(loop->polled, count, wait);
		if (ready < 0 && errno != EINTR)
			return ERR_UNEXPECTED;
		for (size_t i = 0; ready > 0 && i < count && !loop->stopped; i++) {
			short got = loop->polled[i].revents;
			struct loop_watch *watch = loop->polled_for[i];
			if (got == 0 || watch->fd < 0)
				continue;
			int flags = (got & POLLIN ? LOOP_READ : 0) | (got & POLLOUT ? LOOP_WRITE : 0);
			if (got & (POLLERR | POLLHUP | POLLNVAL))
				flags = LOOP_READ | LOOP_WRITE;
			watch->fn(watch->ctx, watch->fd, flags);
		}
	}
	sweep(loop);
	return loop->status;
}

void loop_stop(struct loop *loop, int status)
{
	loop->stopped = true;
	loop->status = status;
}
