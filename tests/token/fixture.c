#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { WATCHDOG_MS = 60000 };

struct outcome outcome;
static struct loop *waiting;

void expect_at(int code, int expected, const char *what, const char *file, int line)
{
	if (code == expected)
		return;
	print_error("%s: %s (%s), not %s\n", what, error_name((enum error_code)code), outcome.err.detail,
		error_name((enum error_code)expected));
	_fail(file, line);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

char *fixture_run(const struct fixture *f, const char *command, int *status)
{
	static char out[65536];
	char line[1024];
	setenv("DIR", f->dir, 1);
	snprintf(line, sizeof line, "%s 2>&1", command);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	size_t n = fread(out, 1, sizeof out - 1, pipe);
	out[n] = '\0';
	int rc = pclose(pipe);
	if (status != NULL)
		*status = WEXITSTATUS(rc);
	else if (rc != 0)
		fail_msg("%s: %s", command, out);
	return out;
}

void fixture_knob(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	if (text != NULL)
		write_text(path, text);
	else
		unlink(path);
}

const char *fixture_built(const char *name)
{
	static char paths[2][512];
	static int next;
	char *path = paths[next++ % 2];
	const char *top = getenv("top_builddir");
	snprintf(path, sizeof paths[0], "%s/%s", top != NULL ? top : ".", name);
	return path;
}

void fixture_restart(struct fixture *f, int timeout_ms)
{
	token_free(&f->token);
	struct token_options options = { .module = f->module, .module_args = f->args, .log = f->log, .timeout_ms = timeout_ms };
	options.helper = f->helper != NULL ? f->helper : fixture_built("certhall-token");
	assert_int_equal(token_new(f->loop, &options, &f->token), 0);
}

void fixture_use(struct fixture *f, const char *module, const char *args, const char *label)
{
	f->module = module;
	f->args = args;
	fixture_restart(f, 0);
	expect(do_list(f), ERR_OK);
	for (size_t i = 0; i < outcome.list.count; i++)
		if (strcmp(outcome.list.slots[i].label, label) == 0) {
			f->slot = outcome.list.slots[i].id;
			return;
		}
	fail_msg("%s: no token %s", module, label);
}

void fixture_open(struct fixture *f, bool faulty, int timeout_ms)
{
	char conf[128], text[256], command[256];
	static char module[512];
	*f = (struct fixture){ .dir = "/tmp/certhall-token-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->log, sizeof f->log, "%s/log", f->dir);
	snprintf(conf, sizeof conf, "%s/softhsm2.conf", f->dir);
	snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", f->dir);
	write_text(conf, text);
	setenv("SOFTHSM2_CONF", conf, 1);
	setenv("FAULT_MODULE_DIR", f->dir, 1);
	snprintf(conf, sizeof conf, "%s/lock", f->dir);
	setenv("CERTHALL_TOKEN_LOCK", conf, 1);
	setenv("MALLOC_PERTURB_", "165", 1); /* memory used after it was freed shows */
	snprintf(command, sizeof command, "mkdir $DIR/tokens && softhsm2-util --init-token --free --label '%s' --pin %s --so-pin 24681012",
		LABEL, PIN);
	fixture_run(f, command, NULL);
	setenv("FAULT_MODULE", fixture_built("tests/token/fault_module.so"), 1);
	snprintf(module, sizeof module, "%s", faulty ? fixture_built("tests/token/fault_module.so") : "/usr/lib/softhsm/libsofthsm2.so");
	f->module = module;
	f->loop = loop_new();
	fixture_restart(f, timeout_ms);
	if (do_list(f) != 0 || outcome.list.count != 1)
		fail_msg("no token: %s", outcome.err.detail);
	f->slot = outcome.list.slots[0].id;
}

void fixture_close(struct fixture *f)
{
	token_free(&f->token);
	loop_free(&f->loop);
	token_certs_free(&outcome.certs);
	bytes_free(&outcome.bytes);
	bytes_free(&outcome.key.spki);
	bytes_free(&outcome.key.cert);
	int clean;
	char *report = fixture_run(f, "! grep -A30 -E 'Sanitizer|runtime error' $DIR/log", &clean);
	if (clean != 0)
		print_error("%s", report);
	fixture_run(f, "rm -rf $DIR", NULL);
	assert_int_equal(clean, 0);
}

/* outcomes */

static void keep(const struct error *err)
{
	outcome.err = err != NULL ? *err : (struct error){ 0 };
	outcome.done++;
	if (waiting != NULL)
		loop_stop(waiting, 0);
}

void on_done(void *ctx, const struct error *err)
{
	(void)ctx;
	keep(err);
}

void on_list(void *ctx, const struct error *err, const struct token_list *list)
{
	(void)ctx;
	outcome.list = list != NULL ? *list : (struct token_list){ 0 };
	keep(err);
}

static void on_certs(void *ctx, const struct error *err, struct token_certs *certs)
{
	(void)ctx;
	token_certs_free(&outcome.certs);
	if (certs != NULL) {
		outcome.certs = *certs;
		memset(certs, 0, sizeof *certs);
	}
	keep(err);
}

void on_bytes(void *ctx, const struct error *err, const struct bytes *bytes)
{
	(void)ctx;
	outcome.bytes.len = 0;
	if (bytes != NULL)
		assert_int_equal(bytes_set(&outcome.bytes, bytes->data, bytes->len), 0);
	keep(err);
}

void on_key(void *ctx, const struct error *err, const struct token_key *key)
{
	(void)ctx;
	struct bytes spki = outcome.key.spki, cert = outcome.key.cert;
	outcome.key = key != NULL ? *key : (struct token_key){ 0 };
	spki.len = cert.len = 0;
	if (key != NULL) {
		assert_int_equal(bytes_set(&spki, key->spki.data, key->spki.len), 0);
		assert_int_equal(bytes_set(&cert, key->cert.data, key->cert.len), 0);
	}
	outcome.key.spki = spki;
	outcome.key.cert = cert;
	keep(err);
}

static void on_watchdog(void *ctx)
{
	(void)ctx;
	fail_msg("no outcome");
}

void wait_done(struct fixture *f)
{
	struct loop_timer *watchdog = NULL;
	assert_int_equal(loop_timer_start(f->loop, &watchdog, WATCHDOG_MS, on_watchdog, NULL), 0);
	waiting = f->loop;
	loop_run(f->loop);
	waiting = NULL;
	loop_timer_cancel(f->loop, &watchdog);
}

static int end(struct fixture *f)
{
	wait_done(f);
	return (int)outcome.err.code;
}

int do_list(struct fixture *f)
{
	token_list(f->token, on_list, NULL);
	return end(f);
}

int do_certs(struct fixture *f)
{
	token_read_certs(f->token, f->slot, on_certs, NULL);
	return end(f);
}

int do_login(struct fixture *f, const char *pin)
{
	struct secret secret = { 0 };
	if (pin != NULL)
		assert_int_equal(secret_set(&secret, pin, strlen(pin)), 0);
	token_login(f->token, f->slot, &secret, on_done, NULL);
	assert_null(secret.text);
	return end(f);
}

int do_logout(struct fixture *f)
{
	token_logout(f->token, f->slot, on_done, NULL);
	return end(f);
}

int do_sign(struct fixture *f, const struct bytes *cert, const char *data)
{
	token_sign(f->token, f->slot, cert, data, strlen(data), on_bytes, NULL);
	return end(f);
}

int do_cms(struct fixture *f, const struct bytes *cert, const char *data)
{
	token_sign_cms(f->token, f->slot, cert, data, strlen(data), on_bytes, NULL);
	return end(f);
}

int do_find(struct fixture *f, const uint8_t *id)
{
	token_find_key(f->token, f->slot, id, on_key, NULL);
	return end(f);
}

int do_generate(struct fixture *f, const uint8_t *id, const char *algorithm)
{
	token_generate_key(f->token, f->slot, id, "AZT000000TEST", algorithm, on_key, NULL);
	return end(f);
}

int do_csr(struct fixture *f, const uint8_t *id, const struct bytes *old)
{
	token_make_csr(f->token, f->slot, id, old, on_bytes, NULL);
	return end(f);
}

static int write_as(struct fixture *f, const uint8_t *id, const char *label, const struct bytes *cert)
{
	token_write_cert(f->token, f->slot, id, label, cert, on_bytes, NULL);
	return end(f);
}

int do_write(struct fixture *f, const uint8_t *id, const struct bytes *cert)
{
	return write_as(f, id, "AZT000000TEST", cert);
}

int do_prove(struct fixture *f, const uint8_t *id)
{
	token_prove(f->token, f->slot, id, on_done, NULL);
	return end(f);
}

int do_remove(struct fixture *f, const struct bytes *cert)
{
	token_remove(f->token, f->slot, cert, on_done, NULL);
	return end(f);
}

void new_id(uint8_t id[TOKEN_ID])
{
	static int orders;
	char order[32];
	snprintf(order, sizeof order, "AZT00000TRAP%d", ++orders);
	token_id_of_order(order, "sign", id);
}

struct bytes do_install(struct fixture *f, const uint8_t *id, const char *algorithm)
{
	expect(do_login(f, PIN), ERR_OK);
	expect(do_generate(f, id, algorithm), ERR_OK);
	struct bytes cert = make_cert(&outcome.key.spki, "Holder", 1);
	expect(do_write(f, id, &cert), ERR_OK);
	return cert;
}

void do_renewal(struct fixture *f, const struct bytes *old, const uint8_t *id, const char *algorithm)
{
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, old, "challenge"), ERR_OK);
	expect(do_generate(f, id, algorithm), ERR_OK);
	struct bytes cert = make_cert(&outcome.key.spki, "Holder", 2);
	expect(do_csr(f, id, old), ERR_OK);
	expect(do_cms(f, old, "statement"), ERR_OK);
	expect(write_as(f, id, "AZT000000NEXT", &cert), ERR_OK);
	assert_int_equal(outcome.bytes.len, cert.len);
	assert_memory_equal(outcome.bytes.data, cert.data, cert.len);
	expect(do_prove(f, id), ERR_OK);
	bytes_free(&cert);
}

struct bytes make_cert(const struct bytes *spki, const char *name, int serial)
{
	static EVP_PKEY *ca;
	if (ca == NULL)
		ca = EVP_EC_gen("P-256");
	const unsigned char *at = spki->data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki->len);
	assert_non_null(key);
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509), *issuer = X509_get_issuer_name(x509);
	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_UTF8, (const unsigned char *)"Test CA", -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400 * 365L);
	X509_set_pubkey(x509, key);
	assert_true(X509_sign(x509, ca, EVP_sha256()) > 0);
	unsigned char *der = NULL;
	int len = i2d_X509(x509, &der);
	struct bytes out = { 0 };
	assert_true(len > 0 && bytes_set(&out, der, (size_t)len) == 0);
	OPENSSL_free(der);
	X509_free(x509);
	EVP_PKEY_free(key);
	return out;
}
