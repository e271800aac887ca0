/* HTTPS requests on the loop: libcurl's multi_socket interface and nothing of the hall's meaning. curl is loaded, and
 * the first name resolved, with the first request.
 */
#ifndef HALL_TRANSFER_H
#define HALL_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include <certhall/error.h>
#include <certhall/loop.h>
#include <certhall/secret.h>
#include <certhall/settings.h>

struct transport;
struct transfer; /* one under way; gone once its end function has been called */

/* The head of the answer has come (status, content type without parameters). */
typedef void transfer_head_fn(void *ctx, long status, const char *type);
/* A piece of the body; anything but 0 ends the transfer with that error code. */
typedef int transfer_data_fn(void *ctx, const void *data, size_t len);
/* err NULL: an answer has come in full, whatever its status. sent: the request may have reached the hall. */
typedef void transfer_end_fn(void *ctx, const struct error *err, long status, bool sent);

struct transfer_request {
	const char *method, *path; /* "GET", "/v1/hall" */
	const char *body;          /* JSON or NULL; copied */
	const char *accept;
	const char *header;        /* one more, "Range: bytes=5-", or NULL */
	const struct secret *token;
	bool endless;              /* no limit on the whole, only on silence */
	transfer_head_fn *head;    /* may be NULL */
	transfer_data_fn *data;
	transfer_end_fn *end;
	void *ctx;
};

/* Copies nothing of settings: they outlive it. */
struct transport *transport_new(struct loop *loop, const struct settings *settings);
void transport_free(struct transport **transport); /* no end function is called */

/* Never calls back before it has returned. ERR_NO_MEMORY, ERR_CONFIG. */
int transfer_start(struct transport *transport, const struct transfer_request *request, struct transfer **out,
	struct error *err) CH_MUST_CHECK;
void transfer_cancel(struct transfer **transfer);

#endif
