/* certhall-token MODULE [INITIALISATION-ARGUMENTS]: started by certhall with the socketpair as descriptor 3. */
#include "token/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <certhall/fault.h>
#include <certhall/log.h>

#include "token/wire.h"

/* Longer than any request may take: nobody waits any more, and a module that hangs would keep the key busy for ever. */
enum { HANG_S = 180, POLL_MS = 1000, ID_MAX = 64 };

struct call {
	struct json_object *request, *answer;
	struct secret *secret;
	CK_SLOT_ID slot;
	struct bytes id, cert, data;
};

static bool answer_bytes(struct call *call, const char *key, const struct bytes *bytes)
{
	return wire_add_bytes(call->answer, key, bytes->data != NULL ? bytes->data : (const uint8_t *)"", bytes->len);
}

static int answer_data(struct call *call, int rc, struct bytes *data, struct error *err)
{
	if (rc == 0 && !answer_bytes(call, "data", data))
		rc = error_set(err, ERR_NO_MEMORY, NULL, "answer");
	bytes_free(data);
	return rc;
}

static int answer_key(struct call *call, int rc, struct key *key, struct error *err)
{
	if (rc == 0 && (!wire_add_bool(call->answer, "present", key->present) ||
			!wire_add_bool(call->answer, "adopted", key->adopted) ||
			!answer_bytes(call, "spki", &key->spki) || !answer_bytes(call, "cert", &key->cert)))
		rc = error_set(err, ERR_NO_MEMORY, NULL, "answer");
	key_free(key);
	return rc;
}

static int op_list(struct helper *helper, struct call *call, struct error *err)
{
	int rc = slot_list(helper, call->answer, err);
	if (rc == 0 || helper->logged_in)
		return rc;
	/* A module whose daemon was started again answers nothing until it is loaded again, too. */
	module_unload(helper);
	rc = module_load(helper, err);
	return rc == 0 ? slot_list(helper, call->answer, err) : rc;
}

static int op_certs(struct helper *helper, struct call *call, struct error *err)
{
	return cert_list(helper, call->slot, call->answer, err);
}

static int op_watch(struct helper *helper, struct call *call, struct error *err)
{
	(void)err;
	helper->watching = wire_bool(call->request, "on");
	if (!helper->told) /* else against the last list: what happened since is news */
		(void)slot_changed(helper);
	return 0;
}

static int op_login(struct helper *helper, struct call *call, struct error *err)
{
	int rc = session_login(helper, call->slot, call->secret, err);
	secret_free(call->secret); /* gone before anybody hears of the outcome */
	return rc;
}

static int op_logout(struct helper *helper, struct call *call, struct error *err)
{
	(void)call;
	(void)err;
	session_logout(helper);
	return 0;
}

static int op_sign(struct helper *helper, struct call *call, struct error *err)
{
	struct bytes out = { 0 };
	bool cms = strcmp(wire_text(call->request, "op"), "cms") == 0;
	return answer_data(call, sign_by_cert(helper, call->slot, &call->cert, &call->data, cms, &out, err), &out, err);
}

static int op_find(struct helper *helper, struct call *call, struct error *err)
{
	struct key key = { 0 };
	return answer_key(call, key_find(helper, call->slot, &call->id, &key, err), &key, err);
}

static int op_generate(struct helper *helper, struct call *call, struct error *err)
{
	struct key key = { 0 };
	return answer_key(call, key_generate(helper, call->slot, &call->id, wire_text(call->request, "label"),
		wire_text(call->request, "algorithm"), &key, err), &key, err);
}

static int op_csr(struct helper *helper, struct call *call, struct error *err)
{
	struct bytes out = { 0 };
	return answer_data(call, sign_csr(helper, call->slot, &call->id, &call->cert, &out, err), &out, err);
}

static int op_write(struct helper *helper, struct call *call, struct error *err)
{
	struct bytes out = { 0 };
	return answer_data(call, cert_write(helper, call->slot, &call->id, wire_text(call->request, "label"), &call->cert,
		&out, err), &out, err);
}

