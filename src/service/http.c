#include "service/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netdb.h>
#include <sys/socket.h>

#include <certhall/clock.h>
#include <certhall/fault.h>
#include <certhall/file.h>
#include <certhall/log.h>

#include "service/http_private.h"

enum {
	POOL_BYTES = 8 * 1024,       /* a connection's memory in the library: bounds the head, and is most of what an idle stream costs */
	DISCARD_MAX = 1024 * 1024,   /* of a body that is too large; then the connection is cut */
	BACKLOG = 4096,
	GRACE_MS = 200,              /* for requests on their way */
	STOP_MS = 5000,              /* for clients that take their answer slowly */
	RATE_KEYS = 65536,
};

/* Paths stay as they came: no route has a character that needs escaping, and the library's decoding would end them at %00. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static struct hs_request *begin(struct hs_server *server, struct MHD_Connection *connection)
{
	struct hs_request *request = calloc(1, sizeof *request);
	if (request == NULL)
		return NULL;
	request->server = server;
	request->connection = connection;
	request->began_ms = clock_monotonic_ms();
	pthread_mutex_lock(&server->lock);
	server->requests++;
	pthread_mutex_unlock(&server->lock);
	return request;
}

static void completed(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode how)
{
	struct hs_server *server = cls;
	struct hs_request *request = *con_cls;
	if (request == NULL)
		return;
	*con_cls = NULL;
	if (request->route != NULL)
		log_line(LOG_LEVEL_DEBUG, "http", "%s %s %d %lld ms%s", request->route->method, request->route->path, request->status,
			(long long)(clock_monotonic_ms() - request->began_ms), how == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : ", cut");
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	hs_connection_receives(server, connection, true); /* the next one */
	bytes_free(&request->body);
	free(request);
	pthread_mutex_lock(&server->lock);
	server->requests--;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result send_answer(struct hs_request *request)
{
	if (request->response == NULL)
		return MHD_NO;
	if (request->route != NULL && fault_point(request->route->method, request->route->path))
		return MHD_NO; /* done, and the answer lost */
	if (atomic_load(&request->server->closing))
		MHD_add_response_header(request->response, "Connection", "close");
	enum MHD_Result sent = MHD_queue_response(request->connection, (unsigned)request->status, request->response);
	MHD_destroy_response(request->response); /* the library holds it now */
	request->response = NULL;
	return sent;
}

static enum MHD_Result answer_now(struct hs_request *request, const struct error *err, const char *allow)
{
	if (request->response == NULL)
		hs_answer_problem(request, err);
	if (err->code == ERR_METHOD_NOT_ALLOWED && request->response != NULL)
		MHD_add_response_header(request->response, "Allow", allow);
	return send_answer(request);
}

static enum MHD_Result take_head(struct hs_server *server, struct MHD_Connection *connection, const char *path, const char *method,
	const char *version, void **con_cls)
{
	struct hs_request *request = begin(server, connection);
	if (request == NULL)
		return MHD_NO;
	*con_cls = request;
	char allow[64] = "";
	struct error err = { 0 };
	hs_peer(request);
	if (atomic_load(&server->closing))
		error_set(&err, ERR_NET_OVERLOADED, NULL, "closing");
	else if (hs_check_head(request, path, method, version, allow, &err) == 0)
		return MHD_YES;
	return answer_now(request, &err, allow);
}

