/* Inside libtoken: the queue of requests (token.c) and what goes into them and comes out (request.c). */
#ifndef CERTHALL_TOKEN_CLIENT_H
#define CERTHALL_TOKEN_CLIENT_H

#include <json-c/json.h>

#include <certhall/token.h>

enum reply_kind { REPLY_DONE, REPLY_LIST, REPLY_CERTS, REPLY_BYTES, REPLY_KEY };

struct request {
	struct request *next;
	struct json_object *json;
	struct secret secret;
	int timeout_ms;
	bool writes;      /* may leave something on the key: is not cut short */
	bool asks_person; /* at the reader's own keypad, which takes its time */
	enum reply_kind kind;
	union {
		token_done_fn *plain; /* NULL: nobody waits */
		token_list_fn *list;
		token_certs_fn *certs;
		token_bytes_fn *bytes;
		token_key_fn *key;
	} done;
	void *ctx;
	struct error failed;
};

/* Takes the request over. */
void token_submit(struct token *token, struct request *request);
/* Watching is switched on the helper with this one. */
struct request *request_watch(bool on);
/* Reads the answer and calls done. answer NULL: failed says why. */
void request_finish(const struct request *request, struct json_object *answer);
void request_free(struct request **request);

#endif
