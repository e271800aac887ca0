#include <string.h>

#include <openssl/x509.h>

#include <certhall/text.h>

#include "token/helper.h"
#include "token/wire.h"

int cert_find(struct helper *helper, CK_SESSION_HANDLE session, const struct bytes *der, CK_OBJECT_HANDLE *object,
	struct error *err)
{
	struct objects found;
	struct bytes value = { 0 };
	*object = 0;
	/* Every value is read: not all modules search by CKA_VALUE. */
	int rc = object_find(helper, session, CKO_CERTIFICATE, NULL, &found, err);
	for (size_t i = 0; rc == 0 && *object == 0 && i < found.count; i++) {
		rc = object_read(helper, session, found.handles[i], CKA_VALUE, &value, err);
		if (rc == 0 && value.len == der->len && der->len > 0 && memcmp(value.data, der->data, der->len) == 0)
			*object = found.handles[i];
	}
	bytes_free(&value);
	return rc;
}

int cert_by_id(struct helper *helper, CK_SESSION_HANDLE session, const struct bytes *id, struct bytes *der,
	struct error *err)
{
	struct objects found;
	der->len = 0;
	int rc = object_find(helper, session, CKO_CERTIFICATE, id, &found, err);
	return rc == 0 && found.count > 0 ? object_read(helper, session, found.handles[0], CKA_VALUE, der, err) : rc;
}

static int add_cert(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct json_object *certs,
	struct error *err)
{
	struct bytes der = { 0 }, id = { 0 }, label = { 0 };
	struct objects keys = { 0 };
	char clean[128], hex[2 * 64 + 1];
	int rc = object_read(helper, session, object, CKA_VALUE, &der, err);
	if (rc == 0)
		rc = object_read(helper, session, object, CKA_ID, &id, err);
	if (rc == 0)
		rc = object_read(helper, session, object, CKA_LABEL, &label, err);
	if (rc == 0 && id.len > 0)
		rc = object_find(helper, session, CKO_PUBLIC_KEY, &id, &keys, err);
	if (rc == 0 && id.len > 0 && keys.count == 0)
		rc = object_find(helper, session, CKO_PRIVATE_KEY, &id, &keys, err);
	if (rc == 0 && der.len > 0) {
		struct json_object *cert = json_object_new_object();
		text_sanitize(label.data != NULL ? (char *)label.data : "", clean, sizeof clean, false);
		if (cert == NULL || json_object_array_add(certs, cert) != 0 ||
				!wire_add_text(cert, "id", hex_encode(id.data, id.len <= 64 ? id.len : 0, hex)) ||
				!wire_add_text(cert, "label", clean) || !wire_add_bool(cert, "public", keys.count > 0) ||
				!wire_add_bytes(cert, "der", der.data, der.len))
			rc = error_set(err, ERR_NO_MEMORY, NULL, "certificates");
	}
	bytes_free(&der);
	bytes_free(&id);
	bytes_free(&label);
	return rc;
}

int cert_list(struct helper *helper, CK_SLOT_ID slot, struct json_object *answer, struct error *err)
{
	CK_SESSION_HANDLE session;
	struct objects found;
	struct json_object *certs = json_object_new_array();
	if (certs == NULL || json_object_object_add(answer, "certs", certs) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "certificates");
	int rc = session_open(helper, slot, &session, err);
	if (rc != 0)
		return rc;
	rc = object_find(helper, session, CKO_CERTIFICATE, NULL, &found, err);
	for (size_t i = 0; rc == 0 && i < found.count; i++)
		rc = add_cert(helper, session, found.handles[i], certs, err);
	session_close(helper, session);
	return rc;
}

static int parse(const struct bytes *der, X509 **x509, struct error *err)
{
	const unsigned char *at = der->data;
	*x509 = der->len > 0 ? d2i_X509(NULL, &at, (long)der->len) : NULL;
	return *x509 != NULL ? 0 : error_set(err, ERR_CERT_MALFORMED, NULL, "certificate");
}

int cert_spki(const struct bytes *der, struct bytes *spki, struct error *err)
{
	X509 *x509;
	int rc = parse(der, &x509, err);
	if (rc != 0)
		return rc;
	unsigned char *out = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &out);
	rc = len > 0 ? bytes_set(spki, out, (size_t)len) : ERR_CERT_MALFORMED;
	OPENSSL_free(out);
	X509_free(x509);
	return rc == 0 ? 0 : error_set(err, (enum error_code)rc, NULL, "public key");
}

