/* The door to the hall: its HTTPS and JSON as asynchronous calls on the loop (libcurl's multi_socket interface).
 *
 * Each call ends with exactly one call of done, from the loop, never from inside the call; after hall_free none. The
 * struct hall_call is gone before done runs; NULL is given when memory is short (done is not called then). A call is
 * retried by itself only where asking twice does no harm and the way failed before an answer (three tries at most).
 * Nothing is connected or resolved before the first call. TLS 1.2 and up, no redirects, https only, answers at most 4 MiB.
 */
#ifndef CERTHALL_HALL_H
#define CERTHALL_HALL_H

#include <certhall/chat.h>
#include <certhall/error.h>
#include <certhall/invoice.h>
#include <certhall/loop.h>
#include <certhall/model.h>
#include <certhall/settings.h>

struct hall;
struct hall_call; /* one under way; a caller may keep it to cancel it */

int hall_new(struct loop *loop, const struct settings *settings, struct hall **out) CH_MUST_CHECK;
void hall_free(struct hall **hall);
void hall_cancel(struct hall_call **call); /* done is not called then; NULL is fine */

/* The hall's clock, counted from its last answer on the monotonic clock; this computer's before the first. */
int64_t hall_now(const struct hall *hall);
/* This computer's clock minus the hall's in seconds, as of the last answer. */
int64_t hall_clock_offset(const struct hall *hall);
bool hall_answered(const struct hall *hall);

/* err NULL on success. result is the struct the function's comment names, borrowed for the call (move bytes out to keep). */
typedef void hall_fn(void *ctx, const struct error *err, const void *result);

struct hall_call *hall_get_info(struct hall *hall, hall_fn *done, void *ctx);                     /* struct hall_info */
struct hall_call *hall_standings(struct hall *hall, const struct standing_request *request, hall_fn *done, void *ctx); /* struct standing_answer */
struct hall_call *hall_challenge(struct hall *hall, const char *purpose, hall_fn *done, void *ctx); /* struct challenge */
/* The session's token is kept inside (a secret) and used for all that follows; result: struct session with token wiped. */
struct hall_call *hall_login(struct hall *hall, const struct session_request *request, hall_fn *done, void *ctx);
bool hall_logged_in(const struct hall *hall);
void hall_logout(struct hall *hall); /* forgets the token and tells the hall, without waiting */

struct hall_call *hall_submit_order(struct hall *hall, const struct order_request *request, hall_fn *done, void *ctx); /* struct order, as all below */
struct hall_call *hall_get_order(struct hall *hall, const char *number, hall_fn *done, void *ctx);
struct hall_call *hall_open_payment(struct hall *hall, const char *number, hall_fn *done, void *ctx);
struct hall_call *hall_ask_payment(struct hall *hall, const char *number, hall_fn *done, void *ctx);
struct hall_call *hall_cancel_order(struct hall *hall, const char *number, hall_fn *done, void *ctx);
struct hall_call *hall_request_cert(struct hall *hall, const char *number, const struct cert_request *request, hall_fn *done, void *ctx);
struct hall_call *hall_report_installed(struct hall *hall, const char *number, const struct install_report *report, hall_fn *done, void *ctx);

/* The order's events from revision on (0: from the next). Reconnects by itself with Last-Event-ID (retry as the stream
 * says, doubling to 30 s); done gets each struct order (the newest, when several came at once); err with result NULL
 * tells of the way: ERR_OK when the stream stands (again), else why it is lost; after ERR_SESSION_NEEDED, ERR_FORBIDDEN and
 * ERR_ORDER_NONE it does not reconnect. Ends with hall_cancel only. */
struct hall_call *hall_follow_order(struct hall *hall, const char *number, int64_t revision, hall_fn *done, void *ctx);

/* The list of the hall's components for this machine (os, arch of uname), the signature checked against the pinned
 * certificate: struct package_list. */
struct hall_call *hall_get_packages(struct hall *hall, hall_fn *done, void *ctx);
/* Everything on the list, of every kind and for every machine: struct package_list. */
struct hall_call *hall_get_downloads(struct hall *hall, hall_fn *done, void *ctx);
bool hall_package_fits(const struct package *package); /* this machine */
/* The help centre's content in that language, the signature checked: struct signed_manifest of a struct help_bundle; NULL when the hall
 * has still the version that is known ("": none). */
