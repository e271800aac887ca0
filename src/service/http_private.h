/* What the parts of the HTTP wrapper share. */
#ifndef SERVICE_HTTP_PRIVATE_H
#define SERVICE_HTTP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <microhttpd.h>

#include "service/gcra.h"
#include "service/http.h"

struct hs_job {
	struct hs_job *next;
	struct hs_request *request; /* NULL: render subject anew */
	char subject[64];
};

/* Workers that take jobs in their order. */
struct hs_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct hs_job *first, **last;
	size_t waiting, waiting_max;
	bool ending;
	int first_number, count;
	pthread_t *threads;
	struct hs_server *server;
};

/* Requests whose answers are made and go out at a moment of their own. */
struct hs_later {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct hs_request *first; /* by moment */
	pthread_t thread;
	bool runs, ending;
};

struct hs_stream;

struct hs_server {
	struct hs_settings settings;
	struct MHD_Daemon *daemon;
	struct gcra *rates;
	int listen_fd, port;
	atomic_bool closing;
	struct hs_pool quick, gateway;
	struct hs_later later;

	pthread_mutex_t connections_lock; /* the library is never called inside it */
	struct hs_connection *connections;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed, ending; /* fewer requests; closing was set */
	size_t requests; /* begun and not completed */
	struct hs_stream *streams;
	size_t stream_count;
	struct hs_subject **subjects; /* by hash */
	pthread_t ticker;
	bool ticker_runs;
};

struct hs_request {
	struct hs_server *server;
	struct MHD_Connection *connection;
	const struct hs_route *route;
	char param[64];
	char address[64];
	struct bytes body;
	bool body_too_large;
	size_t discarded;
	bool handled;      /* response is set */
	int status;
	int64_t began_ms, not_before_ms;
	struct hs_request *later;
	struct MHD_Response *response;
};

/* http_check.c: what may be told from the head. 0, or the code to answer with. */
int hs_check_head(struct hs_request *request, const char *path, const char *method, const char *version, char allow[64],
	struct error *err) CH_MUST_CHECK;
bool hs_path_match(const char *pattern, const char *path, char param[64]);
void hs_peer(struct hs_request *request);

/* http_deadline.c */
void hs_connection_changes(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what);
void hs_connection_receives(struct hs_server *server, struct MHD_Connection *connection, bool receiving);
void hs_connections_cut(struct hs_server *server, int most_s); /* that have not sent a whole request within so many seconds */

/* http_answer.c */
int hs_set(struct hs_request *request, int status, struct MHD_Response *response) CH_MUST_CHECK; /* takes it over; NULL: no memory */

/* http_pool.c */
int hs_pool_start(struct hs_pool *pool, struct hs_server *server, int first_number, int count, struct error *err) CH_MUST_CHECK;
void hs_pool_stop(struct hs_pool *pool);
bool hs_pool_add(struct hs_pool *pool, const struct hs_job *job); /* false: full or no memory */

/* http_later.c */
int hs_later_start(struct hs_server *server, struct error *err) CH_MUST_CHECK;
void hs_later_stop(struct hs_server *server);
void hs_resume(struct hs_request *request); /* it is handled: the library sends the answer, at its moment */

/* http_stream.c */
int hs_streams_start(struct hs_server *server, struct error *err) CH_MUST_CHECK;
void hs_streams_end(struct hs_server *server); /* tells all of them to end */
void hs_streams_stop(struct hs_server *server);
void hs_render(struct hs_server *server, const char *subject, int worker);

#endif
