/* The hall's way to speak HTTP: libmicrohttpd behind a few words, so that another library could take its place.
 *
 * A request is read and checked on the library's threads, handled on a worker's (which may wait for the database or the
 * gateway), and answered by the library again. What a handler answers with stands in the request until then.
 */
#ifndef SERVICE_HTTP_H
#define SERVICE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <certhall/bytes.h>
#include <certhall/codec.h>
#include <certhall/error.h>

struct hs_server;
struct hs_request;

enum {
	HS_INLINE = 1,  /* handled on the library's thread: must not wait for anything */
	HS_GATEWAY = 2, /* waits for the payment gateway: has workers of its own */
	HS_FORM = 4,    /* takes application/x-www-form-urlencoded instead of JSON */
	HS_UNLIMITED = 8, /* no rate for the peer's address */
};

struct hs_route {
	const char *method;
	const char *path; /* may hold one {param}: letters, digits, . _ - up to 63 */
	int flags;
	/* 0: the answer is set. An error code with *err: it is answered as a problem (RFC 9457). worker: the number of the
	 * thread; 0 for HS_INLINE. */
	int (*handle)(void *ctx, struct hs_request *request, int worker, struct error *err);
};

/* Makes the newest state of a subject as one whole event; seq is its number, last ends the streams after it. Runs on a
 * worker: when a stream begins (subscribed before anything is read) and after every hs_publish. A client that was away gets
 * the newest state only: it holds all that came before. */
typedef int hs_render_fn(void *ctx, const char *subject, int worker, int64_t *seq, struct bytes *event, bool *last,
	struct error *err);

struct hs_settings {
	const char *listen;                /* "address:port", "[v6]:port" */
	const char *tls_certificate, *tls_key; /* PEM files; NULL: plain HTTP, for tests of this library */
	const struct hs_route *routes;     /* up to one with a NULL method */
	hs_render_fn *render;
	void *ctx;
	int threads, workers, gateway_workers; /* worker numbers: 1 .. workers + gateway_workers */
	unsigned connections, connections_per_address, timeout;
	int receive; /* seconds within which a whole request must have come */
	size_t body_max, waiting_max;
	int64_t address_rate, address_burst; /* requests a minute and at once, of an address; 0: no limit */
	int heartbeat, max_age;            /* of streams, seconds */
	bool behind_proxy;                 /* the address is the last of X-Forwarded-For */
};

int hs_start(const struct hs_settings *settings, struct hs_server **out, struct error *err) CH_MUST_CHECK;
int hs_port(const struct hs_server *server);
const char *hs_version(void); /* of the library; hs_version_is_old: not fit to face the public by itself */
bool hs_version_is_old(void);
/* No new connections, streams are ended, what is under way is answered; then all threads are gone. */
void hs_stop(struct hs_server **server);

/* ---- in a handler ---- */

const char *hs_param(const struct hs_request *request);
const char *hs_header(const struct hs_request *request, const char *name); /* NULL when absent */
const struct bytes *hs_body(const struct hs_request *request);
const char *hs_address(const struct hs_request *request); /* the peer's, as text */

/* Reads the body, which must be one JSON object. */
int hs_read(struct hs_request *request, const struct codec *table, void *value, struct error *err) CH_MUST_CHECK;

/* Answers. Each gives 0 or ERR_NO_MEMORY. */
int hs_answer(struct hs_request *request, int status, const struct codec *table, const void *value) CH_MUST_CHECK;
int hs_answer_bytes(struct hs_request *request, int status, const char *type, const void *data, size_t len) CH_MUST_CHECK;
/* The same with an ETag (quoted), or 304 when If-None-Match names it (RFC 9110 13.1.2). */
int hs_answer_tagged(struct hs_request *request, const char *type, const void *data, size_t len, const char *etag) CH_MUST_CHECK;
int hs_answer_none(struct hs_request *request) CH_MUST_CHECK; /* 204 */
/* A part of an open file, which is closed behind it. etag: quoted. Understands Range and If-Range (RFC 9110 13.1.5, 14.2). */
int hs_answer_file(struct hs_request *request, int fd, uint64_t size, const char *etag, struct error *err) CH_MUST_CHECK;
/* What a handler that fails is answered with anyway; one that adds a header to it makes it itself. */
void hs_answer_problem(struct hs_request *request, const struct error *err);
/* Whatever the answer is, it goes out no sooner (clock_monotonic_ms); nobody waits for that. */
void hs_answer_not_before(struct hs_request *request, int64_t ms);
void hs_retry_after(struct hs_request *request, int64_t seconds);

/* ---- event streams (WHATWG HTML, section server-sent events) ---- */

/* Answers with a stream of subject's events, those behind seq. It ends at until (seconds since 1970) and after max_age. */
int hs_answer_stream(struct hs_request *request, const char *subject, int64_t seq, int64_t until) CH_MUST_CHECK;

/* The subject has changed: every stream of it renders anew. After the commit. */
void hs_publish(struct hs_server *server, const char *subject);
/* An event that is told to whoever listens to the subject just now, and to nobody else. */
void hs_tell(struct hs_server *server, const char *subject, const char *event);
size_t hs_streams(struct hs_server *server); /* open ones */

#endif
