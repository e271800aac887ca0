/* Certificates, requests and signed messages in DER, as a key or anybody's request may hold them. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/pki.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert_info info;
	struct error err;
	struct bytes spki = { 0 };
	char algorithm[24], *text = NULL;
	if (cert_info_read(data, size, &info, &err) == 0) {
		fuzz_is_clean(info.holder, false);
		fuzz_is_clean(info.subject, false);
		fuzz_is_clean(info.issuer, false);
		fuzz_is_clean(info.unit, false);
		HOLDS(strlen(info.fingerprint) == 64 && strlen(info.spki_sha256) == 64);
		(void)!pki_verify(data, size, "RSA-SHA256", "x", 1, data, size < 512 ? size : 512, &err);
	}
	if (cert_describe(data, size, &text, &err) == 0)
		fuzz_is_clean(text, true);
	free(text);
	(void)!csr_check(data, size, NULL, 0, &spki, algorithm, &err);
	bytes_free(&spki);
	HOLDS(cms_verify(data, size, data, size, "x", 1, &err) != 0);
	HOLDS(cms_verify_detached(data, size, data, size, "x", 1, 1790000000, &err) != 0);
	return 0;
}
