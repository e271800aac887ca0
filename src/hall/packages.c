/* What the hall has to download: the signed list, a component fetched into the data folder, anything saved where the person wants it. */
#include "hall/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <certhall/file.h>

enum { PACKAGE_MAX = 512 * 1024 * 1024 };

/* ---- the list ---- */

bool hall_package_fits(const struct package *package)
{
	struct utsname us;
	return uname(&us) == 0 && (strcasecmp(package->os, us.sysname) == 0 || strcmp(package->os, "any") == 0)
		&& (strcmp(package->arch, us.machine) == 0 || strcmp(package->arch, "any") == 0);
}

static void keep_components(struct package_list *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->packages_count; i++)
		if (list->packages[i].kind == PACKAGE_COMPONENT && hall_package_fits(&list->packages[i]))
			list->packages[kept++] = list->packages[i];
	list->packages_count = kept;
}

static void take(struct hall_call *call, const struct signed_manifest *manifest, bool all)
{
	struct error err;
	struct package_list *list = calloc(1, sizeof *list);
	int code = list == NULL ? error_set(&err, ERR_NO_MEMORY, NULL, "list")
		: codec_parse(package_list_codec, (const char *)manifest->manifest.data, manifest->manifest.len, list, &err);
	if (code == 0 && !all)
		keep_components(list);
	if (code == 0 && list->packages_count == 0)
		code = error_set(&err, ERR_PACKAGE_NONE, NULL, "none for this machine");
	call_finish(call, code != 0 ? &err : NULL, code != 0 ? NULL : list);
	free(list);
}

static void take_ours(struct hall_call *call, const struct signed_manifest *manifest)
{
	take(call, manifest, false);
}

static void take_all(struct hall_call *call, const struct signed_manifest *manifest)
{
	take(call, manifest, true);
}

struct hall_call *hall_get_packages(struct hall *hall, hall_fn *done, void *ctx)
{
	return signed_get(hall, "/v1/packages", "", take_ours, done, ctx);
}

struct hall_call *hall_get_downloads(struct hall *hall, hall_fn *done, void *ctx)
{
	return signed_get(hall, "/v1/packages", "", take_all, done, ctx);
}

/* ---- one of them ---- */

static bool package_ok(const struct package *package)
{
	return call_name_ok(package->id) && call_name_ok(package->version) && call_name_ok(package->file)
		&& package->size > 0 && package->size <= PACKAGE_MAX && strlen(package->sha256) == 64;
}

static struct hall_call *fetch(struct hall *hall, const struct package *package, const char *folder, const char *name, bool replace,
	hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	char path[PATH_ROOM];
	bool ok = package_ok(package);
	snprintf(path, sizeof path, "/v1/packages/%s/content", package->id);
	const struct hall_file file = { .path = path, .folder = folder, .name = ok ? name : "-", .size = package->size,
		.sha256 = ok ? package->sha256 : "", .replace = replace };
	return hall_download(hall, &file, progress, done, ctx);
}

struct hall_call *hall_download_package(struct hall *hall, const struct package *package, hall_progress_fn *progress,
	hall_fn *done, void *ctx)
{
	char name[160], folder[FILE_PATH_MAX];
	snprintf(name, sizeof name, "components/%s-%s", package->id, package->version);
	return fetch(hall, package, file_data_path(name, folder, sizeof folder), package->file, true, progress, done, ctx);
}

struct hall_call *hall_save_package(struct hall *hall, const struct package *package, const char *folder, const char *name, bool replace,
	hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	return fetch(hall, package, folder, *name != '\0' ? name : package->file, replace, progress, done, ctx);
}
