/* What a certificate authority must be able to do; one constant of these a backend. */
#ifndef SERVICE_CA_BACKEND_H
#define SERVICE_CA_BACKEND_H

#include "service/ca/ca.h"

/* A backend's own struct begins with this one. */
struct ca {
	const struct ca_backend *backend;
};

struct ca_backend {
	const char *name; /* as in the configuration */
	int (*open)(const config_setting_t *settings, struct ca **out, struct error *err);
	void (*free)(struct ca *ca);
	int (*issue)(struct ca *ca, const struct ca_plan *plan, const struct bytes *csr, const struct bytes *old_cert,
		struct bytes *cert, struct error *err);
	const struct bytes *(*chain)(const struct ca *ca, size_t *count);
	int (*crl)(struct ca *ca, const struct ca_revoked *revoked, size_t count, int64_t number, int64_t now, struct bytes *der,
		struct error *err);
};

extern const struct ca_backend ca_embedded;

#endif
