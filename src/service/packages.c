#include "service/packages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <openssl/evp.h>

#include <certhall/clock.h>
#include <certhall/text.h>

enum { MANIFEST_MAX = 65536 };

static bool name_is_plain(const char *name)
{
	return name[0] != '\0' && name[0] != '.'
		&& name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static int open_file(const struct settings *settings, const char *name, uint64_t *size, struct error *err)
{
	char path[FILE_PATH_MAX];
	struct stat st;
	if (!name_is_plain(name) || snprintf(path, sizeof path, "%s/%s", settings->packages_folder, name) >= (int)sizeof path)
		return -error_set(err, ERR_CONFIG, "packages", "%s is no plain file name", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return -error_set(err, ERR_FILE, name, "cannot open %s", path);
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

static int measure(const struct settings *settings, struct package *package, struct error *err)
{
	uint64_t size;
	int fd = open_file(settings, package->file, &size, err);
	if (fd < 0)
		return -fd;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE], block[65536];
	unsigned len = 0;
	ssize_t n = 0;
	bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
	while (ok && (n = read(fd, block, sizeof block)) > 0)
		ok = EVP_DigestUpdate(md, block, (size_t)n) == 1;
	ok = ok && n == 0 && EVP_DigestFinal_ex(md, digest, &len) == 1;
	EVP_MD_CTX_free(md);
	close(fd);
	if (!ok)
		return error_set(err, ERR_FILE, package->file, "cannot read %s", package->file);
	package->size = (int64_t)size;
	hex_encode(digest, len, package->sha256);
	return 0;
}

/* One that the calendar has, written as it is written here. */
static bool is_day(const char *text)
{
	char moment[40], again[40];
	int64_t day;
	snprintf(moment, sizeof moment, "%sT00:00:00Z", text);
	return clock_parse_rfc3339(moment, &day) == 0 && strcmp(clock_rfc3339(day, again, sizeof again), moment) == 0;
}

static int describe(const config_setting_t *group, struct package *out, struct error *err)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
		bool needed;
	} rows[] = {
		{ "id", out->id, sizeof out->id, true }, { "name", out->name, sizeof out->name, true },
		{ "version", out->version, sizeof out->version, true }, { "os", out->os, sizeof out->os, true },
		{ "arch", out->arch, sizeof out->arch, true }, { "file", out->file, sizeof out->file, true },
		{ "models", out->models, sizeof out->models, false }, { "released", out->released, sizeof out->released, false },
		{ "notes", out->notes, sizeof out->notes, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = "";
		config_setting_lookup_string(group, rows[i].name, &text);
		if ((rows[i].needed && *text == '\0') || strlen(text) >= rows[i].size)
			return error_set(err, ERR_CONFIG, rows[i].name, "packages.conf: %s is missing or too long", rows[i].name);
		text_sanitize(text, rows[i].to, rows[i].size, false);
	}
	const char *kind = package_kind_names[PACKAGE_COMPONENT];
	config_setting_lookup_string(group, "kind", &kind);
	while (package_kind_names[out->kind] != NULL && strcmp(package_kind_names[out->kind], kind) != 0)
		out->kind++;
	if (package_kind_names[out->kind] == NULL)
		return error_set(err, ERR_CONFIG, "kind", "packages.conf: kind %s", kind);
	if (out->released[0] != '\0' && !is_day(out->released))
		return error_set(err, ERR_CONFIG, "released", "packages.conf: released %s is no day like 2026-11-20", out->released);
	return name_is_plain(out->id) ? 0 : error_set(err, ERR_CONFIG, "id", "packages.conf: id %s", out->id);
}

static int read_list(const struct settings *settings, struct package_list *list, struct error *err)
{
	char path[FILE_PATH_MAX];
	snprintf(path, sizeof path, "%s/packages.conf", settings->packages_folder);
	config_t config;
	config_init(&config);
	int rc = 0;
	if (config_read_file(&config, path) != CONFIG_TRUE)
		rc = error_set(err, ERR_CONFIG, path, "%s:%d: %s", path, config_error_line(&config), config_error_text(&config));
	const config_setting_t *all = config_lookup(&config, "packages");
	int count = rc == 0 && all != NULL ? config_setting_length(all) : 0;
	if (rc == 0 && (count < 1 || count > MODEL_PACKAGES))
		rc = error_set(err, ERR_CONFIG, "packages", "packages.conf: between 1 and %d packages", MODEL_PACKAGES);
	for (int i = 0; rc == 0 && i < count; i++) {
		struct package *package = &list->packages[list->packages_count++];
		rc = describe(config_setting_get_elem(all, (unsigned)i), package, err);
		if (rc == 0)
			rc = measure(settings, package, err);
	}
	config_destroy(&config);
	return rc;
}

int packages_sign(const struct settings *settings, int64_t now, size_t *count, struct error *err)
{
	struct package_list *list = calloc(1, sizeof *list);
	struct bytes signature = { 0 };
	char path[FILE_PATH_MAX], signature_path[FILE_PATH_MAX];
	if (list == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "packages");
	list->issued = now;
	snprintf(path, sizeof path, "%s/" PACKAGES_MANIFEST, settings->packages_folder);
	snprintf(signature_path, sizeof signature_path, "%s/" PACKAGES_SIGNATURE, settings->packages_folder);
	int rc = read_list(settings, list, err);
	char *manifest = rc == 0 ? codec_text(package_list_codec, list) : NULL;
	if (rc == 0 && manifest == NULL)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "packages");
	if (rc == 0)
		rc = cms_sign_with(settings->packages_certificate, settings->packages_key, manifest, strlen(manifest), &signature, err);
	if (rc == 0)
		rc = file_replace(path, manifest, strlen(manifest), err);
	if (rc == 0)
		rc = file_replace(signature_path, signature.data, signature.len, err);
	*count = list->packages_count;
	bytes_free(&signature);
	free(manifest);
	free(list);
	return rc;
}

