#include "hall/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <certhall/log.h>

#include "hall/curl.h"

enum { CONNECT_S = 10, SILENCE_S = 45, HEADERS_MAX = 65536 };

struct transport {
	struct loop *loop;
	const struct settings *settings;
	CURLM *multi;
	struct loop_timer *timer;
	struct transfer *transfers;
	bool reaping, dying; /* an end function may free the transport under reap's feet */
};

struct transfer {
	struct transport *transport;
	struct transfer *next;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	bool head_told;
	size_t headers_len; /* of the answer, all that came */
	int refused; /* what data gave */
	transfer_head_fn *head;
	transfer_data_fn *data;
	transfer_end_fn *end;
	void *ctx;
	char said[CURL_ERROR_SIZE];
};

struct transport *transport_new(struct loop *loop, const struct settings *settings)
{
	struct transport *transport = calloc(1, sizeof *transport);
	if (transport != NULL)
		*transport = (struct transport){ .loop = loop, .settings = settings };
	return transport;
}

static void transfer_free(struct transfer *transfer)
{
	struct transport *transport = transfer->transport;
	for (struct transfer **at = &transport->transfers; *at != NULL; at = &(*at)->next)
		if (*at == transfer) {
			*at = transfer->next;
			break;
		}
	if (transfer->easy != NULL) {
		curl.multi_remove_handle(transport->multi, transfer->easy);
		curl.easy_cleanup(transfer->easy);
	}
	for (struct curl_slist *header = transfer->headers; header != NULL; header = header->next)
		secret_wipe(header->data, strlen(header->data)); /* the session's token is one */
	curl.slist_free_all(transfer->headers);
	free(transfer->body);
	free(transfer);
}

void transfer_cancel(struct transfer **transfer)
{
	if (*transfer != NULL)
		transfer_free(*transfer);
	*transfer = NULL;
}

void transport_free(struct transport **transport_ref)
{
	struct transport *transport = *transport_ref;
	if (transport == NULL)
		return;
	*transport_ref = NULL;
	while (transport->transfers != NULL)
		transfer_free(transport->transfers);
	transport->dying = transport->reaping;
	if (transport->dying)
		return;
	if (transport->multi != NULL)
		curl.multi_cleanup(transport->multi);
	loop_timer_cancel(transport->loop, &transport->timer);
	free(transport);
}

/* ---- curl's codes into ours ---- */

static const struct {
	CURLcode result;
	enum error_code code;
} code_table[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_NET_RESOLVE },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_NET_RESOLVE },
	{ CURLE_COULDNT_CONNECT, ERR_NET_CONNECT },
	{ CURLE_SEND_ERROR, ERR_NET_CONNECT },
	{ CURLE_RECV_ERROR, ERR_NET_CONNECT },
	{ CURLE_GOT_NOTHING, ERR_NET_CONNECT },
	{ CURLE_PARTIAL_FILE, ERR_NET_CONNECT },
	{ CURLE_PROXY, ERR_NET_CONNECT },
	{ CURLE_OPERATION_TIMEDOUT, ERR_NET_TIMEOUT },
	{ CURLE_SSL_CONNECT_ERROR, ERR_NET_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_NET_TLS },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_NET_TLS },
	{ CURLE_SSL_ISSUER_ERROR, ERR_NET_TLS },
	{ CURLE_SSL_INVALIDCERTSTATUS, ERR_NET_TLS },
	{ CURLE_SSL_CIPHER, ERR_NET_TLS },
	{ CURLE_SSL_SHUTDOWN_FAILED, ERR_NET_TLS },
	{ CURLE_SSL_CACERT_BADFILE, ERR_CONFIG },
	{ CURLE_URL_MALFORMAT, ERR_CONFIG },
	{ CURLE_OUT_OF_MEMORY, ERR_NO_MEMORY },
};

/* The line went before the hall could show who it is: curl has one code for that and for a hall that speaks another TLS. */
static bool went_in_handshake(const struct transfer *transfer, CURLcode result)
{
	const char *said = transfer->said;
	return result == CURLE_SSL_CONNECT_ERROR
		&& (strstr(said, "SSL_ERROR_SYSCALL") != NULL || strstr(said, " failure: ") != NULL || strstr(said, "unexpected eof") != NULL);
}

