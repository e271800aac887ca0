#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "token/helper.h"

void key_free(struct key *key)
{
	bytes_free(&key->spki);
	bytes_free(&key->cert);
}

static int spki_take(unsigned char *der, int len, struct bytes *spki, struct error *err)
{
	int rc = len > 0 ? bytes_set(spki, der, (size_t)len) : 0;
	OPENSSL_free(der);
	return rc == 0 ? 0 : error_set(err, (enum error_code)rc, NULL, "public key");
}

static int rsa_spki(const struct bytes *modulus, const struct bytes *exponent, struct bytes *spki, struct error *err)
{
	BIGNUM *n = BN_bin2bn(modulus->data, (int)modulus->len, NULL), *e = BN_bin2bn(exponent->data, (int)exponent->len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	int len = 0;
	if (n != NULL && e != NULL && build != NULL && ctx != NULL &&
			OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
			OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
			(params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
			EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1)
		len = i2d_PUBKEY(key, &der);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return spki_take(der, len, spki, err);
}

/* The DER's length; 0 when this is no point of the curve. */
static int point_spki(const struct bytes *params, const unsigned char *point, size_t len, unsigned char **der)
{
	const unsigned char *at = params->data;
	ASN1_OBJECT *curve = d2i_ASN1_OBJECT(NULL, &at, (long)params->len);
	unsigned char *copy = OPENSSL_memdup(point, len), *unchecked = NULL;
	X509_PUBKEY *public = X509_PUBKEY_new();
	EVP_PKEY *key = NULL;
	int der_len = 0;
	if (curve != NULL && copy != NULL && public != NULL && X509_PUBKEY_set0_param(public,
			OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT, curve, copy, (int)len) == 1) {
		curve = NULL;
		copy = NULL;
		der_len = i2d_X509_PUBKEY(public, &unchecked);
		const unsigned char *read = unchecked;
		key = der_len > 0 ? d2i_PUBKEY(NULL, &read, der_len) : NULL; /* a point that is on the curve */
		der_len = key != NULL ? i2d_PUBKEY(key, der) : 0;
	}
	OPENSSL_free(unchecked);
	EVP_PKEY_free(key);
	X509_PUBKEY_free(public);
	OPENSSL_free(copy);
	ASN1_OBJECT_free(curve);
	return der_len > 0 ? der_len : 0;
}

/* CKA_EC_POINT is an OCTET STRING around the point (PKCS#11 v2.40 section 2.3.3); some modules give the bare point, which begins
 * with the same byte and may look like one as a whole: what is inside must be a point, too. */
static int ec_spki(const struct bytes *params, const struct bytes *wrapped, struct bytes *spki, struct error *err)
{
	const unsigned char *at = wrapped->data;
	ASN1_OCTET_STRING *inner = d2i_ASN1_OCTET_STRING(NULL, &at, (long)wrapped->len);
	unsigned char *der = NULL;
	int len = 0;
	if (inner != NULL)
		len = point_spki(params, ASN1_STRING_get0_data(inner), (size_t)ASN1_STRING_length(inner), &der);
	if (len == 0)
		len = point_spki(params, wrapped->data, wrapped->len, &der);
	ASN1_OCTET_STRING_free(inner);
	return spki_take(der, len, spki, err);
}

int key_spki(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct bytes *spki, struct error *err)
{
	struct bytes type = { 0 }, first = { 0 }, second = { 0 };
	CK_KEY_TYPE kind = ~0UL;
	spki->len = 0;
	int rc = object_read(helper, session, object, CKA_KEY_TYPE, &type, err);
	if (rc == 0 && type.len == sizeof kind)
		memcpy(&kind, type.data, sizeof kind);
	if (rc == 0 && (kind == CKK_RSA || kind == CKK_EC))
		rc = object_read(helper, session, object, kind == CKK_RSA ? CKA_MODULUS : CKA_EC_PARAMS, &first, err);
	if (rc == 0 && (kind == CKK_RSA || kind == CKK_EC))
		rc = object_read(helper, session, object, kind == CKK_RSA ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, &second, err);
	if (rc == 0 && first.len > 0 && second.len > 0)
		rc = kind == CKK_RSA ? rsa_spki(&first, &second, spki, err) : ec_spki(&first, &second, spki, err);
	bytes_free(&type);
	bytes_free(&first);
	bytes_free(&second);
	return rc;
}

static int first_spki(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const struct bytes *id,
	struct bytes *spki, bool *any, struct error *err)
{
	struct objects found;
	int rc = object_find(helper, session, class, id, &found, err);
	if (any != NULL)
		*any = found.count > 0;
	for (size_t i = 0; rc == 0 && spki->len == 0 && i < found.count; i++)
		rc = key_spki(helper, session, found.handles[i], spki, err);
	return rc;
}

/* The public half: from the private key itself (RSA), the public key object, or the certificate. */
static int look(struct helper *helper, CK_SESSION_HANDLE session, const struct bytes *id, bool logged_in, struct key *key,
	struct error *err)
{
	bool private = false, public = false;
	key->spki.len = 0;
	int rc = first_spki(helper, session, CKO_PRIVATE_KEY, id, &key->spki, &private, err);
	if (rc == 0)
		rc = first_spki(helper, session, CKO_PUBLIC_KEY, id, &key->spki, &public, err);
	if (rc == 0)
		rc = cert_by_id(helper, session, id, &key->cert, err);
	if (rc == 0 && key->spki.len == 0 && private && key->cert.len > 0)
		rc = cert_spki(&key->cert, &key->spki, err);
	key->present = rc == 0 && key->spki.len > 0 && (private || (!logged_in && public));
	return rc;
}

int key_find(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, struct key *key, struct error *err)
{
	CK_SESSION_HANDLE session;
	int rc = session_open(helper, slot, &session, err);
	if (rc != 0)
		return rc;
	rc = look(helper, session, id, helper->logged_in && session == helper->session, key, err);
	session_close(helper, session);
	return rc;
}

struct algorithm {
	const char *name;
	CK_MECHANISM_TYPE mechanism;
	CK_ULONG bits;
	uint8_t curve[10]; /* DER of the curve's OID, SEC 2 */
};

static const struct algorithm algorithms[] = {
	{ .name = "rsa:2048", .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN, .bits = 2048 },
	{ .name = "rsa:3072", .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN, .bits = 3072 },
	{ .name = "ec:P-256", .mechanism = CKM_EC_KEY_PAIR_GEN, .curve = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 } },
};

static CK_RV generate(struct helper *helper, const struct bytes *id, const char *label, const struct algorithm *algorithm,
	CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG bits = algorithm->bits;
	uint8_t exponent[] = { 1, 0, 1 }, curve[sizeof algorithm->curve];
	bool rsa = algorithm->mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN;
	memcpy(curve, algorithm->curve, sizeof curve);
	CK_MECHANISM mechanism = { algorithm->mechanism, NULL, 0 };
	CK_ATTRIBUTE public_template[] = {
		{ CKA_TOKEN, &yes, sizeof yes },
		{ CKA_PRIVATE, &no, sizeof no },
		{ CKA_VERIFY, &yes, sizeof yes },
		{ CKA_ID, id->data, id->len },
		{ CKA_LABEL, (void *)label, strlen(label) },
		{ rsa ? CKA_MODULUS_BITS : CKA_EC_PARAMS, rsa ? (void *)&bits : curve, rsa ? sizeof bits : sizeof curve },
		{ CKA_PUBLIC_EXPONENT, exponent, sizeof exponent }, /* RSA only: last */
	};
	/* Said, not left to the module: some make keys that can be taken out. */
	CK_ATTRIBUTE private_template[] = {
		{ CKA_TOKEN, &yes, sizeof yes },
		{ CKA_PRIVATE, &yes, sizeof yes },
		{ CKA_SENSITIVE, &yes, sizeof yes },
		{ CKA_EXTRACTABLE, &no, sizeof no },
		{ CKA_SIGN, &yes, sizeof yes },
		{ CKA_ID, id->data, id->len },
		{ CKA_LABEL, (void *)label, strlen(label) },
		{ CKA_DECRYPT, &no, sizeof no }, /* limits that not every module lets one set: last two */
		{ CKA_UNWRAP, &no, sizeof no },
	};
	CK_ULONG public_count = sizeof public_template / sizeof *public_template;
	CK_ULONG private_count = sizeof private_template / sizeof *private_template;
	CK_RV rv = helper->p11->C_GenerateKeyPair(helper->session, &mechanism, public_template,
		rsa ? public_count : public_count - 1, private_template, private_count, public, private);
	if (rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID)
		rv = helper->p11->C_GenerateKeyPair(helper->session, &mechanism, public_template,
			rsa ? public_count : public_count - 1, private_template, private_count - 2, public, private);
	return rv;
}

static int destroy_pair(struct helper *helper, const struct bytes *id, struct error *err)
{
	int rc = object_destroy_all(helper, helper->session, CKO_PRIVATE_KEY, id, err);
	return rc == 0 ? object_destroy_all(helper, helper->session, CKO_PUBLIC_KEY, id, err) : rc;
}

int key_destroy(struct helper *helper, CK_OBJECT_CLASS class, const struct bytes *id, const struct bytes *spki, enum fit which,
	struct error *err)
{
	struct objects found;
	enum fit fit;
	int rc = object_find(helper, helper->session, class, id, &found, err);
	for (size_t i = 0; rc == 0 && i < found.count; i++) {
		rc = sign_fits(helper, found.handles[i], spki, found.count == 1, &fit, err);
		if (rc == 0 && fit == which)
			rc = object_destroy(helper, helper->session, found.handles[i], err);
	}
	return rc;
}

/* Tokens keep several pairs with one id: of ours the one with the certificate counts, else the first. */
static int try_out(struct helper *helper, const struct bytes *id, struct key *key, struct error *err)
{
	struct bytes certified = { 0 };
	int rc = ERR_SIGNATURE_INVALID;
	if (key->cert.len > 0 && cert_spki(&key->cert, &certified, NULL) == 0)
		rc = sign_trial(helper, id, &certified, err);
	if (rc == 0)
		rc = bytes_set(&key->spki, certified.data, certified.len);
	else if (rc == ERR_SIGNATURE_INVALID)
		rc = sign_trial(helper, id, &key->spki, err);
	bytes_free(&certified);
	return rc;
}

static int destroy_others(struct helper *helper, const struct bytes *id, const struct bytes *spki, struct error *err)
{
	int rc = key_destroy(helper, CKO_PRIVATE_KEY, id, spki, FITS_NOT, err);
	return rc == 0 ? key_destroy(helper, CKO_PUBLIC_KEY, id, spki, FITS_NOT, err) : rc;
}

/* A private key that was never finished has nothing of its own; one that a fault keeps from signing has. */
static bool is_torn(struct helper *helper, const struct bytes *id)
{
	struct objects found = { 0 };
	bool torn = object_find(helper, helper->session, CKO_PRIVATE_KEY, id, &found, NULL) == 0 && found.count > 0;
	for (size_t i = 0; torn && i < found.count; i++) {
		struct bytes modulus = { 0 }, curve = { 0 };
		torn = object_read(helper, helper->session, found.handles[i], CKA_MODULUS, &modulus, NULL) == 0
			&& object_read(helper, helper->session, found.handles[i], CKA_EC_PARAMS, &curve, NULL) == 0 && modulus.len == 0 && curve.len == 0;
		bytes_free(&modulus);
		bytes_free(&curve);
	}
	return torn;
}

/* What is there under this id: adopted when it signs what its public half verifies, destroyed when not. */
static int adopt(struct helper *helper, const struct bytes *id, struct key *key, struct error *err)
{
	int rc = look(helper, helper->session, id, true, key, err);
	if (rc != 0)
		return rc;
	if (key->present) {
		rc = try_out(helper, id, key, err);
		key->adopted = rc == 0;
		if (rc == 0)
			return destroy_others(helper, id, &key->spki, err);
		if (rc != ERR_SIGNATURE_INVALID && (rc != ERR_TOKEN_DEVICE || key->cert.len > 0 || !is_torn(helper, id)))
			return rc;
	}
	key->present = false;
	return destroy_pair(helper, id, err);
}

static int check_not_extractable(struct helper *helper, const struct bytes *id, CK_OBJECT_HANDLE private, struct error *err)
{
	struct bytes value = { 0 };
	int rc = object_read(helper, helper->session, private, CKA_EXTRACTABLE, &value, err);
	bool leaks = rc == 0 && value.len == 1 && value.data[0] != CK_FALSE;
	bytes_free(&value);
	if (!leaks)
		return rc;
	rc = destroy_pair(helper, id, err);
	return rc != 0 ? rc : error_set(err, ERR_TOKEN_MECHANISM, "CKA_EXTRACTABLE", "the new key could be taken out; destroyed");
}

static int generate_anew(struct helper *helper, const struct bytes *id, const char *label, const struct algorithm *algorithm,
	struct key *key, struct error *err)
{
	CK_OBJECT_HANDLE public = 0, private = 0;
	struct error lost = { 0 };
	CK_RV rv = generate(helper, id, label, algorithm, &public, &private);
	if (rv != CKR_OK) {
		/* An error is no proof that nothing was made: the token tells. */
		if (adopt(helper, id, key, &lost) == 0 && key->present) {
			key->adopted = false;
			return 0;
		}
		int rc = ckr_error(rv, "C_GenerateKeyPair", err);
		return rc == ERR_TOKEN_MECHANISM ? error_set(err, ERR_TOKEN_MECHANISM, algorithm->name,
			"C_GenerateKeyPair: CKR 0x%lx", rv) : rc;
	}
	int rc = check_not_extractable(helper, id, private, err);
	if (rc == 0)
		rc = look(helper, helper->session, id, true, key, err);
	if (rc == 0 && key->spki.len == 0) { /* a token that keeps no public keys has it as long as the session lives */
		rc = key_spki(helper, helper->session, public, &key->spki, err);
		key->present = key->spki.len > 0;
	}
	if (rc == 0 && !key->present)
		rc = error_set(err, ERR_TOKEN_VERIFY, NULL, "the new key is not there");
	return rc;
}

int key_generate(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, const char *label, const char *name,
	struct key *key, struct error *err)
{
	const struct algorithm *algorithm = NULL;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (strcmp(algorithms[i].name, name) == 0)
			algorithm = &algorithms[i];
	if (algorithm == NULL)
		return error_set(err, ERR_TOKEN_MECHANISM, name, "unknown algorithm");
	int rc = session_need_login(helper, slot, err);
	if (rc == 0)
		rc = adopt(helper, id, key, err);
	return rc == 0 && !key->present ? generate_anew(helper, id, label, algorithm, key, err) : rc;
}
