/* Inside libtoken: the public functions (token.c), the queue of requests (queue.c), the exchange with the helper (exchange.c), and
 * what goes into a request and comes out (request.c). */
#ifndef CERTHALL_TOKEN_CLIENT_H
#define CERTHALL_TOKEN_CLIENT_H

#include <json-c/json.h>

#include <certhall/token.h>

#include "token/wire.h"

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

/* Watching is switched on the helper with this one. */
struct request *request_watch(bool on);
/* Reads the answer and calls done. answer NULL: failed says why. */
void request_finish(const struct request *request, struct json_object *answer);
void request_free(struct request **request);

struct token {
	struct loop *loop;
	char *module, *module_args, *helper, *log;
	int timeout_ms, slow_ms;

	struct request *active, *queue, *ended; /* ended: failed, to be told from the loop */
	struct process *process;                /* the helper, when it runs */
	struct loop_watch *watch;
	struct wire_header header; /* of the active request */
	size_t sent;
	struct bytes in;
	struct loop_timer *timeout, *turn, *patience;
	token_slow_fn *slow;
	void *slow_ctx;
	bool told_slow;

	token_changed_fn *changed;
	void *changed_ctx;
	bool watch_due; /* the helper has to be told whether to watch */

	struct closing *closing;
	bool *alive; /* set while a caller's function runs: it may free the token */
};

/* queue.c */
/* Takes the request over. */
void token_submit(struct token *token, struct request *request);
/* What is to be done next is done from the loop. */
void queue_schedule(struct token *token);
void queue_append(struct request **list, struct request *request);
struct request *queue_take(struct request **list); /* NULL: empty */
/* Its done function is told from the loop. */
void queue_end_with(struct token *token, struct request *request, enum error_code code, const char *detail);
/* The active request, which is under way no more; NULL when there was none. */
struct request *queue_take_active(struct token *token);
/* How long until it is said that the active request is slow. */
void queue_be_patient(struct token *token, int ms);

/* exchange.c */
/* The loop's next turn: ctx is the token. */
void exchange_turn(void *ctx);
/* Gives the active request its whole time; false: no memory, it has ended. */
bool exchange_time(struct token *token);
/* What was under way ends with code; without anything under way the helper died by itself. False: token freed. */
bool exchange_failed(struct token *token, enum error_code code, const char *detail);
/* Lets go of the helper: it reads end of file and leaves, or is killed. */
void exchange_let_go(struct token *token, bool kill_it);
/* Waits a little for those that were let go of, and kills them unless the last one is writing. */
void exchange_end(struct token *token, bool writing);

#endif