static int read_signed(const struct settings *settings, struct signed_manifest *out, struct error *err)
{
	char path[FILE_PATH_MAX];
	if (settings->packages_folder[0] == '\0')
		return error_set(err, ERR_NOT_FOUND, NULL, "no packages are configured");
	snprintf(path, sizeof path, "%s/" PACKAGES_MANIFEST, settings->packages_folder);
	int rc = file_read(path, MANIFEST_MAX, &out->manifest, err);
	snprintf(path, sizeof path, "%s/" PACKAGES_SIGNATURE, settings->packages_folder);
	if (rc == 0)
		rc = file_read(path, MANIFEST_MAX, &out->signature, err);
	return rc == ERR_FILE ? error_set(err, ERR_NOT_FOUND, NULL, "no signed list in the folder") : rc;
}

HALL_HANDLER(packages_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct signed_manifest packages = { 0 };
	int rc = read_signed(&call.hall->settings, &packages, err);
	if (rc == 0)
		rc = hs_answer(request, 200, signed_manifest_codec, &packages);
	codec_free(signed_manifest_codec, &packages);
	return rc;
}

HALL_HANDLER(package_content)
{
	struct call call = call_begin(ctx, request, worker);
	struct signed_manifest packages = { 0 };
	struct package_list *list = calloc(1, sizeof *list);
	const struct package *found = NULL;
	int rc = list != NULL ? read_signed(&call.hall->settings, &packages, err) : error_set(err, ERR_NO_MEMORY, NULL, "packages");
	if (rc == 0)
		rc = codec_parse(package_list_codec, (const char *)packages.manifest.data, packages.manifest.len, list, err);
	for (size_t i = 0; rc == 0 && i < list->packages_count; i++)
		if (strcmp(list->packages[i].id, hs_param(request)) == 0)
			found = &list->packages[i];
	if (rc == 0 && found == NULL)
		rc = error_set(err, ERR_PACKAGE_NONE, NULL, "no such package");
	uint64_t size = 0;
	int fd = rc == 0 ? open_file(&call.hall->settings, found->file, &size, err) : -1;
	if (rc == 0 && fd < 0)
		rc = -fd;
	if (rc == 0) {
		char etag[72];
		snprintf(etag, sizeof etag, "\"%s\"", found->sha256);
		rc = hs_answer_file(request, fd, size, etag, err);
	}
	codec_free(signed_manifest_codec, &packages);
	free(list);
	return rc;
}