struct hall_call *hall_get_help(struct hall *hall, const char *language, const char *known, hall_fn *done, void *ctx);
/* A file of the hall's and where it goes. Texts are copied. */
struct hall_file {
	const char *path;              /* of the resource */
	const char *folder, *name;     /* name: ours or the person's, never the hall's; no "/" */
	int64_t size;                  /* exactly */
	const char *sha256;
	const char *magic;             /* what it begins with; NULL: anything */
	const char *grant;             /* bearer; NULL: the session's, if there is one */
	bool replace;                  /* an existing file; else ERR_FILE_EXISTS */
};
typedef void hall_progress_fn(void *ctx, int64_t got, int64_t total);
/* Writes name.part (0600, made for us alone), goes on with one that is there (once from the start, when that was no part of this file),
 * checks size, hash and beginning, and renames; result: const char * path. progress is called as it comes. A break leaves the part;
 * ERR_PACKAGE_HASH and ERR_DISK_FULL do not. ERR_FOLDER_CLOSED: nothing may be written there. */
struct hall_call *hall_download(struct hall *hall, const struct hall_file *file, hall_progress_fn *progress, hall_fn *done, void *ctx);
/* A component, into the data folder ("components/<id>-<version>/<file>"). */
struct hall_call *hall_download_package(struct hall *hall, const struct package *package, hall_progress_fn *progress,
	hall_fn *done, void *ctx);
/* As hall_download; name empty: the one on the list. */
struct hall_call *hall_save_package(struct hall *hall, const struct package *package, const char *folder, const char *name, bool replace,
	hall_progress_fn *progress, hall_fn *done, void *ctx);

/* ---- invoices ---- */

struct hall_call *hall_get_captcha(struct hall *hall, hall_fn *done, void *ctx);                  /* struct captcha */
/* With a session its certificate's, else by all of the query; struct invoice_page. ERR_INVOICE_NO_MATCH whatever is wrong. */
struct hall_call *hall_query_invoices(struct hall *hall, const struct invoice_query *query, hall_fn *done, void *ctx);
struct hall_call *hall_more_invoices(struct hall *hall, const char *grant, const char *next, hall_fn *done, void *ctx);
/* The invoice as XML, in memory, its hash checked: struct bytes. */
struct hall_call *hall_read_invoice(struct hall *hall, const char *grant, const struct invoice *invoice, hall_fn *done, void *ctx);
/* As hall_download; format "pdf" or "xml". */
struct hall_call *hall_save_invoice(struct hall *hall, const char *grant, const struct invoice *invoice, const char *format,
	const char *folder, const char *name, bool replace, hall_progress_fn *progress, hall_fn *done, void *ctx);

/* ---- live service ---- */

/* About a conversation: token is its bearer token; NULL: the session's (the certificate's conversation, or an agent's). */
struct hall_call *hall_get_service(struct hall *hall, hall_fn *done, void *ctx);                  /* struct chat_service */
struct hall_call *hall_begin_conversation(struct hall *hall, const struct conversation_request *request, hall_fn *done, void *ctx); /* struct conversation */
struct hall_call *hall_send_message(struct hall *hall, const char *token, const char *id, const struct message_request *request, hall_fn *done, void *ctx); /* struct message */
struct hall_call *hall_get_history(struct hall *hall, const char *token, const char *id, int64_t after, hall_fn *done, void *ctx); /* struct message_page */
struct hall_call *hall_mark_messages(struct hall *hall, const char *token, const char *id, const struct chat_marks *marks, hall_fn *done, void *ctx); /* NULL */
struct hall_call *hall_leave_message(struct hall *hall, const char *token, const char *id, const struct leave_request *request, hall_fn *done, void *ctx); /* struct conversation, as all below */
struct hall_call *hall_close_conversation(struct hall *hall, const char *token, const char *id, int rating, hall_fn *done, void *ctx);
struct hall_call *hall_transfer_conversation(struct hall *hall, const char *id, const struct chat_transfer *transfer, hall_fn *done, void *ctx);
struct hall_call *hall_take_conversation(struct hall *hall, const char *id, hall_fn *done, void *ctx); /* id "": the one waiting longest */
struct hall_call *hall_set_presence(struct hall *hall, enum agent_state state, hall_fn *done, void *ctx); /* struct desk */

/* What a stream of live service tells: one of them is not NULL. */
struct chat_event {
	const struct conversation *conversation;
	const struct desk *desk;
	const struct chat_typing *typing;
};
/* As hall_follow_order, with struct chat_event as result. */
struct hall_call *hall_follow_conversation(struct hall *hall, const char *token, const char *id, hall_fn *done, void *ctx);
struct hall_call *hall_follow_desk(struct hall *hall, hall_fn *done, void *ctx);

#endif
