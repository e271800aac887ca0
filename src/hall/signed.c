/* What the hall has signed: fetched, and held to the one certificate this terminal knows. */
#include "hall/internal.h"

#include <stdio.h>
#include <string.h>

#include <certhall/pki.h>

struct signed_call {
	struct hall_call call;
	signed_fn *take;
};

static int read_manifest(const struct hall_call *call, struct signed_manifest *out, struct error *err)
{
	const struct hall *hall = call->hall;
	if (hall->settings->signer_file[0] == '\0')
		return error_set(err, ERR_CONFIG, "components.signer", "not set");
	if (codec_parse(signed_manifest_codec, (const char *)call->answer.data, call->answer.len, out, err) != 0)
		return error_set(err, ERR_NET_PROTOCOL, NULL, "GET %s: no signed manifest", call->path);
	return cms_verify_with(hall->settings->signer_file, &out->signature, &out->manifest, hall_now(hall), err);
}

static void on_signed(void *ctx, const struct error *err, long status, bool sent)
{
	struct signed_call *signed_call = ctx;
	struct hall_call *call = &signed_call->call;
	struct signed_manifest manifest = { 0 };
	struct error problem = { 0 };
	call->transfer = NULL;
	if (err != NULL && call_retry(call, err, sent))
		return;
	int code = err != NULL ? (int)err->code : 0;
	if (err != NULL) {
		problem = *err;
	} else if (status == 304 && call->header[0] != '\0') {
		call_finish(call, NULL, NULL);
		return;
	} else if (status != 200) {
		call_problem(call, status, &problem);
		code = (int)problem.code;
	} else {
		code = read_manifest(call, &manifest, &problem);
	}
	if (code == 0)
		signed_call->take(call, &manifest);
	else
		call_finish(call, &problem, NULL);
	codec_free(signed_manifest_codec, &manifest);
}

static void signed_start(struct hall_call *call)
{
	struct error err;
	if (call_send(call, "application/json, application/problem+json", on_signed, &err) != 0)
		call_finish(call, &err, NULL);
}

struct hall_call *signed_get(struct hall *hall, const char *path, const char *known, signed_fn *take, hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = signed_start };
	struct signed_call *signed_call = call_new(hall, sizeof *signed_call, &ops, done, ctx);
	if (signed_call == NULL)
		return NULL;
	struct hall_call *call = &signed_call->call;
	signed_call->take = take;
	call->method = "GET";
	call->repeatable = true;
	snprintf(call->path, sizeof call->path, "%s", path);
	if (*known != '\0' && known[strspn(known, "0123456789abcdef")] == '\0') /* it goes into a header */
		snprintf(call->header, sizeof call->header, "If-None-Match: \"%s\"", known);
	return call;
}

/* ---- the help centre's content ---- */

static void take_help(struct hall_call *call, const struct signed_manifest *manifest)
{
	call_finish(call, NULL, manifest);
}

struct hall_call *hall_get_help(struct hall *hall, const char *language, const char *known, hall_fn *done, void *ctx)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "/v1/help/%s", call_name_ok(language) ? language : "-");
	return signed_get(hall, path, known, take_help, done, ctx);
}
