#include "bank/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include <certhall/log.h>

enum { BODY_MAX = 65536, TIMEOUT_S = 30, CONNECTIONS = 200, WAIT_MAX_MS = 120000 };

static const char sorry[] = "out of memory\n";

void reply_text(struct reply *reply, unsigned status, const char *type, const char *text)
{
	reply->status = status;
	reply->type = type;
	if (bytes_set(&reply->body, text, strlen(text)) != 0)
		reply->status = 500;
}

void reply_json(struct reply *reply, unsigned status, json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	reply_text(reply, status, "application/json; charset=utf-8", text != NULL ? text : sorry);
	json_object_put(json);
}

static bool is_loopback(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info == NULL || info->client_addr->sa_family != AF_INET)
		return false;
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)info->client_addr;
	return ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void route(struct bank *bank, const struct request *request, struct reply *reply)
{
	if (strcmp(request->path, "/netpay-route-server/api/") == 0 || begins(request->path, "/v1/netpay/bills/"))
		gateway_handle(bank, request, reply);
	else if (strcmp(request->path, "/bills/qrCode.do") == 0)
		page_handle(bank, request, reply);
	else if (begins(request->path, "/control"))
		control_handle(bank, request, reply);
	else
		reply_text(reply, 404, "text/plain", "not found\n");
}

/* Holds this answer back (each connection has a thread of its own); the end of the program cuts it short. */
static void hold_back(struct bank *bank, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&bank->lock);
	while (!bank->stopping && pthread_cond_timedwait(&bank->ended, &bank->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&bank->lock);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(reply->body.len - reply->cut,
		reply->body.data != NULL ? (void *)reply->body.data : (void *)(uintptr_t)sorry, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", reply->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	if (reply->policy[0] != '\0')
		MHD_add_response_header(response, "Content-Security-Policy", reply->policy);
	if (reply->location[0] != '\0')
		MHD_add_response_header(response, "Location", reply->location);
	enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(struct bank *bank, struct MHD_Connection *connection, const char *path, const char *method,
	const struct bytes *body)
{
	struct request request = {
		.method = strcmp(method, "HEAD") == 0 ? "GET" : method,
		.path = path,
		.id = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "id"),
		.authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"),
		.content_type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type"),
		.origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin"),
		.body = body->data != NULL ? (const char *)body->data : "",
		.len = body->len,
		.loopback = is_loopback(connection),
	};
	struct reply reply = { 0 };
	if (body->len > BODY_MAX) {
		reply_text(&reply, 413, "text/plain", "too large\n");
	} else {
		pthread_mutex_lock(&bank->lock);
		route(bank, &request, &reply);
		pthread_mutex_unlock(&bank->lock);
	}
	if (reply.wait_ms > 0)
		hold_back(bank, reply.wait_ms < WAIT_MAX_MS ? reply.wait_ms : WAIT_MAX_MS);
	enum MHD_Result result = send_reply(connection, &reply);
	bytes_free(&reply.body);
	return result;
}

static enum MHD_Result access_handler(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
	const char *version, const char *upload, size_t *upload_size, void **state)
{
	(void)version;
	struct bytes *body = *state;
	if (body == NULL) {
		*state = calloc(1, sizeof *body);
		return *state != NULL ? MHD_YES : MHD_NO;
	}
	if (*upload_size > 0) {
		if (body->len <= BODY_MAX && bytes_append(body, upload, *upload_size) != 0)
			return MHD_NO;
		*upload_size = 0;
		return MHD_YES;
	}
	return answer(ctx, connection, path, method, body);
}

static void completed(void *ctx, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	(void)ctx, (void)connection, (void)why;
	if (*state != NULL)
		bytes_free(*state);
	free(*state);
	*state = NULL;
}

int http_start(struct bank *bank, const char *address, uint16_t *port, struct MHD_Daemon **out, struct error *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(*port) };
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return error_set(err, ERR_BAD_INPUT, address, "not an IPv4 address");
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG, *port,
		NULL, NULL, access_handler, bank, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_NOTIFY_COMPLETED, completed,
		NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (daemon == NULL)
		return error_set(err, ERR_NET_CONNECT, address, "cannot listen on %s:%u", address, *port);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
	*port = info != NULL ? info->port : *port;
	*out = daemon;
	return 0;
}

void http_stop(struct bank *bank, struct MHD_Daemon *daemon)
{
	pthread_mutex_lock(&bank->lock);
	bank->stopping = true;
	pthread_cond_broadcast(&bank->ended);
	pthread_mutex_unlock(&bank->lock);
	MHD_stop_daemon(daemon);
}
