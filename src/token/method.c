/* OpenSSL's way to let something else make its signatures is the low-level method of a key; libp11 goes it too. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "token/helper.h"

/* The key in use: the helper does one thing at a time. */
static struct {
	struct helper *helper;
	CK_OBJECT_HANDLE object;
} current;

static int sign_raw(CK_MECHANISM_TYPE type, const unsigned char *data, int len, unsigned char *out, CK_ULONG *out_len)
{
	CK_MECHANISM mechanism = { type, NULL, 0 };
	CK_FUNCTION_LIST *p11 = current.helper->p11;
	const CK_ULONG room = *out_len;
	CK_RV rv = p11->C_SignInit(current.helper->session, &mechanism, current.object);
	if (rv == CKR_OK)
		rv = p11->C_Sign(current.helper->session, (unsigned char *)data, (CK_ULONG)len, out, out_len);
	return rv == CKR_OK && *out_len <= room ? 0 : -1;
}

static int rsa_sign(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	CK_ULONG out_len = (CK_ULONG)RSA_size(rsa);
	if (padding != RSA_PKCS1_PADDING || sign_raw(CKM_RSA_PKCS, from, len, to, &out_len) != 0)
		return -1;
	return (int)out_len;
}

/* PKCS#11 v2.40 section 2.3.1: r and s side by side, each as long as the order. */
static ECDSA_SIG *ec_sign(const unsigned char *digest, int len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	unsigned char pair[2 * 66];
	CK_ULONG pair_len = sizeof pair;
	(void)kinv;
	(void)r;
	(void)key;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	if (signature == NULL || sign_raw(CKM_ECDSA, digest, len, pair, &pair_len) != 0 || pair_len % 2 != 0) {
		ECDSA_SIG_free(signature);
		return NULL;
	}
	int half = (int)(pair_len / 2);
	BIGNUM *first = BN_bin2bn(pair, half, NULL), *second = BN_bin2bn(pair + half, half, NULL);
	if (first != NULL && second != NULL && ECDSA_SIG_set0(signature, first, second) == 1)
		return signature;
	BN_free(first);
	BN_free(second);
	ECDSA_SIG_free(signature);
	return NULL;
}

static EVP_PKEY *rsa_key(const EVP_PKEY *public)
{
	static RSA_METHOD *method;
	RSA *rsa = EVP_PKEY_get1_RSA((EVP_PKEY *)public);
	EVP_PKEY *key = EVP_PKEY_new();
	if (method == NULL && (method = RSA_meth_dup(RSA_get_default_method())) != NULL)
		RSA_meth_set_priv_enc(method, rsa_sign);
	bool made = rsa != NULL && key != NULL && method != NULL && RSA_set_method(rsa, method) == 1 &&
		EVP_PKEY_set1_RSA(key, rsa) == 1;
	RSA_free(rsa);
	if (made)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *ec_key(const EVP_PKEY *public)
{
	static EC_KEY_METHOD *method;
	int (*sign)(int, const unsigned char *, int, unsigned char *, unsigned *, const BIGNUM *, const BIGNUM *, EC_KEY *);
	int (*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **);
	EC_KEY *ec = EVP_PKEY_get1_EC_KEY((EVP_PKEY *)public);
	EVP_PKEY *key = EVP_PKEY_new();
	if (method == NULL && (method = EC_KEY_METHOD_new(EC_KEY_OpenSSL())) != NULL) {
		EC_KEY_METHOD_get_sign(method, &sign, &setup, NULL);
		EC_KEY_METHOD_set_sign(method, sign, setup, ec_sign);
	}
	bool made = ec != NULL && key != NULL && method != NULL && EC_KEY_set_method(ec, method) == 1 &&
		EVP_PKEY_set1_EC_KEY(key, ec) == 1;
	EC_KEY_free(ec);
	if (made)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

EVP_PKEY *method_key(struct helper *helper, CK_OBJECT_HANDLE object, const EVP_PKEY *public)
{
	current.helper = helper;
	current.object = object;
	switch (EVP_PKEY_get_base_id(public)) {
	case EVP_PKEY_RSA:
		return rsa_key(public);
	case EVP_PKEY_EC:
		return ec_key(public);
	default:
		return NULL;
	}
}
