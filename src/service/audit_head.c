#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>

#include "service/audit.h"
#include "service/service.h"

/* The head in a file of its own, where whoever can write the database cannot write: five lines that are signed, and the
 * signature of the components' key in base64. */

enum { HEAD_MAX = 4096 };

static const char form[] = "certhall-audit-head-1\n%s\n%lld\n%s\n%s\n";

static int signed_text(const struct settings *settings, const char *text, struct bytes *signature, struct error *err)
{
	EVP_PKEY *key = pki_key_read(settings->packages_key, err);
	int rc = key != NULL ? pki_sign(key, text, strlen(text), signature, err)
			     : error_set(err, ERR_FILE, settings->packages_key, "no key to sign the audit log's head with");
	pki_key_free(&key);
	return rc;
}

static int write_head(const struct settings *settings, const struct audit_row *head, int64_t now, struct error *err)
{
	char text[512], whole[HEAD_MAX], when[24];
	struct bytes signature = { 0 };
	snprintf(text, sizeof text, form, head->node, (long long)head->seq, head->hash, clock_rfc3339(now, when, sizeof when));
	int rc = signed_text(settings, text, &signature, err);
	char *base64 = rc == 0 ? base64_encode(signature.data, signature.len) : NULL;
	if (rc == 0 && base64 == NULL)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "audit head");
	if (rc == 0) {
		int len = snprintf(whole, sizeof whole, "%s%s\n", text, base64);
		rc = file_replace(settings->audit_head_file, whole, (size_t)len, err);
	}
	free(base64);
	bytes_free(&signature);
	return rc;
}

int audit_head_export(struct sql *db, const struct settings *settings, int64_t *last, int64_t now, struct error *err)
{
	struct audit_row head;
	if (settings->audit_head_file[0] == '\0')
		return 0;
	int rc = audit_head(db, settings->audit_node, &head, err);
	if (rc != 0 || head.seq == *last || head.seq == 0)
		return rc;
	rc = write_head(settings, &head, now, err);
	if (rc == 0)
		*last = head.seq;
	return rc;
}

static int check_signature(const struct settings *settings, const char *text, size_t len, const char *base64, struct error *err)
{
	struct bytes cert = { 0 }, signature = { 0 };
	size_t count = 0;
	EVP_PKEY *key = pki_key_read(settings->packages_key, err);
	const char *algorithm = key != NULL ? pki_signature_algorithm(key) : NULL;
	int rc = algorithm != NULL ? cert_file_read(settings->packages_certificate, &cert, 1, &count, err)
				   : error_set(err, ERR_FILE, settings->packages_key, "no key");
	if (rc == 0 && base64_decode(base64, &signature) != 0)
		rc = error_set(err, ERR_SIGNATURE_INVALID, NULL, "audit head: no base64");
	if (rc == 0)
		rc = pki_verify(cert.data, cert.len, algorithm, text, len, signature.data, signature.len, err);
	pki_key_free(&key);
	bytes_free(&signature);
	bytes_free(&cert);
	return rc;
}

int audit_head_import(const char *path, const struct settings *settings, struct audit_row *out, struct error *err)
{
	struct bytes file = { 0 };
	char whole[HEAD_MAX + 1];
	long long seq = 0;
	int rc = file_read(path, HEAD_MAX, &file, err);
	if (rc != 0)
		return rc;
	snprintf(whole, sizeof whole, "%.*s", (int)file.len, (const char *)file.data);
	bytes_free(&file);
	size_t len = strlen(whole);
	if (len > 0 && whole[len - 1] == '\n')
		whole[len - 1] = '\0';
	char *base64 = strrchr(whole, '\n');
	*out = (struct audit_row){ 0 };
	if (base64 == NULL || sscanf(whole, "certhall-audit-head-1\n%31[^\n]\n%lld\n%64[0-9a-f]\n", out->node, &seq, out->hash) != 3)
		return error_set(err, ERR_SIGNATURE_INVALID, NULL, "%s is no head of an audit log", path);
	out->seq = seq;
	base64++;
	return check_signature(settings, whole, (size_t)(base64 - whole), base64, err);
}
