/* The door to the key. All PKCS#11 happens in certhall-token, a helper process that is started when the key is first
 * needed, answers one request at a time over a socketpair, and may crash or hang: then the request ends with
 * ERR_TOKEN_HELPER or ERR_TOKEN_TIMEOUT, the helper is killed, and the next request starts another.
 *
 * Requests queue; each ends with exactly one call of its done function, from the loop, never from inside the request
 * function. After token_free none is called.
 */
#ifndef CERTHALL_TOKEN_H
#define CERTHALL_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <certhall/bytes.h>
#include <certhall/error.h>
#include <certhall/loop.h>
#include <certhall/secret.h>

enum { TOKEN_ID = 20, TOKEN_SLOTS = 8, TOKEN_CERTS = 32, TOKEN_SLOW_MS = 8000 };

struct token;

struct token_options {
	const char *module;      /* path of the PKCS#11 module */
	const char *module_args; /* for C_Initialize (NSS), may be NULL */
	const char *helper;      /* NULL: PKGLIBEXECDIR "/certhall-token" */
	const char *log;         /* where the module's stderr goes; NULL: /dev/null */
	int timeout_ms;          /* for every request; 0: each its own (tests shorten it) */
	int slow_ms;             /* 0: TOKEN_SLOW_MS (tests shorten it) */
};

/* Copies the options; starts nothing. */
int token_new(struct loop *loop, const struct token_options *options, struct token **out) CH_MUST_CHECK;
void token_free(struct token **token);
/* Another module, e.g. after an installation; ends the helper. */
int token_set_module(struct token *token, const char *module, const char *module_args) CH_MUST_CHECK;
/* Ends the helper (logs the key out); it starts again when needed. */
void token_close(struct token *token);
/* Fails whatever is under way with ERR_CANCELLED and kills the helper. A write under way (generate, write, remove) is not
 * cut short: it ends as it ends, and what waits behind it is cancelled. */
void token_cancel(struct token *token);

/* Told when the request under way has had no answer for TOKEN_SLOW_MS, and with slow false when that one has ended, however it
 * did. Without token_wait or token_give_up it ends by itself when its time is over. One who types at a reader's own keypad is
 * not slow. From the loop. */
typedef void token_slow_fn(void *ctx, bool slow);
void token_on_slow(struct token *token, token_slow_fn *slow, void *ctx);
/* What is under way gets its whole time once more, and is told of again when that does not help either. */
void token_wait(struct token *token);
/* What is under way, a write too, ends with ERR_TOKEN_TIMEOUT; the helper is killed. */
void token_give_up(struct token *token);

/* Nobody waits any more for requests made with this ctx: their done functions are not called. For whoever ends earlier
 * than the token. */
void token_forget(struct token *token, const void *ctx);

struct token_module {
	char path[512], manufacturer[64], description[64], version[16], cryptoki[16];
};

/* A slot with a token in it. Flags as in PKCS#11 CK_TOKEN_INFO. */
struct token_slot {
	uint64_t id;
	char label[64], manufacturer[64], model[32], serial[32];
	bool initialised, pin_low, pin_final, pin_locked, pin_pad, write_protected;
	int64_t free_bytes; /* -1: not told */
	char mechanisms[64]; /* which of our key algorithms it generates: "rsa:2048,rsa:3072,ec:P-256" */
};
struct token_list {
	struct token_module module;
	bool several_readers;
	size_t count;
	struct token_slot slots[TOKEN_SLOTS];
};

struct token_cert {
	uint8_t id[64];
	size_t id_len;       /* CKA_ID */
	char label[128];
	bool has_public_key; /* an object with the same CKA_ID is there (private ones show only after login) */
	struct bytes der;
};
struct token_certs {
	size_t count;
	struct token_cert certs[TOKEN_CERTS];
};
void token_certs_free(struct token_certs *certs);

/* Each done function gets err NULL on success. Results are borrowed for the call; token_certs may be taken over by
 * moving it out and zeroing the original. */
typedef void token_list_fn(void *ctx, const struct error *err, const struct token_list *list);
typedef void token_certs_fn(void *ctx, const struct error *err, struct token_certs *certs);
typedef void token_done_fn(void *ctx, const struct error *err);
typedef void token_bytes_fn(void *ctx, const struct error *err, const struct bytes *result);
struct token_key {
	bool present;         /* a usable key pair with that id is on the token */
	bool adopted;         /* generate: it was there already */
	char spki_sha256[65];
	struct bytes spki;    /* SubjectPublicKeyInfo DER */
	struct bytes cert;    /* the certificate with that id, empty when there is none */
};
typedef void token_key_fn(void *ctx, const struct error *err, const struct token_key *key);

/* Fresh slots and flags; loads the module. No PIN. An empty list is no error. */
void token_list(struct token *token, token_list_fn *done, void *ctx);
/* All certificates on a token. No PIN. */
void token_read_certs(struct token *token, uint64_t slot, token_certs_fn *done, void *ctx);

/* Watches slots while the helper has nothing else to do and calls changed when a token comes or goes (polls in the
 * helper once a second, so this process sleeps). NULL ends it. */
typedef void token_changed_fn(void *ctx);
void token_watch(struct token *token, token_changed_fn *changed, void *ctx);

/* Logs in afresh (logs out first; the state of the session is checked, not believed). pin is taken over and wiped; NULL
 * text on a key with a pin pad. Errors: ERR_PIN_INCORRECT, ERR_PIN_LOW, ERR_PIN_FINAL, ERR_PIN_LOCKED, ERR_PIN_LENGTH. */
void token_login(struct token *token, uint64_t slot, struct secret *pin, token_done_fn *done, void *ctx);
void token_logout(struct token *token, uint64_t slot, token_done_fn *done, void *ctx);

/* Signs data with the private key that belongs to the certificate (by CKA_ID, and the public key must fit).
 * The signature algorithm is pki_signature_algorithm's for the certificate's key. */
void token_sign(struct token *token, uint64_t slot, const struct bytes *cert, const void *data, size_t len,
	token_bytes_fn *done, void *ctx);
/* CMS SignedData over content by the certificate's key (see cms_sign). */
void token_sign_cms(struct token *token, uint64_t slot, const struct bytes *cert, const void *content, size_t len,
	token_bytes_fn *done, void *ctx);

/* The key pair with this CKA_ID. find does not need a login on tokens that keep public keys public. generate adopts one
 * that is there already (recovery) and destroys a torn one of this id; algorithm as in pki.h. */
void token_find_key(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], token_key_fn *done, void *ctx);
void token_generate_key(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], const char *label,
	const char *algorithm, token_key_fn *done, void *ctx);
/* PKCS#10 by the key with this id, subject of old_cert. */
void token_make_csr(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], const struct bytes *old_cert,
	token_bytes_fn *done, void *ctx);

/* Writes the certificate under this id unless the very same is there; the result is what was read back. */
void token_write_cert(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], const char *label,
	const struct bytes *cert, token_bytes_fn *done, void *ctx);
/* A signature by the key with this id over fresh random data, verified with the certificate that is on the token. */
void token_prove(struct token *token, uint64_t slot, const uint8_t id[TOKEN_ID], token_done_fn *done, void *ctx);
/* Removes certificate and key pair of the old certificate (matched by its DER). */
void token_remove(struct token *token, uint64_t slot, const struct bytes *cert, token_done_fn *done, void *ctx);

/* The CKA_ID of an order's key: SHA-256("certhall:" order ":" role)[:20]. */
void token_id_of_order(const char *order, const char *role, uint8_t id[TOKEN_ID]);

#endif
