#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/pki.h>

#include "service/ca/backend.h"

static const struct ca_backend *const backends[] = { &ca_embedded };

int ca_open(const config_setting_t *settings, struct ca **out, struct error *err)
{
	const char *name = NULL;
	*out = NULL;
	if (settings == NULL || config_setting_lookup_string(settings, "backend", &name) != CONFIG_TRUE)
		return error_set(err, ERR_CONFIG, _("the group \"ca\" needs a \"backend\""), "ca.backend is missing");
	for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i]->open(settings, out, err);
	return error_set(err, ERR_CONFIG, _("\"ca.backend\" names none there is"), "ca.backend = \"%s\"", name);
}

void ca_free(struct ca **ca)
{
	if (*ca != NULL)
		(*ca)->backend->free(*ca);
	*ca = NULL;
}

/* SHA-256(order NUL role NUL attempt in decimal), its first 16 bytes in hex. */
static int name_transaction(const char *order, const char *role, int attempt, char out[33])
{
	char number[16], hex[2 * PKI_SHA256 + 1];
	uint8_t hash[PKI_SHA256];
	struct bytes all = { 0 };
	snprintf(number, sizeof number, "%d", attempt);
	int rc = bytes_append(&all, order, strlen(order) + 1);
	if (rc == 0)
		rc = bytes_append(&all, role, strlen(role) + 1);
	if (rc == 0)
		rc = bytes_append(&all, number, strlen(number));
	if (rc == 0) {
		pki_sha256(all.data, all.len, hash);
		hex_encode(hash, sizeof hash, hex);
		snprintf(out, 33, "%.32s", hex);
	}
	bytes_free(&all);
	return rc;
}

static int choose_serial(char out[41])
{
	uint8_t raw[20];
	if (pki_random(raw, sizeof raw) != 0)
		return ERR_UNEXPECTED;
	raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40); /* positive, and always 20 octets */
	hex_encode(raw, sizeof raw, out);
	for (char *p = out; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return 0;
}

int ca_plan_new(struct ca *ca, const char *order, const char *role, int attempt, int64_t not_before, int64_t not_after,
	struct ca_plan *out, struct error *err)
{
	struct cert_info authority;
	size_t count;
	const struct bytes *chain = ca_chain(ca, &count);
	*out = (struct ca_plan){ .not_before = not_before, .not_after = not_after };
	int rc = cert_info_read(chain[0].data, chain[0].len, &authority, err);
	if (rc != 0)
		return rc;
	if (not_before >= not_after || not_after > authority.not_after)
		return error_set(err, ERR_CA_FAILED, NULL, "a certificate cannot end at %lld: it ends before it begins or outlives the CA's",
			(long long)not_after);
	rc = name_transaction(order, role, attempt, out->transaction);
	if (rc == 0)
		rc = choose_serial(out->serial);
	return rc == 0 ? 0 : error_set(err, ERR_CA_FAILED, NULL, "no memory or no random numbers for a plan");
}

int ca_issue(struct ca *ca, const struct ca_plan *plan, const struct bytes *csr, const struct bytes *old_cert,
	struct bytes *cert, struct error *err)
{
	return ca->backend->issue(ca, plan, csr, old_cert, cert, err);
}

const struct bytes *ca_chain(const struct ca *ca, size_t *count)
{
	return ca->backend->chain(ca, count);
}

int ca_crl(struct ca *ca, const struct ca_revoked *revoked, size_t count, int64_t number, int64_t now, struct bytes *der,
	struct error *err)
{
	return ca->backend->crl(ca, revoked, count, number, now, der, err);
}
