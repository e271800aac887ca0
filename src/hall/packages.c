/* The hall's components: the signed list, and one of them fetched into the data folder. */
#include "hall/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <certhall/file.h>

enum { PACKAGE_MAX = 512 * 1024 * 1024 };

/* ---- the list ---- */

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

static void take_list(struct hall_call *call, const struct signed_manifest *manifest)
{
	struct error err;
	struct package_list *list = calloc(1, sizeof *list);
	int code = list == NULL ? error_set(&err, ERR_NO_MEMORY, NULL, "list")
		: codec_parse(package_list_codec, (const char *)manifest->manifest.data, manifest->manifest.len, list, &err);
	if (code == 0) {
		keep_ours(list);
		code = list->packages_count > 0 ? 0 : error_set(&err, ERR_PACKAGE_NONE, NULL, "none for this machine");
	}
	call_finish(call, code != 0 ? &err : NULL, code != 0 ? NULL : list);
	free(list);
}

struct hall_call *hall_get_packages(struct hall *hall, hall_fn *done, void *ctx)
{
	return signed_get(hall, "/v1/packages", "", take_list, done, ctx);
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