/* With serial number, issuer and subject: NSS asks for them, and readers look certificates up by them. */
static int create(struct helper *helper, const struct bytes *id, const char *label, const struct bytes *der, struct error *err)
{
	X509 *x509;
	int rc = parse(der, &x509, err);
	if (rc != 0)
		return rc;
	unsigned char *subject = NULL, *issuer = NULL, *serial = NULL;
	int subject_len = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
	int issuer_len = i2d_X509_NAME(X509_get_issuer_name(x509), &issuer);
	int serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &serial);
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_TOKEN, &yes, sizeof yes },
		{ CKA_PRIVATE, &no, sizeof no },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof type },
		{ CKA_SUBJECT, subject, (CK_ULONG)subject_len },
		{ CKA_ISSUER, issuer, (CK_ULONG)issuer_len },
		{ CKA_SERIAL_NUMBER, serial, (CK_ULONG)serial_len },
		{ CKA_VALUE, der->data, der->len },
		{ CKA_ID, id->data, id->len },
		{ CKA_LABEL, (void *)label, strlen(label) },
	};
	CK_OBJECT_HANDLE object;
	CK_RV rv = CKR_HOST_MEMORY;
	if (subject_len > 0 && issuer_len > 0 && serial_len > 0)
		rv = helper->p11->C_CreateObject(helper->session, template, sizeof template / sizeof *template, &object);
	OPENSSL_free(subject);
	OPENSSL_free(issuer);
	OPENSSL_free(serial);
	X509_free(x509);
	return rv == CKR_OK ? 0 : ckr_error(rv, "C_CreateObject", err);
}

/* Others under this id are of an earlier attempt of the same order. */
static int destroy_others(struct helper *helper, const struct bytes *id, CK_OBJECT_HANDLE keep, struct error *err)
{
	struct objects found;
	int rc = object_find(helper, helper->session, CKO_CERTIFICATE, id, &found, err);
	for (size_t i = 0; rc == 0 && i < found.count; i++)
		if (found.handles[i] != keep)
			rc = object_destroy(helper, helper->session, found.handles[i], err);
	return rc;
}

/* The object with this DER under this id. */
static int find_under(struct helper *helper, const struct bytes *id, const struct bytes *der, CK_OBJECT_HANDLE *object,
	struct error *err)
{
	struct bytes there = { 0 };
	int rc = cert_find(helper, helper->session, der, object, err);
	if (rc == 0 && *object != 0)
		rc = object_read(helper, helper->session, *object, CKA_ID, &there, err);
	if (rc == 0 && (there.len != id->len || memcmp(there.data, id->data, id->len) != 0))
		*object = 0;
	bytes_free(&there);
	return rc;
}

int cert_write(struct helper *helper, CK_SLOT_ID slot, const struct bytes *id, const char *label, const struct bytes *der,
	struct bytes *read_back, struct error *err)
{
	CK_OBJECT_HANDLE object = 0;
	struct error write_error = { 0 };
	int rc = session_need_login(helper, slot, err);
	if (rc == 0)
		rc = find_under(helper, id, der, &object, err);
	if (rc != 0)
		return rc;
	if (object == 0) {
		/* An error is no proof that nothing was written: the token tells. */
		int written = create(helper, id, label, der, &write_error);
		rc = find_under(helper, id, der, &object, err);
		if (written != 0 && (rc != 0 || object == 0)) {
			if (err != NULL)
				*err = write_error;
			return written;
		}
	}
	if (rc == 0 && object == 0)
		return error_set(err, ERR_TOKEN_VERIFY, NULL, "the certificate is not there after writing");
	if (rc == 0)
		rc = destroy_others(helper, id, object, err);
	return rc == 0 ? object_read(helper, helper->session, object, CKA_VALUE, read_back, err) : rc;
}

/* The certificate last: as long as it is there, a removal that was interrupted can be taken up again. */
int cert_remove(struct helper *helper, CK_SLOT_ID slot, const struct bytes *der, struct error *err)
{
	CK_OBJECT_HANDLE object;
	struct bytes id = { 0 }, spki = { 0 };
	struct objects sharing = { 0 };
	int rc = session_need_login(helper, slot, err);
	if (rc == 0)
		rc = cert_find(helper, helper->session, der, &object, err);
	if (rc != 0 || object == 0)
		return rc;
	rc = object_read(helper, helper->session, object, CKA_ID, &id, err);
	if (rc == 0 && id.len > 0)
		rc = object_find(helper, helper->session, CKO_CERTIFICATE, &id, &sharing, err);
	if (rc == 0)
		rc = cert_spki(der, &spki, err);
	if (rc == 0 && sharing.count == 1) { /* no other certificate uses the key */
		rc = key_destroy(helper, CKO_PRIVATE_KEY, &id, &spki, FITS, err);
		if (rc == 0)
			rc = key_destroy(helper, CKO_PUBLIC_KEY, &id, &spki, FITS, err);
	}
	if (rc == 0)
		rc = object_destroy(helper, helper->session, object, err);
	bytes_free(&id);
	bytes_free(&spki);
	return rc;
}
