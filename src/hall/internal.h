/* What the files of this folder share. */
#ifndef HALL_INTERNAL_H
#define HALL_INTERNAL_H

#include <certhall/hall.h>

#include "hall/events.h"
#include "hall/transfer.h"

enum { ANSWER_MAX = 4 * 1024 * 1024, TRIES = 3, RETRY_MS = 250, PATH_ROOM = 160 };

struct hall {
	struct loop *loop;
	const struct settings *settings;
	struct transport *transport;
	struct hall_call *calls;
	struct secret token;
	bool answered;
	int64_t offset;      /* this computer's clock minus the hall's */
	int64_t known_at_ms; /* monotonic, when known_time was the hall's */
	int64_t known_time;
};

/* What kind of call it is. All functions but free may be NULL. */
struct call_ops {
	void (*start)(struct hall_call *call);                               /* (again); ends in call_finish at some time */
	void (*free)(struct hall_call *call);
};

struct hall_call {
	struct hall *hall;
	struct hall_call *next;
	const struct call_ops *ops;
	hall_fn *done;
	void *ctx;
	struct transfer *transfer;
	struct loop_timer *timer; /* the next thing to do later: start, a retry, telling */
	const char *method;
	char path[PATH_ROOM];
	char *body;
	struct bytes answer;
	char type[64];            /* of the answer */
	char header[96];          /* one more of the request; empty: none */
	bool repeatable;          /* asking twice does no harm */
	int tries;
	struct secret grant;      /* sent instead of the session's token; empty: that */
	/* of a plain call */
	const struct codec *codec;
	size_t size;
	void (*took)(struct hall *hall, void *result);                       /* looks at the result before done */
};

/* A call of size bytes beginning with a struct hall_call, to be started from the loop. NULL when memory is short. */
void *call_new(struct hall *hall, size_t size, const struct call_ops *ops, hall_fn *done, void *ctx);
/* The one end: takes the call away, calls done. */
void call_finish(struct hall_call *call, const struct error *err, const void *result);
void call_fail(struct hall_call *call, enum error_code code, const char *param, const char *detail);
void call_free(struct hall_call *call);

/* The call with another bearer than the session's; NULL: that one. Gives NULL when memory is short, the call is gone then. */
struct hall_call *call_granted(struct hall_call *call, const char *grant);
/* What goes along as bearer (RFC 6750). */
const struct secret *call_token(const struct hall_call *call);

/* JSON there, JSON back. */
struct plain {
	const char *method;
	bool repeatable;
	const struct codec *codec; /* of the answer; NULL: none */
	size_t size;
	void (*took)(struct hall *hall, void *result);
};
struct hall_call *plain_call(struct hall *hall, const struct plain *plain, const char *path, const struct codec *body_codec,
	const void *body, hall_fn *done, void *ctx);

/* A plain request; data and head gather into answer and type. */
int call_send(struct hall_call *call, const char *accept, transfer_end_fn *end, struct error *err) CH_MUST_CHECK;
/* What the transfer ended with is an answer. False: it is not, and the call goes on again or has ended with what went wrong. */
bool call_answered(struct hall_call *call, const struct error *err, long status, bool sent);
/* True when the failure is to be tried again, which has then been arranged. */
bool call_retry(struct hall_call *call, const struct error *err, bool sent);
/* An answer that is no success, as an error. */
void call_problem(const struct hall_call *call, long status, struct error *err);
/* Whether an order's number or a component's id may stand in a path. */
bool call_name_ok(const char *name);

/* A signed manifest, its signature checked; take makes the result of it and ends the call. known: the version the caller has, which
 * the hall need not send again (done then gets neither error nor result); empty: none. */
typedef void signed_fn(struct hall_call *call, const struct signed_manifest *manifest);
struct hall_call *signed_get(struct hall *hall, const char *path, const char *known, signed_fn *take, hall_fn *done, void *ctx);

void hall_took_time(struct hall *hall, int64_t time);

#endif