static int op_prove(struct helper *helper, struct call *call, struct error *err)
{
	return sign_prove(helper, call->slot, &call->id, err);
}

static int op_remove(struct helper *helper, struct call *call, struct error *err)
{
	return cert_remove(helper, call->slot, &call->cert, err);
}

enum { NEEDS_ID = 1, NEEDS_CERT = 2, NEEDS_DATA = 4, WRITES = 8 };
static const struct {
	const char *name;
	int needs;
	int (*run)(struct helper *helper, struct call *call, struct error *err);
} operations[] = {
	{ "list", 0, op_list },
	{ "certs", 0, op_certs },
	{ "watch", 0, op_watch },
	{ "login", 0, op_login },
	{ "logout", 0, op_logout },
	{ "sign", NEEDS_CERT | NEEDS_DATA, op_sign },
	{ "cms", NEEDS_CERT | NEEDS_DATA, op_sign },
	{ "find", NEEDS_ID, op_find },
	{ "generate", NEEDS_ID | WRITES, op_generate },
	{ "csr", NEEDS_ID | NEEDS_CERT, op_csr },
	{ "write", NEEDS_ID | NEEDS_CERT | WRITES, op_write },
	{ "prove", NEEDS_ID, op_prove },
	{ "remove", NEEDS_CERT | WRITES, op_remove },
};

/* An id that is empty or missing would match other keys than the one meant. */
static int read_call(struct call *call, int needs, struct error *err)
{
	uint8_t id[ID_MAX];
	int id_len = hex_decode(wire_text(call->request, "id"), id, sizeof id);
	call->slot = (CK_SLOT_ID)wire_number(call->request, "slot");
	bool ok = id_len >= 0 && bytes_set(&call->id, id, (size_t)id_len) == 0 &&
		wire_bytes(call->request, "cert", &call->cert) == 0 && wire_bytes(call->request, "data", &call->data) == 0;
	if (!ok || (needs & NEEDS_ID && call->id.len == 0) || (needs & NEEDS_CERT && call->cert.len == 0) ||
			(needs & NEEDS_DATA && call->data.len == 0))
		return error_set(err, ERR_BAD_INPUT, NULL, "request to the helper");
	return 0;
}

static int run(struct helper *helper, struct call *call, struct error *err)
{
	const char *name = wire_text(call->request, "op");
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		int rc = token_lock(helper, operations[i].needs & WRITES, true, err);
		if (rc != 0)
			return rc;
		rc = module_load(helper, err);
		if (rc == 0)
			rc = read_call(call, operations[i].needs, err);
		if (rc == 0 && fault_point(name, NULL))
			rc = error_set(err, ERR_TOKEN_DEVICE, NULL, "fault");
		if (rc == 0)
			rc = operations[i].run(helper, call, err);
		if (rc == 0 && fault_point(name, "done"))
			rc = error_set(err, ERR_TOKEN_DEVICE, NULL, "fault");
		token_unlock(helper);
		return rc;
	}
	return error_set(err, ERR_BAD_INPUT, NULL, "unknown operation");
}

