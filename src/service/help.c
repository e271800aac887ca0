#include "service/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include <certhall/clock.h>
#include <certhall/help.h>
#include <certhall/log.h>

enum { LANGUAGES = 2 };

/* What a file's state is told by. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec written, changed;
};

struct volume {
	const char *language;
	struct stamp stamps[HELP_CATEGORIES]; /* of what was read last */
	char version[65];
	struct bytes answer;                  /* empty: none can be served */
};

struct shelf {
	const struct settings *settings;
	char folder[FILE_PATH_MAX];
	pthread_mutex_t lock;
	struct volume volumes[LANGUAGES];
};

char *shelf_folder(const struct settings *settings, char *out, size_t size)
{
	if (settings->help_folder[0] == '\0')
		return file_installed_path("help", out, size);
	snprintf(out, size, "%s", settings->help_folder);
	return out;
}

/* ---- one language ---- */

static bool has_changed(const struct shelf *shelf, struct volume *volume)
{
	bool changed = false;
	for (int i = 0; i < HELP_CATEGORIES; i++) {
		char path[FILE_PATH_MAX + 64];
		struct stat about = { 0 };
		snprintf(path, sizeof path, "%s/%s/%s.md", shelf->folder, volume->language, help_category_names[i]);
		if (stat(path, &about) != 0)
			about = (struct stat){ .st_size = -1 };
		struct stamp stamp;
		memset(&stamp, 0, sizeof stamp); /* it is compared whole */
		stamp.dev = about.st_dev;
		stamp.ino = about.st_ino;
		stamp.size = about.st_size;
		stamp.written = about.st_mtim;
		stamp.changed = about.st_ctim;
		changed |= memcmp(&stamp, &volume->stamps[i], sizeof stamp) != 0;
		volume->stamps[i] = stamp;
	}
	return changed;
}

static void complain(void *ctx, const char *file, int line, const char *what)
{
	(void)ctx;
	log_line(LOG_LEVEL_WARN, "help", "%s:%d: %s", file, line, what);
}

static int make_answer(const struct settings *settings, const struct help_bundle *bundle, struct bytes *out, struct error *err)
{
	struct signed_manifest made = { 0 };
	char *manifest = codec_text(help_bundle_codec, bundle), *text = NULL;
	int rc = manifest != NULL ? bytes_set(&made.manifest, manifest, strlen(manifest)) : ERR_NO_MEMORY;
	if (rc == 0)
		rc = cms_sign_with(settings->packages_certificate, settings->packages_key, made.manifest.data, made.manifest.len, &made.signature, err);
	else
		error_set(err, ERR_NO_MEMORY, NULL, "help");
	if (rc == 0 && ((text = codec_text(signed_manifest_codec, &made)) == NULL || bytes_set(out, text, strlen(text)) != 0))
		rc = error_set(err, ERR_NO_MEMORY, NULL, "help");
	free(text);
	free(manifest);
	codec_free(signed_manifest_codec, &made);
	return rc;
}

/* What cannot be served leaves what was served before in its place. */
static void bring_up_to_date(const struct shelf *shelf, struct volume *volume)
{
	struct help_bundle bundle = { 0 };
	struct bytes answer = { 0 };
	struct error err = { 0 };
	if (shelf->settings->packages_key[0] == '\0' || !has_changed(shelf, volume))
		return;
	int rc = help_bundle_read(shelf->folder, volume->language, complain, NULL, &bundle, &err);
	if (rc == 0 && strcmp(bundle.version, volume->version) != 0) {
		bundle.issued = clock_now();
		rc = make_answer(shelf->settings, &bundle, &answer, &err);
		if (rc == 0) {
			bytes_free(&volume->answer);
			volume->answer = answer;
			answer = (struct bytes){ 0 };
			memcpy(volume->version, bundle.version, sizeof volume->version);
			log_line(LOG_LEVEL_INFO, "help", "%s: version %.12s, %zu bytes", volume->language, volume->version, volume->answer.len);
		}
	}
	if (rc != 0)
		log_error("help", &err);
	bytes_free(&answer);
	codec_free(help_bundle_codec, &bundle);
}

/* ---- all of them ---- */

int shelf_open(const struct settings *settings, struct shelf **out, struct error *err)
{
	struct shelf *shelf = calloc(1, sizeof *shelf);
	*out = shelf;
	if (shelf == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "help");
	shelf->settings = settings;
	shelf_folder(settings, shelf->folder, sizeof shelf->folder);
	pthread_mutex_init(&shelf->lock, NULL);
	for (int i = 0; i < LANGUAGES; i++) {
		shelf->volumes[i].language = help_languages[i];
		bring_up_to_date(shelf, &shelf->volumes[i]);
	}
	return 0;
}

void shelf_free(struct shelf **shelf_ref)
{
	struct shelf *shelf = *shelf_ref;
	*shelf_ref = NULL;
	if (shelf == NULL)
		return;
	for (int i = 0; i < LANGUAGES; i++)
		bytes_free(&shelf->volumes[i].answer);
	pthread_mutex_destroy(&shelf->lock);
	free(shelf);
}

HALL_HANDLER(help_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct shelf *shelf = call.hall->shelf;
	struct volume *volume = NULL;
	for (int i = 0; i < LANGUAGES; i++)
		if (strcmp(shelf->volumes[i].language, hs_param(request)) == 0)
			volume = &shelf->volumes[i];
	if (volume == NULL)
		return error_set(err, ERR_NOT_FOUND, NULL, "no help content in this language");
	pthread_mutex_lock(&shelf->lock);
	bring_up_to_date(shelf, volume);
	char etag[sizeof volume->version + 2];
	snprintf(etag, sizeof etag, "\"%s\"", volume->version);
	int rc = volume->answer.len == 0 ? error_set(err, ERR_NOT_FOUND, NULL, "no help content can be served")
		: hs_answer_tagged(request, "application/json", volume->answer.data, volume->answer.len, etag);
	pthread_mutex_unlock(&shelf->lock);
	return rc;
}
