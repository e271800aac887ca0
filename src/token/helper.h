/* Inside certhall-token: plain synchronous code, one request at a time. Whatever may hang or crash does it here.
 *
 * PKCS#11 is called directly for slots, sessions, objects and keys; libp11 makes an OpenSSL key of a private key on the
 * token, for signatures, PKCS#10 and CMS. Both talk to one instance of the module, and a login counts for all sessions of
 * an application with a token (PKCS#11 v2.40 section 2.4), so libp11 never gets the PIN, which it would keep. p11-kit's
 * proxies give each an instance of its own: what libp11 then cannot see is signed with without it.
 */
#ifndef CERTHALL_TOKEN_HELPER_H
#define CERTHALL_TOKEN_HELPER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>

#include <json-c/json.h>
#include <openssl/types.h>

#include <certhall/bytes.h>
#include <certhall/error.h>
#include <certhall/secret.h>

struct PKCS11_ctx_st;
struct PKCS11_slot_st;

struct helper {
	const char *module_path, *module_args;
	char path[PATH_MAX]; /* of the file that was loaded */
	CK_FUNCTION_LIST *p11;
	bool apart; /* p11 is another instance of the module than libp11's */
	struct PKCS11_ctx_st *ctx;
	UI_METHOD *ui;

	/* a login: its session stays open, the login would end with it */
	bool logged_in;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	struct PKCS11_slot_st *lib_slots, *lib_slot;
	unsigned lib_slot_count;

	int lock_fd; /* -1: not open yet */
	bool watching, told; /* told: there is a digest to compare with */
	uint8_t seen[32]; /* digest of the tokens last seen */
};

/* ckr.c: the door; no CKR_ goes further */
int ckr_error(CK_RV rv, const char *call, struct error *err);
/* The last one libp11 left in OpenSSL's queue, which is emptied; CKR_OK when there is none. */
CK_RV ckr_of_libp11(void);
/* module.c: loads it when that has not been done; ERR_TOKEN_NO_MODULE, ERR_TOKEN_MODULE */
int module_load(struct helper *helper, struct error *err) CH_MUST_CHECK;
void module_unload(struct helper *helper);

/* lock.c: while one helper of this user writes to a key no other one touches any: a program that was killed leaves a helper
 * behind that finishes what it does, and its successor must find all of it. ERR_TOKEN_BUSY after a few seconds, or at once
 * without wait. */
int token_lock(struct helper *helper, bool writes, bool wait, struct error *err) CH_MUST_CHECK;
void token_unlock(struct helper *helper);

/* slot.c */
int slot_list(struct helper *helper, struct json_object *answer, struct error *err) CH_MUST_CHECK;
/* True when tokens have come or gone since the last call. */
bool slot_changed(struct helper *helper);

/* session.c: open gives the session of the login when it is on that slot, else one of its own (read only). */
int session_open(struct helper *helper, CK_SLOT_ID slot, CK_SESSION_HANDLE *session, struct error *err) CH_MUST_CHECK;
void session_close(struct helper *helper, CK_SESSION_HANDLE session);
/* 0 when that slot is logged in, as the token sees it; ERR_PIN_NEEDED, ERR_TOKEN_ABSENT, ERR_TOKEN_REMOVED. */
int session_need_login(struct helper *helper, CK_SLOT_ID slot, struct error *err) CH_MUST_CHECK;
int session_login(struct helper *helper, CK_SLOT_ID slot, const struct secret *pin, struct error *err) CH_MUST_CHECK;
/* Both end libp11's slots: no key made from them may be left (it would be freed into memory that is gone). */
void session_logout(struct helper *helper);
void session_tidy(struct helper *helper); /* between requests: lets go of a login that is no more */

/* object.c */
enum { OBJECTS_MAX = 64, ATTRIBUTE_MAX = 16384 };
struct objects {
	size_t count;
	CK_OBJECT_HANDLE handles[OBJECTS_MAX];
};
/* All of that class, with that CKA_ID unless id is NULL. */
int object_find(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const struct bytes *id,
	struct objects *out, struct error *err) CH_MUST_CHECK;
