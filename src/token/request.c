#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

#include "token/client.h"
#include "token/wire.h"

enum { SECOND = 1000, CERT_MAX = 16384 };
/* The first one starts the module, and some look for their readers for half a minute then. */
enum { LIST_S = 45 };

void token_certs_free(struct token_certs *certs)
{
	for (size_t i = 0; i < TOKEN_CERTS; i++)
		bytes_free(&certs->certs[i].der);
	certs->count = 0;
}

void request_free(struct request **request_ref)
{
	struct request *request = *request_ref;
	if (request == NULL)
		return;
	*request_ref = NULL;
	json_object_put(request->json);
	secret_free(&request->secret);
	free(request);
}

/* answers */

static void read_text(struct json_object *from, const char *key, char *out, size_t size)
{
	text_sanitize(wire_text(from, key), out, size, false);
}

/* The helper may have been led astray by the module: nothing it says is believed to fit. */
static void read_error(struct json_object *from, struct error *err)
{
	char param[sizeof err->param], detail[sizeof err->detail];
	read_text(from, "param", param, sizeof param);
	read_text(from, "detail", detail, sizeof detail);
	enum error_code code = error_from_name(wire_text(from, "code"));
	error_set(err, code != ERR_OK ? code : ERR_UNEXPECTED, param[0] != '\0' ? _(param) : NULL, "%s", detail);
}

static void read_slot(struct json_object *from, struct token_slot *slot)
{
	slot->id = (uint64_t)wire_number(from, "id");
	read_text(from, "label", slot->label, sizeof slot->label);
	read_text(from, "manufacturer", slot->manufacturer, sizeof slot->manufacturer);
	read_text(from, "model", slot->model, sizeof slot->model);
	read_text(from, "serial", slot->serial, sizeof slot->serial);
	slot->initialised = wire_bool(from, "initialised");
	slot->pin_low = wire_bool(from, "pin_low");
	slot->pin_final = wire_bool(from, "pin_final");
	slot->pin_locked = wire_bool(from, "pin_locked");
	slot->pin_pad = wire_bool(from, "pin_pad");
	slot->write_protected = wire_bool(from, "write_protected");
	slot->free_bytes = wire_number(from, "free_bytes");
	read_text(from, "mechanisms", slot->mechanisms, sizeof slot->mechanisms);
}

static int read_list(struct json_object *from, struct token_list *list)
{
	read_text(from, "path", list->module.path, sizeof list->module.path);
	read_text(from, "manufacturer", list->module.manufacturer, sizeof list->module.manufacturer);
	read_text(from, "description", list->module.description, sizeof list->module.description);
	read_text(from, "version", list->module.version, sizeof list->module.version);
	read_text(from, "cryptoki", list->module.cryptoki, sizeof list->module.cryptoki);
	list->several_readers = wire_bool(from, "several_readers");
	struct json_object *slots = wire_array(from, "slots");
	size_t n = slots != NULL ? json_object_array_length(slots) : 0;
	for (list->count = 0; list->count < n && list->count < TOKEN_SLOTS; list->count++)
		read_slot(json_object_array_get_idx(slots, list->count), &list->slots[list->count]);
	return slots != NULL ? 0 : ERR_TOKEN_HELPER;
}

static int read_certs(struct json_object *from, struct token_certs *certs)
{
	struct json_object *array = wire_array(from, "certs");
	size_t n = array != NULL ? json_object_array_length(array) : 0;
	for (size_t i = 0; i < n && i < TOKEN_CERTS; i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		struct token_cert *cert = &certs->certs[i];
		int id_len = hex_decode(wire_text(item, "id"), cert->id, sizeof cert->id);
		cert->id_len = id_len > 0 ? (size_t)id_len : 0;
		read_text(item, "label", cert->label, sizeof cert->label);
		cert->has_public_key = wire_bool(item, "public");
		certs->count = i + 1;
		if (wire_bytes(item, "der", &cert->der) != 0 || cert->der.len == 0 || cert->der.len > CERT_MAX)
			return ERR_TOKEN_HELPER;
	}
	return array != NULL ? 0 : ERR_TOKEN_HELPER;
}

static int read_key(struct json_object *from, struct token_key *key)
{
	key->present = wire_bool(from, "present");
	key->adopted = wire_bool(from, "adopted");
	int rc = wire_bytes(from, "spki", &key->spki);
	if (rc == 0)
		rc = wire_bytes(from, "cert", &key->cert);
	uint8_t digest[EVP_MAX_MD_SIZE];
	if (rc == 0 && key->spki.len > 0 && EVP_Digest(key->spki.data, key->spki.len, digest, NULL, EVP_sha256(), NULL) == 1)
		hex_encode(digest, 32, key->spki_sha256);
	return rc;
}