static int write_all(const void *data, size_t len)
{
	const char *at = data;
	while (len > 0) {
		ssize_t n = send(WIRE_FD, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_all(void *data, size_t len)
{
	char *at = data;
	while (len > 0) {
		ssize_t n = recv(WIRE_FD, at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_frame(struct json_object *frame)
{
	size_t len;
	const char *text = json_object_to_json_string_length(frame, JSON_C_TO_STRING_PLAIN, &len);
	struct wire_header header = { (uint32_t)len, 0 };
	return len > WIRE_JSON_MAX || write_all(&header, sizeof header) != 0 || write_all(text, len) != 0 ? -1 : 0;
}

static int send_error(const struct error *err)
{
	struct json_object *answer = json_object_new_object(), *failure = json_object_new_object();
	bool ok = answer != NULL && failure != NULL && json_object_object_add(answer, "error", failure) == 0 &&
		wire_add_text(failure, "code", error_name(err->code)) && wire_add_text(failure, "param", err->param) &&
		wire_add_text(failure, "detail", err->detail);
	int rc = ok ? send_frame(answer) : -1;
	json_object_put(answer);
	return rc;
}

static int send_changed(void)
{
	struct json_object *event = json_object_new_object();
	int rc = event != NULL && wire_add_text(event, "event", "changed") ? send_frame(event) : -1;
	json_object_put(event);
	return rc;
}

static int answer(struct helper *helper, struct json_object *request, struct secret *secret)
{
	struct call call = { .request = request, .answer = json_object_new_object(), .secret = secret };
	struct error err = { 0 };
	int rc = call.answer != NULL ? run(helper, &call, &err) : ERR_NO_MEMORY;
	if (helper->p11 != NULL)
		session_tidy(helper);
	if (rc != 0 && err.code == ERR_OK)
		error_set(&err, (enum error_code)rc, NULL, "no detail");
	if (rc != 0)
		log_line(LOG_LEVEL_WARN, "token", "%s: %s: %s", wire_text(request, "op"), error_name(err.code), err.detail);
	rc = rc == 0 ? send_frame(call.answer) : send_error(&err);
	json_object_put(call.answer);
	bytes_free(&call.id);
	bytes_free(&call.cert);
	bytes_free(&call.data);
	return rc;
}

/* Reads one request and answers it; -1: the other side is gone or mad. */
static int serve(struct helper *helper)
{
	struct wire_header header;
	struct secret secret = { 0 };
	if (read_all(&header, sizeof header) != 0 || header.json > WIRE_JSON_MAX || header.secret > SECRET_MAX)
		return -1;
	char *text = malloc(header.json + 1);
	if (text == NULL)
		return -1;
	/* an empty secret has the room of the longest: the PIN is read nowhere else */
	int rc = read_all(text, header.json);
	if (rc == 0 && header.secret > 0)
		rc = secret_set(&secret, "", 0) == 0 ? read_all(secret.text, header.secret) : -1;
	if (rc == 0 && header.secret > 0) {
		secret.len = header.secret;
		secret.text[secret.len] = '\0';
	}
	struct json_object *request = rc == 0 ? wire_parse(text, header.json) : NULL;
	free(text);
	alarm(HANG_S);
	rc = request != NULL ? answer(helper, request, &secret) : -1;
	alarm(0);
	secret_free(&secret);
	json_object_put(request);
	return rc;
}

static int wait_and_serve(struct helper *helper)
{
	struct pollfd wait = { .fd = WIRE_FD, .events = POLLIN };
	int ready = poll(&wait, 1, helper->watching ? POLL_MS : -1);
	if (ready < 0)
		return errno == EINTR ? 0 : -1;
	if (ready > 0)
		return serve(helper);
	alarm(HANG_S);
	bool changed = false;
	if (helper->p11 != NULL && token_lock(helper, false, false, NULL) == 0) {
		changed = slot_changed(helper);
		token_unlock(helper);
	}
	alarm(0);
	return changed ? send_changed() : 0;
}

#ifdef __SANITIZE_ADDRESS__
/* libp11 0.4.12 loses a slot's inside and its pool of sessions now and then. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libp11.so\n";
}
#endif

int main(int argc, char **argv)
{
	struct helper helper = { .lock_fd = -1, .module_path = argc > 1 ? argv[1] : "", .module_args = argc > 2 ? argv[2] : NULL };
	secret_init();
	signal(SIGPIPE, SIG_IGN); /* a module that talks to a daemon may lose it */
	if (fcntl(WIRE_FD, F_SETFD, FD_CLOEXEC) != 0 || log_open(NULL, LOG_LEVEL_INFO) != 0)
		return 2; /* not started by certhall */
	while (wait_and_serve(&helper) == 0)
		;
	alarm(HANG_S);
	module_unload(&helper);
	return 0;
}
