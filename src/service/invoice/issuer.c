#include <string.h>

#include "service/invoice/backend.h"

static const struct issuer_backend *const backends[] = { &issuer_embedded };

int issuer_open(const config_setting_t *settings, struct issuer **out, struct error *err)
{
	const char *name = "";
	*out = NULL;
	if (settings == NULL)
		return 0;
	config_setting_lookup_string(settings, "backend", &name);
	for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i]->open(settings, out, err);
	return error_set(err, ERR_CONFIG, "invoice.backend", "invoice.backend = \"%s\" names none there is", name);
}

void issuer_free(struct issuer **issuer)
{
	if (*issuer != NULL)
		(*issuer)->backend->free(*issuer);
	*issuer = NULL;
}

void issuer_number(const struct issuer *issuer, int64_t sequence, int64_t now, char out[24])
{
	issuer->backend->number(issuer, sequence, now, out);
}

int issuer_try(struct issuer *issuer, struct error *err)
{
	return issuer->backend->try(issuer, err);
}

int issuer_issue(struct issuer *issuer, const struct invoice_order *order, struct invoice_documents *out, struct error *err)
{
	return issuer->backend->issue(issuer, order, out, err);
}

void invoice_documents_free(struct invoice_documents *documents)
{
	bytes_free(&documents->pdf);
	bytes_free(&documents->xml);
}