static const struct error *judge(struct error *err, int rc)
{
	if (rc != 0)
		error_set(err, ERR_TOKEN_HELPER, NULL, "the helper's answer cannot be read");
	return err->code != ERR_OK ? err : NULL;
}

void request_finish(const struct request *request, struct json_object *answer)
{
	struct error err = request->failed;
	struct json_object *failure;
	struct token_list list = { 0 };
	struct token_certs certs = { 0 };
	struct token_key key = { 0 };
	struct bytes bytes = { 0 };
	int rc = 0;
	if (request->done.plain == NULL)
		return;
	if (answer != NULL && json_object_object_get_ex(answer, "error", &failure))
		read_error(failure, &err);
	bool read = err.code == ERR_OK;
	const struct error *failed = NULL;
	switch (request->kind) {
	case REPLY_DONE:
		request->done.plain(request->ctx, judge(&err, 0));
		break;
	case REPLY_LIST:
		rc = read ? read_list(answer, &list) : 0;
		failed = judge(&err, rc);
		request->done.list(request->ctx, failed, failed == NULL ? &list : NULL);
		break;
	case REPLY_CERTS:
		rc = read ? read_certs(answer, &certs) : 0;
		failed = judge(&err, rc);
		request->done.certs(request->ctx, failed, failed == NULL ? &certs : NULL);
		break;
	case REPLY_BYTES:
		rc = read ? wire_bytes(answer, "data", &bytes) : 0;
		failed = judge(&err, rc);
		request->done.bytes(request->ctx, failed, failed == NULL ? &bytes : NULL);
		break;
	case REPLY_KEY:
		rc = read ? read_key(answer, &key) : 0;
		failed = judge(&err, rc);
		request->done.key(request->ctx, failed, failed == NULL ? &key : NULL);
		break;
	}
	token_certs_free(&certs);
	bytes_free(&bytes);
	bytes_free(&key.spki);
	bytes_free(&key.cert);
}

/* requests */

/* What does not fit into memory is missing in the JSON, and the helper refuses it. */
static struct request *request_new(const char *op, int64_t slot, enum reply_kind kind, int seconds, void *ctx)
{
	struct request *request = calloc(1, sizeof *request);
	if (request == NULL)
		return NULL;
	*request = (struct request){ .kind = kind, .timeout_ms = seconds * SECOND, .ctx = ctx };
	request->json = json_object_new_object();
	if (request->json == NULL || !wire_add_text(request->json, "op", op) ||
			(slot >= 0 && !wire_add_number(request->json, "slot", slot)))
		request_free(&request);
	return request;
}

struct request *request_watch(bool on)
{
	struct request *request = request_new("watch", -1, REPLY_DONE, 30, NULL);
	if (request != NULL)
		wire_add_bool(request->json, "on", on);
	return request;
}

static const struct error no_memory = { .code = ERR_NO_MEMORY };

void token_list(struct token *token, token_list_fn *done, void *ctx)
{
	struct request *request = request_new("list", -1, REPLY_LIST, LIST_S, ctx);
	if (request == NULL) {
		done(ctx, &no_memory, NULL);
		return;
	}
	request->done.list = done;
	token_submit(token, request);
}

void token_read_certs(struct token *token, uint64_t slot, token_certs_fn *done, void *ctx)
{
	struct request *request = request_new("certs", (int64_t)slot, REPLY_CERTS, 30, ctx);
	if (request == NULL) {
		done(ctx, &no_memory, NULL);
		return;
	}
	request->done.certs = done;
	token_submit(token, request);
}

static void submit_plain(struct token *token, struct request *request, token_done_fn *done, void *ctx)
{
	if (request == NULL) {
		done(ctx, &no_memory);
		return;
	}
	request->done.plain = done;
	token_submit(token, request);
}

static void submit_bytes(struct token *token, struct request *request, token_bytes_fn *done, void *ctx)
{
	if (request == NULL) {
		done(ctx, &no_memory, NULL);
		return;
	}
	request->done.bytes = done;
	token_submit(token, request);
}

static void submit_key(struct token *token, struct request *request, token_key_fn *done, void *ctx)
{
	if (request == NULL) {
		done(ctx, &no_memory, NULL);
		return;
	}
	request->done.key = done;
	token_submit(token, request);
}

static void add_bytes(struct request *request, const char *key, const void *data, size_t len)
{
	if (request != NULL)
		wire_add_bytes(request->json, key, data, len);
}