/* One attribute; empty when the object has none or does not give it away. Only a lost token or session is an error. */
int object_read(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	struct bytes *out, struct error *err) CH_MUST_CHECK;
int object_destroy(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct error *err) CH_MUST_CHECK;
int object_destroy_all(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const struct bytes *id,
	struct error *err) CH_MUST_CHECK;

/* cert.c */
/* The certificate object with exactly this DER; CK_INVALID_HANDLE (0) when it is not there. */
int cert_find(struct helper *helper, CK_SESSION_HANDLE session, const struct bytes *der, CK_OBJECT_HANDLE *object,
	struct error *err) CH_MUST_CHECK;
/* The first certificate with this id; empty when there is none. */
int cert_by_id(struct helper *helper, CK_SESSION_HANDLE session, const struct bytes *id, struct bytes *der,
	struct error *err) CH_MUST_CHECK;
int cert_list(struct helper *helper, CK_SLOT_ID slot, struct json_object *answer, struct error *err) CH_MUST_CHECK;
int cert_write(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, const char *label, const struct bytes *der,
	struct bytes *read_back, struct error *err) CH_MUST_CHECK;
int cert_remove(struct helper *helper, CK_SLOT_ID slot, const struct bytes *der, struct error *err) CH_MUST_CHECK;
/* SubjectPublicKeyInfo DER of a certificate. */
int cert_spki(const struct bytes *der, struct bytes *spki, struct error *err) CH_MUST_CHECK;

/* key.c */
struct key {
	bool present;      /* a private key whose public half could be had (not logged in: a public key) */
	bool adopted;
	struct bytes spki; /* SubjectPublicKeyInfo DER */
	struct bytes cert;
};
void key_free(struct key *key);
/* SubjectPublicKeyInfo of a key object, public or private; empty when it does not tell. */
int key_spki(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct bytes *spki,
	struct error *err) CH_MUST_CHECK;
enum fit { FITS, FITS_NOT, FIT_OPEN }; /* a key object and a public key; open: it does not tell, nor sign */
/* Destroys the key objects of that class and id of which sign_fits says so. */
int key_destroy(struct helper *helper, CK_OBJECT_CLASS class, const struct bytes *id, const struct bytes *spki, enum fit which,
	struct error *err) CH_MUST_CHECK;
int key_find(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, struct key *key, struct error *err) CH_MUST_CHECK;
int key_generate(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, const char *label, const char *algorithm,
	struct key *key, struct error *err) CH_MUST_CHECK;

/* method.c: an OpenSSL key that signs with the token's object, without libp11; NULL when OpenSSL does not want to. Of
 * several only the last one made may sign. */
EVP_PKEY *method_key(struct helper *helper, CK_OBJECT_HANDLE object, const EVP_PKEY *public);

/* sign.c: all need a login */
int sign_by_cert(struct helper *helper, CK_SLOT_ID slot, const struct bytes *cert, const struct bytes *data, bool cms,
	struct bytes *out, struct error *err) CH_MUST_CHECK;
int sign_csr(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, const struct bytes *old_cert,
	struct bytes *out, struct error *err) CH_MUST_CHECK;
int sign_prove(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, struct error *err) CH_MUST_CHECK;
/* Whether a key object is of the pair that spki is of. What it tells of itself counts, else whether it is alone with its id, else what
 * it signs. */
int sign_fits(struct helper *helper, CK_OBJECT_HANDLE object, const struct bytes *spki, bool alone, enum fit *fit,
	struct error *err) CH_MUST_CHECK;
/* Whether the private key with this id makes signatures that fit spki: ERR_SIGNATURE_INVALID, or the token's error. */
int sign_trial(struct helper *helper, const struct bytes *id, const struct bytes *spki, struct error *err) CH_MUST_CHECK;

#endif
