#include <string.h>

#include <libp11.h>
#include <openssl/x509.h>

#include <certhall/pki.h>

#include "token/helper.h"

/* libp11 leaves CKR_ codes in OpenSSL's queue; where they were lost on the way, the session tells what happened. */
static int sign_failed(struct helper *helper, const char *what, struct error *err)
{
	CK_RV rv = ckr_of_libp11();
	int rc = rv != CKR_OK ? ckr_error(rv, what, err) : session_need_login(helper, helper->slot, err);
	return rc != 0 ? rc : error_set(err, ERR_TOKEN_DEVICE, what, "%s", what);
}

/* libp11 goes on listing a key that was destroyed. */
static bool still_there(struct helper *helper, const PKCS11_KEY *key)
{
	struct objects found = { 0 };
	const struct bytes id = { .data = key->id, .len = key->id_len };
	return object_find(helper, helper->session, CKO_PRIVATE_KEY, &id, &found, NULL) == 0 && found.count > 0;
}

/* Of several keys the one whose public half is wanted; else one with the id that does not tell its public half. */
static EVP_PKEY *choose(struct helper *helper, PKCS11_KEY *keys, unsigned count, const struct bytes *id, const EVP_PKEY *wanted)
{
	EVP_PKEY *silent = NULL;
	for (unsigned i = 0; i < count; i++) {
		EVP_PKEY *key = still_there(helper, &keys[i]) ? PKCS11_get_private_key(&keys[i]) : NULL;
		if (key != NULL && EVP_PKEY_eq(key, wanted) == 1) {
			EVP_PKEY_free(silent);
			return key;
		}
		bool has_id = keys[i].id_len == id->len && memcmp(keys[i].id, id->data, id->len) == 0;
		if (key != NULL && silent == NULL && has_id && i2d_PUBKEY(key, NULL) <= 0)
			silent = key;
		else
			EVP_PKEY_free(key);
	}
	return silent;
}

/* Whether what this object signs fits the public key; one that signs nothing leaves it open. */
static int try_out(struct helper *helper, CK_OBJECT_HANDLE object, const struct bytes *spki, enum fit *fit, struct error *err)
{
	struct bytes signature = { 0 };
	uint8_t fresh[32];
	const unsigned char *at = spki->data;
	EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)spki->len);
	EVP_PKEY *key = public != NULL ? method_key(helper, object, public) : NULL;
	int rc = pki_random(fresh, sizeof fresh);
	ERR_clear_error();
	*fit = FIT_OPEN;
	if (rc == 0 && key != NULL && pki_sign(key, fresh, sizeof fresh, &signature, NULL) == 0)
		*fit = pki_fits(public, fresh, sizeof fresh, &signature) ? FITS : FITS_NOT;
	else if (rc == 0)
		rc = session_need_login(helper, helper->slot, err);
	ERR_clear_error();
	EVP_PKEY_free(key);
	EVP_PKEY_free(public);
	bytes_free(&signature);
	return rc;
}

int sign_fits(struct helper *helper, CK_OBJECT_HANDLE object, const struct bytes *spki, bool alone, enum fit *fit, struct error *err)
{
	struct bytes own = { 0 };
	int rc = key_spki(helper, helper->session, object, &own, err);
	bool tells = own.len > 0, same = own.len == spki->len && memcmp(own.data, spki->data, spki->len) == 0;
	bytes_free(&own);
	*fit = same || (!tells && alone) ? FITS : FITS_NOT;
	return rc == 0 && !tells && !alone ? try_out(helper, object, spki, fit, err) : rc;
}

/* The same without libp11, which gives no key at all when one on the token is of a kind it does not know (SM2), sees none where
 * its instance of the module has a login of its own (p11-kit-client), and takes one public half for all keys of one id. */
static int find_directly(struct helper *helper, const struct bytes *id, const struct bytes *spki, const EVP_PKEY *wanted,
	EVP_PKEY **out, struct error *err)
{
	struct objects found;
	enum fit fit = FITS_NOT;
	int rc = object_find(helper, helper->session, CKO_PRIVATE_KEY, id->len > 0 ? id : NULL, &found, err);
	for (size_t i = 0; rc == 0 && *out == NULL && i < found.count; i++) {
		rc = sign_fits(helper, found.handles[i], spki, id->len > 0 && found.count == 1, &fit, err);
		if (rc == 0 && fit == FITS)
			*out = method_key(helper, found.handles[i], wanted);
	}
	return rc;
}

static bool several(struct helper *helper, const struct bytes *id)
{
	struct objects found = { 0 };
	return id->len > 0 && object_find(helper, helper->session, CKO_PRIVATE_KEY, id, &found, NULL) == 0 && found.count > 1;
}

/* OpenSSL's key for the private key that belongs to spki. libp11's list is walked anew each time, libp11 moves it. */
static int find_private(struct helper *helper, const struct bytes *id, const struct bytes *spki, EVP_PKEY **out, struct error *err)
{
	PKCS11_KEY *keys = NULL;
	unsigned count = 0;
	const unsigned char *at = spki->data;
	EVP_PKEY *wanted = d2i_PUBKEY(NULL, &at, (long)spki->len);
	int rc = 0;
	*out = NULL;
	if (wanted == NULL)
		return error_set(err, ERR_CERT_MALFORMED, NULL, "public key");
	ERR_clear_error();
	if (!several(helper, id) && PKCS11_enumerate_keys(helper->lib_slot->token, &keys, &count) == 0)
		*out = choose(helper, keys, count, id, wanted);
	if (*out == NULL)
		rc = find_directly(helper, id, spki, wanted, out, err);
	ERR_clear_error();
	EVP_PKEY_free(wanted);
	if (rc == 0 && *out == NULL)
		rc = error_set(err, ERR_TOKEN_NO_KEY, NULL, "no private key fits");
	return rc;
}

