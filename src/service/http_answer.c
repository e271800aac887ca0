#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <certhall/log.h>
#include <certhall/model.h>
#include <certhall/text.h>

#include "service/http_private.h"

const char *hs_param(const struct hs_request *request)
{
	return request->param;
}

const char *hs_header(const struct hs_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const struct bytes *hs_body(const struct hs_request *request)
{
	return &request->body;
}

const char *hs_address(const struct hs_request *request)
{
	return request->address;
}

int hs_read(struct hs_request *request, const struct codec *table, void *value, struct error *err)
{
	const struct bytes *body = &request->body;
	return codec_parse(table, body->data != NULL ? (const char *)body->data : "", body->len, value, err);
}

int hs_set(struct hs_request *request, int status, struct MHD_Response *response)
{
	if (response == NULL)
		return ERR_NO_MEMORY;
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	request->response = response;
	request->status = status;
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	return 0;
}

static int set_text(struct hs_request *request, int status, const char *type, char *text)
{
	if (text == NULL)
		return ERR_NO_MEMORY;
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(text);
	else
		MHD_add_response_header(response, "Content-Type", type);
	return hs_set(request, status, response);
}

int hs_answer(struct hs_request *request, int status, const struct codec *table, const void *value)
{
	return set_text(request, status, "application/json", codec_text(table, value));
}

int hs_answer_bytes(struct hs_request *request, int status, const char *type, const void *data, size_t len)
{
	void *copy = malloc(len + 1);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	memcpy(copy, data, len);
	struct MHD_Response *response = MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(copy);
	else
		MHD_add_response_header(response, "Content-Type", type);
	return hs_set(request, status, response);
}

int hs_answer_none(struct hs_request *request)
{
	return hs_set(request, MHD_HTTP_NO_CONTENT, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

/* The comparison is the weak one; no tag of ours holds a comma. */
static bool tag_is_named(const char *list, const char *etag)
{
	char copy[512], *rest = copy, *one;
	if (list == NULL || strlen(list) >= sizeof copy)
		return false;
	strcpy(copy, list);
	while ((one = strsep(&rest, ",")) != NULL) {
		one += strspn(one, " \t");
		one[strcspn(one, " \t")] = '\0';
		if (strcmp(one, "*") == 0 || strcmp(one + (strncmp(one, "W/", 2) == 0 ? 2 : 0), etag) == 0)
			return true;
	}
	return false;
}

int hs_answer_tagged(struct hs_request *request, const char *type, const void *data, size_t len, const char *etag)
{
	bool known = tag_is_named(hs_header(request, "If-None-Match"), etag);
	int rc = known ? hs_set(request, MHD_HTTP_NOT_MODIFIED, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT))
		: hs_answer_bytes(request, MHD_HTTP_OK, type, data, len);
	if (rc == 0)
		MHD_add_response_header(request->response, "ETag", etag);
	return rc;
}

void hs_retry_after(struct hs_request *request, int64_t seconds)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)seconds);
	if (request->response != NULL)
		MHD_add_response_header(request->response, "Retry-After", text);
}

void hs_answer_problem(struct hs_request *request, const struct error *err)
{
	struct error seen = *err;
	if (seen.code == ERR_OK)
		seen.code = ERR_UNEXPECTED;
	struct problem problem = { .status = error_http_status(seen.code) };
	char sentence[512];
	snprintf(problem.type, sizeof problem.type, "urn:certhall:problem:%s", error_name(seen.code));
	snprintf(problem.code, sizeof problem.code, "%s", error_name(seen.code));
	text_sanitize(error_sentence(&seen, sentence, sizeof sentence), problem.title, sizeof problem.title, false);
	text_sanitize(seen.param, problem.param, sizeof problem.param, false);
	if (problem.status < 500)
		text_sanitize(seen.detail, problem.detail, sizeof problem.detail, false);
	else
		log_error("http", &seen);
	int rc = set_text(request, (int)problem.status, "application/problem+json", codec_text(problem_codec, &problem));
	if (rc == 0 && seen.code == ERR_SESSION_NEEDED) /* RFC 6750 section 3: which token was refused is told only when there was one */
		MHD_add_response_header(request->response, "WWW-Authenticate", hs_header(request, "Authorization") == NULL
			? "Bearer realm=\"certhall\"" : "Bearer realm=\"certhall\", error=\"invalid_token\"");
	if (problem.status == 503)
		hs_retry_after(request, 2);
}

struct range {
	uint64_t from, len;
};

/* One range of bytes; several, or another unit, are passed over as RFC 9110 14.2 allows. 0: whole, 1: a part, -1: 416. */
static int read_range(const char *text, uint64_t size, struct range *out)
{
	*out = (struct range){ 0, size };
	if (text == NULL || strncmp(text, "bytes=", 6) != 0 || strchr(text, ',') != NULL || strlen(text) > 48)
		return 0;
	text += 6;
	if (text[strspn(text, "0123456789-")] != '\0' || strchr(text, '-') == NULL)
		return 0;
	const char *dash = strchr(text, '-');
	if (dash == text) {
		uint64_t tail = strtoull(dash + 1, NULL, 10);
		if (tail == 0)
			return -1;
		out->len = tail < size ? tail : size;
		out->from = size - out->len;
		return 1;
	}
	uint64_t from = strtoull(text, NULL, 10), to = dash[1] != '\0' ? strtoull(dash + 1, NULL, 10) : UINT64_MAX;
	if (from >= size)
		return -1;
	if (to < from)
		return 0;
	out->from = from;
	out->len = (to < size - 1 ? to : size - 1) - from + 1;
	return 1;
}

int hs_answer_file(struct hs_request *request, int fd, uint64_t size, const char *etag, struct error *err)
{
	const char *condition = hs_header(request, "If-Range");
	struct range range = { 0, size };
	int kind = condition != NULL && strcmp(condition, etag) != 0 ? 0 : read_range(hs_header(request, "Range"), size, &range);
	char content_range[80];
	if (kind < 0) {
		close(fd);
		hs_answer_problem(request, &(struct error){ .code = ERR_RANGE });
		snprintf(content_range, sizeof content_range, "bytes */%llu", (unsigned long long)size);
		MHD_add_response_header(request->response, "Content-Range", content_range);
		return 0;
	}
	struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(range.len, fd, range.from);
	if (response == NULL) {
		close(fd);
		return error_set(err, ERR_NO_MEMORY, NULL, "response");
	}
	MHD_add_response_header(response, "Content-Type", "application/octet-stream");
	MHD_add_response_header(response, "Accept-Ranges", "bytes");
	MHD_add_response_header(response, "ETag", etag);
	if (kind == 1) {
		snprintf(content_range, sizeof content_range, "bytes %llu-%llu/%llu", (unsigned long long)range.from,
			(unsigned long long)(range.from + range.len - 1), (unsigned long long)size);
		MHD_add_response_header(response, "Content-Range", content_range);
	}
	return hs_set(request, kind == 1 ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}
