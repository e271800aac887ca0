#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <certhall/clock.h>

#include "service/http_private.h"

static const char allowed_in_param[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

bool hs_path_match(const char *pattern, const char *path, char param[64])
{
	const char *open = strchr(pattern, '{');
	if (open == NULL)
		return strcmp(pattern, path) == 0;
	size_t before = (size_t)(open - pattern);
	const char *after = strchr(open, '}') + 1;
	if (strncmp(pattern, path, before) != 0)
		return false;
	size_t len = strspn(path + before, allowed_in_param);
	if (len == 0 || len >= 64 || strcmp(path + before + len, after) != 0)
		return false;
	memcpy(param, path + before, len);
	param[len] = '\0';
	return true;
}

/* Headers that decide where a message ends or whom it is for must be there once (RFC 9112 sections 3.2, 6.3; RFC 9110
 * 5.3). The library lets several pass. */
struct seen {
	int host, length, coding, authorization, type, malformed;
};

static enum MHD_Result see(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value, size_t value_len)
{
	(void)kind;
	struct seen *seen = cls;
	const struct {
		const char *name;
		int *count;
	} single[] = {
		{ "Host", &seen->host }, { "Content-Length", &seen->length }, { "Transfer-Encoding", &seen->coding },
		{ "Authorization", &seen->authorization }, { "Content-Type", &seen->type },
	};
	if (key_len == 0 || strlen(key) != key_len || strpbrk(key, " \t\r\n") != NULL
	    || (value != NULL && (strlen(value) != value_len || strpbrk(value, "\r\n") != NULL)))
		seen->malformed++;
	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		if (strcasecmp(key, single[i].name) == 0)
			(*single[i].count)++;
	return MHD_YES;
}

static int check_headers(struct hs_request *request, const char *version, struct error *err)
{
	struct seen seen = { 0 };
	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, see, &seen);
	bool http11 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
	const char *coding = hs_header(request, "Transfer-Encoding");
	if (seen.malformed > 0 || seen.host > 1 || seen.length > 1 || seen.coding > 1 || seen.authorization > 1 || seen.type > 1
	    || (seen.length > 0 && seen.coding > 0) || (http11 && seen.host == 0) || (coding != NULL && strcasecmp(coding, "chunked") != 0))
		return error_set(err, ERR_BAD_INPUT, "HTTP", "malformed, repeated or contradicting headers");
	return 0;
}

static bool is_type(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);
	if (type == NULL || strncasecmp(type, wanted, len) != 0)
		return false;
	type += len + strspn(type + len, " \t");
	return *type == '\0' || (*type == ';' && (strcasestr(type, "charset") == NULL || strcasestr(type, "utf-8") != NULL));
}

static int check_body(struct hs_request *request, struct error *err)
{
	const char *length = hs_header(request, "Content-Length");
	bool none = hs_header(request, "Transfer-Encoding") == NULL && (length == NULL || strcmp(length, "0") == 0);
	if (none)
		return 0;
	if (strcmp(request->route->method, "POST") != 0)
		return error_set(err, ERR_TOO_LARGE, NULL, "a body where there is none");
	if (length != NULL && (strlen(length) > 9 || (size_t)atol(length) > request->server->settings.body_max))
		return error_set(err, ERR_TOO_LARGE, NULL, "body of %.20s bytes", length);
	const char *wanted = request->route->flags & HS_FORM ? "application/x-www-form-urlencoded" : "application/json";
	if (!is_type(hs_header(request, "Content-Type"), wanted))
		return error_set(err, ERR_UNSUPPORTED_MEDIA, NULL, "not %s", wanted);
	return 0;
}

static int find_route(struct hs_request *request, const char *path, const char *method, char allow[64], struct error *err)
{
	allow[0] = '\0';
	for (const struct hs_route *route = request->server->settings.routes; route->method != NULL; route++) {
		if (!hs_path_match(route->path, path, request->param))
			continue;
		if (strcmp(route->method, method) == 0) {
			request->route = route;
			return 0;
		}
		size_t used = strlen(allow);
		snprintf(allow + used, 64 - used, "%s%s", used > 0 ? ", " : "", route->method);
	}
	if (allow[0] != '\0')
		return error_set(err, ERR_METHOD_NOT_ALLOWED, NULL, "method");
	return error_set(err, ERR_NOT_FOUND, NULL, "path");
}

static void address_text(const struct sockaddr *sa, char out[64])
{
	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, out, 64);
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, out, 64);
}

void hs_peer(struct hs_request *request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr != NULL)
		address_text(info->client_addr, request->address);
	const char *forwarded = request->server->settings.behind_proxy ? hs_header(request, "X-Forwarded-For") : NULL;
	if (forwarded == NULL)
		return;
	const char *last = strrchr(forwarded, ',');
	last = last != NULL ? last + 1 : forwarded;
	last += strspn(last, " ");
	struct in6_addr probe;
	if (inet_pton(AF_INET, last, &probe) == 1 || inet_pton(AF_INET6, last, &probe) == 1)
		snprintf(request->address, sizeof request->address, "%s", last);
}

/* One household has a /64 of IPv6. */
static void rate_key(const char *address, char key[64])
{
	struct in6_addr a;
	snprintf(key, 64, "%s", address);
	if (inet_pton(AF_INET6, address, &a) != 1)
		return;
	memset(a.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &a, key, 64);
}

static int check_rate(struct hs_request *request, struct error *err)
{
	const struct hs_settings *s = &request->server->settings;
	if (request->route->flags & HS_UNLIMITED)
		return 0;
	char key[64];
	rate_key(request->address, key);
	struct gcra_rate rate = { s->address_rate, s->address_burst };
	int64_t wait = gcra_take(request->server->rates, &rate, key, clock_monotonic_ms());
	if (wait == 0)
		return 0;
	int rc = error_set(err, ERR_RATE_LIMITED, NULL, "address");
	hs_answer_problem(request, err);
	hs_retry_after(request, wait);
	return rc;
}

int hs_check_head(struct hs_request *request, const char *path, const char *method, const char *version, char allow[64],
	struct error *err)
{
	int rc = check_headers(request, version, err);
	if (rc == 0)
		rc = find_route(request, path, method, allow, err);
	if (rc == 0)
		rc = check_rate(request, err);
	if (rc == 0)
		rc = check_body(request, err);
	return rc;
}