static enum MHD_Result take_body(struct hs_request *request, const char *data, size_t *len)
{
	size_t n = *len;
	*len = 0;
	if (!request->body_too_large && request->body.len + n <= request->server->settings.body_max)
		return bytes_append(&request->body, data, n) == 0 ? MHD_YES : MHD_NO;
	request->body_too_large = true;
	request->discarded += n;
	return request->discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result dispatch(struct hs_request *request)
{
	struct hs_server *server = request->server;
	struct error err = { 0 };
	hs_connection_receives(server, request->connection, false);
	if (request->body_too_large) {
		error_set(&err, ERR_TOO_LARGE, NULL, "body");
		return answer_now(request, &err, "");
	}
	if (request->route->flags & HS_INLINE) {
		int rc = request->route->handle(server->settings.ctx, request, 0, &err);
		return rc != 0 ? answer_now(request, &err, "") : send_answer(request);
	}
	struct hs_job job = { .request = request };
	MHD_suspend_connection(request->connection); /* before a worker may resume it */
	if (!atomic_load(&server->closing) && hs_pool_add(request->route->flags & HS_GATEWAY ? &server->gateway : &server->quick, &job))
		return MHD_YES;
	error_set(&err, ERR_NET_OVERLOADED, NULL, "too many waiting");
	hs_answer_problem(request, &err);
	request->handled = true;
	MHD_resume_connection(request->connection);
	return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
	const char *version, const char *data, size_t *len, void **con_cls)
{
	struct hs_request *request = *con_cls;
	if (request == NULL)
		return take_head(cls, connection, path, method, version, con_cls);
	if (request->handled)
		return send_answer(request);
	if (*len > 0)
		return take_body(request, data, len);
	return dispatch(request);
}

CH_PRINTF(2, 0)
static void library_says(void *cls, const char *fmt, va_list args)
{
	(void)cls;
	char line[256];
	vsnprintf(line, sizeof line, fmt, args);
	log_line(LOG_LEVEL_DEBUG, "http", "%s", line);
}

/* "host:port" with the host in brackets when it is IPv6. */
static int listen_on(const char *address, int *fd, int *port, struct error *err)
{
	char host[256];
	snprintf(host, sizeof host, "%s", address);
	char *colon = strrchr(host, ':'), *name = host;
	if (colon == NULL)
		return error_set(err, ERR_CONFIG, "listen", "listen: no port in %s", address);
	*colon = '\0';
	if (*name == '[' && colon[-1] == ']') {
		name++;
		colon[-1] = '\0';
	}
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV }, *found = NULL;
	if (getaddrinfo(*name != '\0' ? name : NULL, colon + 1, &hints, &found) != 0)
		return error_set(err, ERR_CONFIG, "listen", "listen: %s is no address", address);
	int one = 1;
	struct sockaddr_storage bound;
	socklen_t len = sizeof bound;
	char number[16] = "";
	*fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = *fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0
		&& bind(*fd, found->ai_addr, found->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0
		&& getsockname(*fd, (struct sockaddr *)&bound, &len) == 0
		&& getnameinfo((struct sockaddr *)&bound, len, NULL, 0, number, sizeof number, NI_NUMERICSERV) == 0;
	freeaddrinfo(found);
	*port = atoi(number);
	return ok ? 0 : error_set(err, ERR_CONFIG, "listen", "listen on %s: %s", address, strerror(errno));
}

static int start_daemon(struct hs_server *server, struct error *err)
{
	const struct hs_settings *s = &server->settings;
	struct bytes certificate = { 0 }, key = { 0 };
	bool tls = s->tls_certificate != NULL;
	int rc = tls ? file_read(s->tls_certificate, 65536, &certificate, err) : 0;
	if (rc == 0 && tls)
		rc = file_read(s->tls_key, 65536, &key, err);
	if (rc == 0) {
		struct MHD_OptionItem secured[] = {
			{ MHD_OPTION_HTTPS_MEM_CERT, 0, certificate.data },
			{ MHD_OPTION_HTTPS_MEM_KEY, 0, key.data },
			{ MHD_OPTION_HTTPS_PRIORITIES, 0, (char[]){ "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE" } },
			{ MHD_OPTION_END, 0, NULL },
		};
		struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
		server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME
				| MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, handle, server,
			MHD_OPTION_EXTERNAL_LOGGER, library_says, NULL,
			MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
			MHD_OPTION_NOTIFY_COMPLETED, completed, server,
			MHD_OPTION_NOTIFY_CONNECTION, hs_connection_changes, server,
			MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
			MHD_OPTION_CONNECTION_LIMIT, s->connections,
			MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->connections_per_address,
			MHD_OPTION_CONNECTION_TIMEOUT, s->timeout,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
			MHD_OPTION_STRICT_FOR_CLIENT, 1,
			MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
			MHD_OPTION_THREAD_POOL_SIZE, s->threads > 1 ? (unsigned)s->threads : 0u,
			MHD_OPTION_ARRAY, tls ? secured : plain, MHD_OPTION_END);
		if (server->daemon == NULL)
			rc = error_set(err, ERR_CONFIG, tls ? "tls" : "listen", "the HTTP library does not start: %s", strerror(errno));
	}
	if (key.data != NULL)
		explicit_bzero(key.data, key.len);
	bytes_free(&key);
	bytes_free(&certificate);
	return rc;
}

