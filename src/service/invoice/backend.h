/* What an issuer of invoices must be able to do; one constant of these a backend. */
#ifndef SERVICE_INVOICE_BACKEND_H
#define SERVICE_INVOICE_BACKEND_H

#include "service/invoice/issuer.h"

/* A backend's own struct begins with this one. */
struct issuer {
	const struct issuer_backend *backend;
};

struct issuer_backend {
	const char *name; /* as in the configuration */
	int (*open)(const config_setting_t *settings, struct issuer **out, struct error *err);
	void (*free)(struct issuer *issuer);
	void (*number)(const struct issuer *issuer, int64_t sequence, int64_t now, char out[24]);
	int (*try)(struct issuer *issuer, struct error *err);
	int (*issue)(struct issuer *issuer, const struct invoice_order *order, struct invoice_documents *out, struct error *err);
};

extern const struct issuer_backend issuer_embedded;

#endif