static void translate(const struct transfer *transfer, CURLcode result, struct error *err)
{
	const struct settings *settings = transfer->transport->settings;
	enum error_code code = ERR_NET_PROTOCOL;
	for (size_t i = 0; i < sizeof code_table / sizeof *code_table; i++)
		if (code_table[i].result == result)
			code = code_table[i].code;
	if (went_in_handshake(transfer, result))
		code = ERR_NET_CONNECT;
	curl_off_t began = 0;
	curl.easy_getinfo(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T, &began);
	if (result == CURLE_OUT_OF_MEMORY && began > 0) /* so curl calls a header longer than it takes */
		code = ERR_NET_PROTOCOL;
	if (transfer->refused != 0)
		code = (enum error_code)transfer->refused;
	const char *param = code == ERR_NET_RESOLVE && result == CURLE_COULDNT_RESOLVE_PROXY ? settings->hall_proxy
		: code == ERR_NET_RESOLVE ? settings->hall_url
		: result == CURLE_SSL_CACERT_BADFILE ? "hall.ca_file"
		: code == ERR_CONFIG ? "hall.url" : NULL;
	error_set(err, code, param, "curl %d: %s", (int)result, transfer->said[0] != '\0' ? transfer->said : curl.easy_strerror(result));
}

/* ---- the loop ---- */

