/* The content of one language as one message, made by the hall and kept by the terminal. */
#include "help/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/file.h>
#include <certhall/pki.h>
#include <certhall/text.h>

enum { KEPT_MAX = 4 * 1024 * 1024, CLOCKS_APART = 300 };

/* ---- of a folder ---- */

struct listening {
	help_complain_fn *complain;
	void *ctx;
	int complaints;
};

static void pass_on(void *ctx, const char *file, int line, const char *what)
{
	struct listening *listening = ctx;
	listening->complaints++;
	if (listening->complain != NULL)
		listening->complain(listening->ctx, file, line, what);
}

static int add_file(const char *folder, const char *category, struct help_bundle *out, struct error *err)
{
	struct help_file *file = &out->files[out->files_count++];
	struct bytes text = { 0 };
	char path[FILE_PATH_MAX];
	snprintf(file->name, sizeof file->name, "%s.md", category);
	snprintf(path, sizeof path, "%s/%s/%s", folder, out->language, file->name);
	int code = file_read(path, MODEL_HELP_TEXT - 1, &text, err);
	if (text.data != NULL)
		text_sanitize((char *)text.data, (char *)text.data, text.len + 1, true);
	file->text = (char *)text.data;
	return code;
}

/* Over names and texts, each with the NUL behind it. */
static int set_version(struct help_bundle *bundle)
{
	struct bytes all = { 0 };
	uint8_t hash[PKI_SHA256];
	int code = bytes_append(&all, bundle->language, strlen(bundle->language) + 1);
	for (size_t i = 0; i < bundle->files_count && code == 0; i++) {
		code = bytes_append(&all, bundle->files[i].name, strlen(bundle->files[i].name) + 1);
		if (code == 0)
			code = bytes_append(&all, bundle->files[i].text, strlen(bundle->files[i].text) + 1);
	}
	if (code == 0) {
		pki_sha256(all.data, all.len, hash);
		hex_encode(hash, sizeof hash, bundle->version);
	}
	bytes_free(&all);
	return code;
}

/* What is looked at is what was read: the file may be written to meanwhile. */
int help_bundle_read(const char *folder, const char *language, help_complain_fn *complain, void *ctx, struct help_bundle *out, struct error *err)
{
	struct listening listening = { .complain = complain, .ctx = ctx };
	const struct help_source from = { .folder = folder, .language = language, .bundle = out };
	struct help *help = NULL;
	int code = 0;
	*out = (struct help_bundle){ 0 };
	snprintf(out->language, sizeof out->language, "%s", language);
	for (int i = 0; i < HELP_CATEGORIES && code == 0; i++)
		code = add_file(folder, help_category_names[i], out, err);
	if (code == 0)
		code = help_open_source(&from, NULL, pass_on, &listening, &help, err);
	help_free(&help);
	if (code == 0 && listening.complaints > 0)
		code = error_set(err, ERR_CONFIG, "help.folder", "%d things wrong with the content in %s", listening.complaints, language);
	if (code == 0 && set_version(out) != 0)
		code = error_set(err, ERR_NO_MEMORY, NULL, "help");
	if (code != 0)
		codec_free(help_bundle_codec, out);
	return code;
}

int help_open_bundle(const struct help_bundle *bundle, const struct help_values *values, struct help **out, struct error *err)
{
	const struct help_source from = { .language = bundle->language, .bundle = bundle };
	return help_open_source(&from, values, NULL, NULL, out, err);
}

/* ---- kept on this machine ---- */

static void kept_path(const char *language, char *path, size_t size)
{
	char name[40];
	snprintf(name, sizeof name, "help/%s.json", language);
	file_data_path(name, path, size);
}

static int parse(const struct signed_manifest *manifest, const char *language, struct help_bundle *out, struct error *err)
{
	int code = codec_parse(help_bundle_codec, (const char *)manifest->manifest.data, manifest->manifest.len, out, err);
	if (code == 0 && strcmp(out->language, language) != 0)
		code = error_set(err, ERR_NET_PROTOCOL, NULL, "help content in another language");
	return code;
}

int help_kept_read(const char *language, const char *signer, struct help_bundle *out, struct error *err)
{
	struct bytes file = { 0 };
	struct signed_manifest manifest = { 0 };
	char path[FILE_PATH_MAX];
	kept_path(language, path, sizeof path);
	*out = (struct help_bundle){ 0 };
	int code = file_read(path, KEPT_MAX, &file, NULL);
	if (code == 0)
		code = codec_parse(signed_manifest_codec, (const char *)file.data, file.len, &manifest, NULL);
	if (code == 0)
		code = parse(&manifest, language, out, NULL);
	if (code == 0)
		code = cms_verify_with(signer, &manifest.signature, &manifest.manifest, out->issued, NULL);
	codec_free(signed_manifest_codec, &manifest);
	bytes_free(&file);
	if (code == 0)
		return 0;
	codec_free(help_bundle_codec, out);
	*out = (struct help_bundle){ 0 };
	return error_set(err, ERR_NOT_FOUND, path, "no help content is kept");
}

/* One from the future, of a clock that was wrong for a while, does not keep newer ones out. */
static int check_age(const struct help_bundle *bundle, const char *signer, int64_t now, struct error *err)
{
	struct help_bundle kept;
	int64_t newest = help_kept_read(bundle->language, signer, &kept, NULL) == 0 && kept.issued <= now + CLOCKS_APART ? kept.issued : 0;
	codec_free(help_bundle_codec, &kept);
	if (bundle->issued > now + CLOCKS_APART)
		return error_set(err, ERR_NET_PROTOCOL, NULL, "help content from the future");
	return bundle->issued >= newest ? 0 : error_set(err, ERR_NET_PROTOCOL, NULL, "help content older than what is kept");
}

static int write_kept(const struct signed_manifest *manifest, const char *language, struct error *err)
{
	char folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
	char *text = codec_text(signed_manifest_codec, manifest);
	if (text == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "help");
	kept_path(language, path, sizeof path);
	int code = file_make_folder(file_data_path("help", folder, sizeof folder), err);
	if (code == 0)
		code = file_replace(path, text, strlen(text), err);
	free(text);
	return code;
}

int help_keep(const struct signed_manifest *manifest, const char *language, const char *signer, int64_t now, struct error *err)
{
	struct help_bundle bundle = { 0 };
	struct help *help = NULL;
	int code = parse(manifest, language, &bundle, err);
	if (code == 0)
		code = check_age(&bundle, signer, now, err);
	if (code == 0 && help_open_bundle(&bundle, NULL, &help, NULL) != 0)
		code = error_set(err, ERR_NET_PROTOCOL, NULL, "help content that cannot be read");
	if (code == 0)
		code = write_kept(manifest, language, err);
	help_free(&help);
	codec_free(help_bundle_codec, &bundle);
	return code;
}