int hs_start(const struct hs_settings *settings, struct hs_server **out, struct error *err)
{
	struct hs_server *server = calloc(1, sizeof *server);
	*out = server;
	if (server == NULL || (server->rates = gcra_new(RATE_KEYS)) == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "http");
	server->settings = *settings;
	server->listen_fd = -1;
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&server->lock, NULL);
	pthread_mutex_init(&server->connections_lock, NULL);
	pthread_cond_init(&server->changed, &monotonic);
	pthread_cond_init(&server->ending, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int rc = listen_on(settings->listen, &server->listen_fd, &server->port, err);
	if (rc == 0)
		rc = hs_streams_start(server, err);
	if (rc == 0)
		rc = hs_later_start(server, err);
	if (rc == 0)
		rc = hs_pool_start(&server->quick, server, 1, settings->workers, err);
	if (rc == 0)
		rc = hs_pool_start(&server->gateway, server, 1 + settings->workers, settings->gateway_workers, err);
	if (rc == 0)
		rc = start_daemon(server, err);
	if (rc != 0)
		hs_stop(out);
	return rc;
}

int hs_port(const struct hs_server *server)
{
	return server->port;
}

const char *hs_version(void)
{
	return MHD_get_version();
}

/* Below 1.0.10 several ways for the public to smuggle requests or crash it are known. */
bool hs_version_is_old(void)
{
	unsigned major = 0, minor = 0, patch = 0;
	if (sscanf(MHD_get_version(), "%u.%u.%u", &major, &minor, &patch) != 3)
		return true;
	return ((major << 24) | (minor << 16) | (patch << 8)) < (1u << 24 | 10u << 8);
}

/* A stopping library must find no connection suspended. */
static void drain(struct hs_server *server, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (until.tv_nsec / 1000000 + ms) / 1000;
	until.tv_nsec = (until.tv_nsec / 1000000 + ms) % 1000 * 1000000;
	pthread_mutex_lock(&server->lock);
	while (server->requests > 0 && pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0)
		;
	pthread_mutex_unlock(&server->lock);
}

void hs_stop(struct hs_server **server_ref)
{
	struct hs_server *server = *server_ref;
	if (server == NULL)
		return;
	MHD_socket listening = server->daemon != NULL ? MHD_quiesce_daemon(server->daemon) : MHD_INVALID_SOCKET;
	atomic_store(&server->closing, true);
	hs_streams_end(server);
	if (server->daemon != NULL) {
		drain(server, GRACE_MS);
		hs_connections_cut(server, 0); /* what has not come whole by now has not begun */
		drain(server, STOP_MS);
	}
	hs_pool_stop(&server->quick);
	hs_pool_stop(&server->gateway);
	hs_later_stop(server);
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon);
	if (listening != MHD_INVALID_SOCKET)
		close(listening);
	else if (server->daemon == NULL && server->listen_fd >= 0)
		close(server->listen_fd);
	hs_streams_stop(server);
	gcra_free(&server->rates);
	pthread_cond_destroy(&server->ending);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	pthread_mutex_destroy(&server->connections_lock);
	free(server);
	*server_ref = NULL; /* not before: until here workers may publish through it */
}
