/* A SoftHSM token in a folder of its own, and the library's requests made to wait for their outcome. */
#ifndef TESTS_TOKEN_FIXTURE_H
#define TESTS_TOKEN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include <certhall/token.h>

#define PIN "135790" /* looks like none of the other numbers */
#define LABEL "\xe6\xb5\x8b\xe8\xaf\x95 KEY"

struct fixture {
	char dir[64];
	char log[128];
	struct loop *loop;
	struct token *token;
	uint64_t slot;
	const char *module, *args;
	const char *helper; /* NULL: the one that was built */
};

/* What the last request ended with; the fixture owns it. */
struct outcome {
	int done;
	struct error err;
	struct token_list list;
	struct token_certs certs;
	struct bytes bytes;
	struct token_key key;
};
extern struct outcome outcome;

#define expect(code, expected) expect_at((code), (expected), #code, __FILE__, __LINE__)
void expect_at(int code, int expected, const char *what, const char *file, int line);

/* A fresh token. faulty: through the fault module, whose knobs are in dir. timeout_ms as in token_options. */
void fixture_open(struct fixture *f, bool faulty, int timeout_ms);
void fixture_close(struct fixture *f);
/* Another client of the same token, as after a restart. */
void fixture_restart(struct fixture *f, int timeout_ms);
/* Another module from now on; the slot is the one whose token has this label. */
void fixture_use(struct fixture *f, const char *module, const char *args, const char *label);
void fixture_knob(const struct fixture *f, const char *name, const char *text); /* NULL: removes it */
/* Where the build put it. */
const char *fixture_built(const char *name);
/* Runs a command of the shell; gives what it wrote, with dir in $DIR and the fault module's path in $FAULT_MODULE. */
char *fixture_run(const struct fixture *f, const char *command, int *status);

/* Each gives the error's code, ERR_OK when it went well. */
int do_list(struct fixture *f);
int do_certs(struct fixture *f);
int do_login(struct fixture *f, const char *pin); /* NULL: pin pad */
int do_logout(struct fixture *f);
int do_sign(struct fixture *f, const struct bytes *cert, const char *data);
int do_cms(struct fixture *f, const struct bytes *cert, const char *data);
int do_find(struct fixture *f, const uint8_t *id);
int do_generate(struct fixture *f, const uint8_t *id, const char *algorithm);
int do_csr(struct fixture *f, const uint8_t *id, const struct bytes *old);
int do_write(struct fixture *f, const uint8_t *id, const struct bytes *cert);
int do_prove(struct fixture *f, const uint8_t *id);
int do_remove(struct fixture *f, const struct bytes *cert);
void wait_done(struct fixture *f);
/* Logs in and makes a pair with a certificate of its own, which the caller frees. */
struct bytes do_install(struct fixture *f, const uint8_t *id, const char *algorithm);
/* All of a renewal's requests up to the proof by the new key, which has this id. */
void do_renewal(struct fixture *f, const struct bytes *old, const uint8_t *id, const char *algorithm);

/* done functions for requests a test makes by itself */
void on_done(void *ctx, const struct error *err);
void on_list(void *ctx, const struct error *err, const struct token_list *list);
void on_bytes(void *ctx, const struct error *err, const struct bytes *bytes);
void on_key(void *ctx, const struct error *err, const struct token_key *key);

/* The CKA_ID of an order nobody had yet. */
void new_id(uint8_t id[TOKEN_ID]);
/* A certificate for this public key by a CA made for the test. */
struct bytes make_cert(const struct bytes *spki, const char *name, int serial);

#endif