/* A signature that was made wrong must not leave the house: a key that does not belong to the certificate is found so. */
static int sign_and_verify(struct helper *helper, EVP_PKEY *key, const struct bytes *cert, const struct bytes *data, bool cms,
	struct bytes *out, struct error *err)
{
	ERR_clear_error();
	int rc = cms ? cms_sign(key, cert->data, cert->len, data->data, data->len, out, err) :
		pki_sign(key, data->data, data->len, out, err);
	if (rc != 0)
		return sign_failed(helper, cms ? "CMS" : "C_Sign", err);
	rc = cms ? cms_verify(out->data, out->len, cert->data, cert->len, data->data, data->len, err) :
		pki_verify(cert->data, cert->len, pki_signature_algorithm(key), data->data, data->len, out->data, out->len, err);
	return rc == 0 ? 0 : error_set(err, ERR_TOKEN_NO_KEY, NULL, "the signature does not fit the certificate");
}

/* The CKA_ID of the certificate with this DER; empty when it is not on the token. */
static int id_of(struct helper *helper, const struct bytes *cert, struct bytes *id, struct error *err)
{
	CK_OBJECT_HANDLE object;
	int rc = cert_find(helper, helper->session, cert, &object, err);
	if (rc == 0 && object != 0)
		rc = object_read(helper, helper->session, object, CKA_ID, id, err);
	return rc == 0 && id->data == NULL ? bytes_set(id, "", 0) : rc;
}

int sign_by_cert(struct helper *helper, CK_SLOT_ID slot, const struct bytes *cert, const struct bytes *data, bool cms,
	struct bytes *out, struct error *err)
{
	struct bytes id = { 0 }, spki = { 0 };
	EVP_PKEY *key = NULL;
	int rc = session_need_login(helper, slot, err);
	if (rc == 0)
		rc = id_of(helper, cert, &id, err);
	if (rc == 0)
		rc = cert_spki(cert, &spki, err);
	if (rc == 0)
		rc = find_private(helper, &id, &spki, &key, err);
	if (rc == 0)
		rc = sign_and_verify(helper, key, cert, data, cms, out, err);
	EVP_PKEY_free(key);
	bytes_free(&id);
	bytes_free(&spki);
	return rc;
}

int sign_csr(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, const struct bytes *old_cert,
	struct bytes *out, struct error *err)
{
	struct key key = { 0 };
	EVP_PKEY *private = NULL;
	int rc = session_need_login(helper, slot, err);
	if (rc == 0)
		rc = key_find(helper, slot, id, &key, err);
	if (rc == 0 && !key.present)
		rc = error_set(err, ERR_TOKEN_NO_KEY, NULL, "no key pair with this id");
	if (rc == 0)
		rc = find_private(helper, id, &key.spki, &private, err);
	ERR_clear_error();
	if (rc == 0 && csr_make(private, &key.spki, old_cert->data, old_cert->len, out, err) != 0)
		rc = sign_failed(helper, "PKCS#10", err);
	EVP_PKEY_free(private);
	key_free(&key);
	return rc;
}

int sign_prove(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, struct error *err)
{
	struct bytes cert = { 0 }, data = { 0 }, out = { 0 };
	uint8_t fresh[32];
	int rc = session_need_login(helper, slot, err);
	if (rc == 0)
		rc = cert_by_id(helper, helper->session, id, &cert, err);
	if (rc == 0 && cert.len == 0)
		rc = error_set(err, ERR_TOKEN_VERIFY, NULL, "no certificate with this id");
	if (rc == 0)
		rc = pki_random(fresh, sizeof fresh);
	if (rc == 0)
		rc = bytes_set(&data, fresh, sizeof fresh);
	if (rc == 0)
		rc = sign_by_cert(helper, slot, &cert, &data, false, &out, err);
	bytes_free(&cert);
	bytes_free(&data);
	bytes_free(&out);
	return rc;
}

int sign_trial(struct helper *helper, const struct bytes *id, const struct bytes *spki, struct error *err)
{
	struct bytes signature = { 0 };
	uint8_t fresh[32];
	const unsigned char *at = spki->data;
	EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)spki->len), *private = NULL;
	int rc = pki_random(fresh, sizeof fresh);
	if (rc == 0)
		rc = find_private(helper, id, spki, &private, err);
	ERR_clear_error();
	if (rc == 0 && pki_sign(private, fresh, sizeof fresh, &signature, err) != 0)
		rc = sign_failed(helper, "C_Sign", err);
	if (rc == ERR_TOKEN_NO_KEY || (rc == 0 && !pki_fits(public, fresh, sizeof fresh, &signature)))
		rc = error_set(err, ERR_SIGNATURE_INVALID, NULL, "no private key fits the public one");
	EVP_PKEY_free(private);
	EVP_PKEY_free(public);
	bytes_free(&signature);
	return rc;
}
