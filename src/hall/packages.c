/* The hall's components: the signed list, and one of them fetched into the data folder. */
#include "hall/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <certhall/file.h>
#include <certhall/pki.h>

enum { PACKAGE_MAX = 512 * 1024 * 1024 };

/* ---- the list ---- */

struct listing {
	struct hall_call call;
};

/* What is for this machine, of a list that was checked. */
static void keep_ours(struct package_list *list)
{
	struct utsname us;
	size_t kept = 0;
	if (uname(&us) != 0)
		return;
	for (size_t i = 0; i < list->packages_count; i++) {
		const struct package *package = &list->packages[i];
		if (strcasecmp(package->os, us.sysname) == 0 && strcmp(package->arch, us.machine) == 0)
			list->packages[kept++] = *package;
	}
	list->packages_count = kept;
}

static int read_list(const struct hall *hall, const struct signed_packages *packages, struct package_list *list, struct error *err)
{
	struct bytes signer = { 0 };
	size_t count = 0;
	if (hall->settings->signer_file[0] == '\0')
		return error_set(err, ERR_CONFIG, "components.signer", "not set");
	int code = cert_file_read(hall->settings->signer_file, &signer, 1, &count, err);
	if (code != 0)
		return code;
	code = cms_verify_detached(packages->signature.data, packages->signature.len, signer.data, signer.len,
		packages->manifest.data, packages->manifest.len, hall_now(hall), err);
	bytes_free(&signer);
	if (code == 0)
		code = codec_parse(package_list_codec, (const char *)packages->manifest.data, packages->manifest.len, list, err);
	if (code != 0)
		return code;
	keep_ours(list);
	return list->packages_count > 0 ? 0 : error_set(err, ERR_PACKAGE_NONE, NULL, "none for this machine");
}

static void on_list(void *ctx, const struct error *err, long status, bool sent)
{
	struct hall_call *call = ctx;
	call->transfer = NULL;
	if (err != NULL && call_retry(call, err, sent))
		return;
	struct error problem = { 0 };
	struct signed_packages packages = { 0 };
	struct package_list *list = calloc(1, sizeof *list);
	int code = 0;
	if (err != NULL) {
		problem = *err;
		code = (int)err->code;
	} else if (status != 200) {
		call_problem(call, status, &problem);
		code = (int)problem.code;
	} else if (list == NULL) {
		code = error_set(&problem, ERR_NO_MEMORY, NULL, "list");
	} else if (codec_parse(signed_packages_codec, (const char *)call->answer.data, call->answer.len, &packages, &problem) != 0) {
		problem.code = ERR_NET_PROTOCOL;
		code = ERR_NET_PROTOCOL;
	} else {
		code = read_list(call->hall, &packages, list, &problem);
	}
	call_finish(call, code != 0 ? &problem : NULL, code != 0 ? NULL : list);
	codec_free(signed_packages_codec, &packages);
	free(list);
}

static void list_start(struct hall_call *call)
{
	struct error err;
	if (call_send(call, "application/json, application/problem+json", on_list, &err) != 0)
		call_finish(call, &err, NULL);
}

struct hall_call *hall_get_packages(struct hall *hall, hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = list_start };
	struct hall_call *call = call_new(hall, sizeof(struct listing), &ops, done, ctx);
	if (call == NULL)
		return NULL;
	call->method = "GET";
	call->repeatable = true;
	snprintf(call->path, sizeof call->path, "/v1/packages");
	return call;
}

/* ---- one of them ---- */

static bool package_ok(const struct package *package)
{
	return call_name_ok(package->id) && call_name_ok(package->version) && call_name_ok(package->file)
		&& package->size > 0 && package->size <= PACKAGE_MAX && strlen(package->sha256) == 64;
}

struct hall_call *hall_download_package(struct hall *hall, const struct package *package, hall_progress_fn *progress,
	hall_fn *done, void *ctx)
{
	char name[160], folder[FILE_PATH_MAX], path[PATH_ROOM];
	bool ok = package_ok(package);
	snprintf(name, sizeof name, "components/%s-%s", package->id, package->version);
	snprintf(path, sizeof path, "/v1/packages/%s/content", package->id);
	const struct hall_file file = { .path = path, .folder = file_data_path(name, folder, sizeof folder), .name = ok ? package->file : "-",
		.size = package->size, .sha256 = ok ? package->sha256 : "", .replace = true };
	return hall_download(hall, &file, progress, done, ctx);
}
