/* The one wait of a program: descriptors, timers and signals, on poll(2). Not thread-safe; one loop a thread. */
#ifndef CERTHALL_LOOP_H
#define CERTHALL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <certhall/error.h>

struct loop;
struct loop_watch; /* a watched descriptor; owned by the loop until loop_unwatch */
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void loop_fd_fn(void *ctx, int fd, int ready); /* ready: LOOP_READ | LOOP_WRITE; an error or a hang-up is both */
typedef void loop_timer_fn(void *ctx);

struct loop *loop_new(void); /* NULL: no memory */
void loop_free(struct loop **loop);

/* fd stays the caller's. A callback may unwatch anything, itself too. */
struct loop_watch *loop_watch(struct loop *loop, int fd, int interest, loop_fd_fn *fn, void *ctx);
void loop_watch_set(struct loop_watch *watch, int interest);
void loop_unwatch(struct loop *loop, struct loop_watch **watch);

/* Fires once after ms (>= 0) milliseconds and is then gone; *timer is set to NULL before fn runs or on cancel, so the
 * caller's variable always tells whether it is pending. Starting a pending one restarts it. */
int loop_timer_start(struct loop *loop, struct loop_timer **timer, int64_t ms, loop_timer_fn *fn, void *ctx) CH_MUST_CHECK;
void loop_timer_cancel(struct loop *loop, struct loop_timer **timer);

/* Calls fn(ctx, signo) from the loop, not from the handler. The signal is blocked in this thread. */
typedef void loop_signal_fn(void *ctx, int signo);
int loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *ctx) CH_MUST_CHECK;

/* Called before every wait, after all that was ready has been handled: the one place to paint. */
void loop_before_wait(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/* Runs until loop_stop; returns the status given to it. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int status);

#endif