static void add_text(struct request *request, const char *key, const char *text)
{
	if (request != NULL)
		wire_add_text(request->json, key, text);
}

static void add_id(struct request *request, const uint8_t id[TOKEN_ID])
{
	char hex[2 * TOKEN_ID + 1];
	add_text(request, "id", hex_encode(id, TOKEN_ID, hex));
}

void token_login(struct token *token, uint64_t slot, struct secret *pin, token_done_fn *done, void *ctx)
{
	struct request *request = request_new("login", (int64_t)slot, REPLY_DONE, 60, ctx);
	if (request != NULL)
		secret_move(&request->secret, pin);
	if (request != NULL)
		request->asks_person = request->secret.len == 0;
	secret_free(pin);
	submit_plain(token, request, done, ctx);
}

void token_logout(struct token *token, uint64_t slot, token_done_fn *done, void *ctx)
{
	submit_plain(token, request_new("logout", (int64_t)slot, REPLY_DONE, 30, ctx), done, ctx);
}

void token_sign(struct token *token, uint64_t slot, const struct bytes *cert, const void *data, size_t len,
	token_bytes_fn *done, void *ctx)
{
	struct request *request = request_new("sign", (int64_t)slot, REPLY_BYTES, 30, ctx);
	add_bytes(request, "cert", cert->data, cert->len);
	add_bytes(request, "data", data, len);
	submit_bytes(token, request, done, ctx);
}

void token_sign_cms(struct token *token, uint64_t slot, const struct bytes *cert, const void *content, size_t len,
	token_bytes_fn *done, void *ctx)
{
	struct request *request = request_new("cms", (int64_t)slot, REPLY_BYTES, 30, ctx);
	add_bytes(request, "cert", cert->data, cert->len);
	add_bytes(request, "data", content, len);
	submit_bytes(token, request, done, ctx);
}

void token_find_key(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], token_key_fn *done, void *ctx)
{
	struct request *request = request_new("find", (int64_t)slot, REPLY_KEY, 30, ctx);
	add_id(request, id);
	submit_key(token, request, done, ctx);
}

void token_generate_key(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], const char *label,
	const char *algorithm, token_key_fn *done, void *ctx)
{
	struct request *request = request_new("generate", (int64_t)slot, REPLY_KEY, 120, ctx);
	add_id(request, id);
	add_text(request, "label", label);
	add_text(request, "algorithm", algorithm);
	if (request != NULL)
		request->writes = true;
	submit_key(token, request, done, ctx);
}

void token_make_csr(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], const struct bytes *old_cert,
	token_bytes_fn *done, void *ctx)
{
	struct request *request = request_new("csr", (int64_t)slot, REPLY_BYTES, 30, ctx);
	add_id(request, id);
	add_bytes(request, "cert", old_cert->data, old_cert->len);
	submit_bytes(token, request, done, ctx);
}

void token_write_cert(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], const char *label,
	const struct bytes *cert, token_bytes_fn *done, void *ctx)
{
	struct request *request = request_new("write", (int64_t)slot, REPLY_BYTES, 30, ctx);
	add_id(request, id);
	add_text(request, "label", label);
	add_bytes(request, "cert", cert->data, cert->len);
	if (request != NULL)
		request->writes = true;
	submit_bytes(token, request, done, ctx);
}

void token_prove(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], token_done_fn *done, void *ctx)
{
	struct request *request = request_new("prove", (int64_t)slot, REPLY_DONE, 30, ctx);
	add_id(request, id);
	submit_plain(token, request, done, ctx);
}

void token_remove(struct token *token, uint64_t slot, const struct bytes *cert, token_done_fn *done, void *ctx)
{
	struct request *request = request_new("remove", (int64_t)slot, REPLY_DONE, 30, ctx);
	add_bytes(request, "cert", cert->data, cert->len);
	if (request != NULL)
		request->writes = true;
	submit_plain(token, request, done, ctx);
}

void token_id_of_order(const char *order, const char *role, uint8_t id[TOKEN_ID])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
			EVP_DigestUpdate(ctx, "certhall:", 9) != 1 || EVP_DigestUpdate(ctx, order, strlen(order)) != 1 ||
			EVP_DigestUpdate(ctx, ":", 1) != 1 || EVP_DigestUpdate(ctx, role, strlen(role)) != 1 ||
			EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		abort(); /* an id that is not the order's own would lose the key */
	EVP_MD_CTX_free(ctx);
	memcpy(id, digest, TOKEN_ID);
}