/* Ends what curl says has ended. The end functions run here, never inside one of curl's. */
static void reap(struct transport *transport)
{
	transport->reaping = true;
	CURLMsg *message;
	int left;
	while (!transport->dying && (message = curl.multi_info_read(transport->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		struct transfer *transfer = NULL;
		curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		long status = 0;
		curl_off_t sent = 0;
		curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		curl.easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
		transfer_end_fn *end = transfer->end;
		void *ctx = transfer->ctx;
		struct error err = { 0 };
		if (result != CURLE_OK)
			translate(transfer, result, &err);
		transfer_free(transfer);
		if (result != CURLE_OK)
			log_error("hall", &err);
		end(ctx, result != CURLE_OK ? &err : NULL, status, sent > 0);
	}
	transport->reaping = false;
	if (transport->dying)
		transport_free(&transport);
}

static void on_socket(void *ctx, int fd, int ready)
{
	struct transport *transport = ctx;
	int running;
	int flags = (ready & LOOP_READ ? CURL_CSELECT_IN : 0) | (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	curl.multi_socket_action(transport->multi, fd, flags, &running);
	reap(transport);
}

static void on_timer(void *ctx)
{
	struct transport *transport = ctx;
	int running;
	curl.multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(transport);
}

static int curl_wants_timer(CURLM *multi, long ms, void *ctx)
{
	(void)multi;
	struct transport *transport = ctx;
	if (ms < 0)
		loop_timer_cancel(transport->loop, &transport->timer);
	else if (loop_timer_start(transport->loop, &transport->timer, ms, on_timer, transport) != 0)
		return -1;
	return 0;
}

static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	(void)easy;
	struct transport *transport = ctx;
	struct loop_watch *watch = socket_ctx;
	if (what == CURL_POLL_REMOVE) {
		loop_unwatch(transport->loop, &watch);
		curl.multi_assign(transport->multi, fd, NULL);
		return 0;
	}
	int interest = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	if (watch != NULL) {
		loop_watch_set(watch, interest);
		return 0;
	}
	watch = loop_watch(transport->loop, fd, interest, on_socket, transport);
	if (watch == NULL)
		return -1;
	curl.multi_assign(transport->multi, fd, watch);
	return 0;
}

static int open_multi(struct transport *transport, struct error *err)
{
	if (transport->multi != NULL)
		return 0;
	int rc = curl_load(err);
	if (rc != 0)
		return rc;
	transport->multi = curl.multi_init();
	if (transport->multi == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "curl");
	curl.multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	curl.multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
	curl.multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	curl.multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
	return 0;
}

/* ---- one transfer ---- */

static void tell_head(struct transfer *transfer)
{
	if (transfer->head_told)
		return;
	transfer->head_told = true;
	long status = 0;
	const char *type = NULL;
	char plain[64] = "";
	curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl.easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
	if (type != NULL)
		snprintf(plain, sizeof plain, "%.*s", (int)strcspn(type, "; \t"), type);
	if (transfer->head != NULL)
		transfer->head(transfer->ctx, status, plain);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	size_t len = size * count;
	long status = 0;
	curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->headers_len += len;
	if (transfer->headers_len > HEADERS_MAX) {
		transfer->refused = ERR_NET_PROTOCOL;
		return CURL_WRITEFUNC_ERROR;
	}
	/* The empty line behind the headers of the answer proper, not of a proxy's CONNECT or a 100. */
	bool empty = len <= 2 && (*line == '\r' || *line == '\n');
	if (empty && status >= 200)
		tell_head(transfer);
	return len;
}

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	size_t len = size * count;
	transfer->refused = transfer->data(transfer->ctx, data, len);
	return transfer->refused == 0 ? len : CURL_WRITEFUNC_ERROR;
}

static int add_header(struct transfer *transfer, const char *name, const char *value)
{
	char line[512];
	snprintf(line, sizeof line, "%s%s", name, value);
	struct curl_slist *longer = curl.slist_append(transfer->headers, line);
	secret_wipe(line, sizeof line);
	if (longer == NULL)
		return ERR_NO_MEMORY;
	transfer->headers = longer;
	return 0;
}

static int add_headers(struct transfer *transfer, const struct transfer_request *request)
{
	int code = add_header(transfer, "Accept: ", request->accept);
	if (code == 0) /* without a body curl would call it a form */
		code = add_header(transfer, "Content-Type:", request->body != NULL ? " application/json" : "");
	if (code == 0 && request->header != NULL)
		code = add_header(transfer, request->header, "");
	if (code == 0 && request->token != NULL && request->token->text != NULL)
		code = add_header(transfer, "Authorization: Bearer ", request->token->text);
	if (code == 0)
		code = add_header(transfer, "Expect:", "");
	return code;
}

static CURLcode set_options(struct transfer *transfer, const struct transfer_request *request)
{
	const struct settings *settings = transfer->transport->settings;
	CURL *easy = transfer->easy;
	char url[512];
	snprintf(url, sizeof url, "%s%s", settings->hall_url, request->path);
	CURLcode code = CURLE_OK;
#define SET(option, value) \
	if (code == CURLE_OK) \
	code = curl.easy_setopt(easy, option, value)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)(settings->timeout_s < CONNECT_S ? settings->timeout_s : CONNECT_S));
	SET(CURLOPT_USERAGENT, "certhall/" PACKAGE_VERSION);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_ERRORBUFFER, transfer->said);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, transfer);
	if (settings->hall_ca[0] != '\0') {
		SET(CURLOPT_CAINFO, settings->hall_ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (settings->hall_pin[0] != '\0')
		SET(CURLOPT_PINNEDPUBLICKEY, settings->hall_pin);
	if (settings->hall_proxy[0] != '\0')
		SET(CURLOPT_PROXY, settings->hall_proxy);
	if (request->endless) {
		SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
		SET(CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
		SET(CURLOPT_TCP_KEEPALIVE, 1L);
	} else {
		SET(CURLOPT_TIMEOUT, (long)settings->timeout_s);
	}
	if (strcmp(request->method, "POST") == 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, transfer->body);
	} else if (strcmp(request->method, "GET") != 0) {
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	}
#undef SET
	return code;
}

int transfer_start(struct transport *transport, const struct transfer_request *request, struct transfer **out,
	struct error *err)
{
	int rc = open_multi(transport, err);
	if (rc != 0)
		return rc;
	struct transfer *transfer = calloc(1, sizeof *transfer);
	if (transfer == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "curl");
	*transfer = (struct transfer){ .transport = transport, .next = transport->transfers, .head = request->head,
		.data = request->data, .end = request->end, .ctx = request->ctx };
	transport->transfers = transfer;
	transfer->body = strdup(request->body != NULL ? request->body : "");
	transfer->easy = curl.easy_init();
	if (transfer->body == NULL || transfer->easy == NULL || add_headers(transfer, request) != 0) {
		transfer_free(transfer);
		return error_set(err, ERR_NO_MEMORY, NULL, "curl");
	}
	CURLcode result = set_options(transfer, request);
	if (result == CURLE_OK && curl.multi_add_handle(transport->multi, transfer->easy) != CURLM_OK)
		result = CURLE_OUT_OF_MEMORY;
	if (result != CURLE_OK) {
		translate(transfer, result, err);
		transfer_free(transfer);
		return err != NULL ? (int)err->code : ERR_NO_MEMORY;
	}
	*out = transfer;
	return 0;
}
