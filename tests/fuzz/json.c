/* Bodies of requests and answers: read by every table, and what was read is written and read the same again. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/invoice.h>

#define TABLE(table, type) { table##_codec, sizeof(struct type) }
static const struct {
	const struct codec *codec;
	size_t size;
} tables[] = {
	TABLE(hall_info, hall_info), TABLE(standing_request, standing_request), TABLE(standing_answer, standing_answer),
	TABLE(challenge_request, challenge_request), TABLE(challenge, challenge), TABLE(session_request, session_request),
	TABLE(session, session), TABLE(order, order), TABLE(order_request, order_request), TABLE(cert_request, cert_request),
	TABLE(install_report, install_report), TABLE(signed_manifest, signed_manifest), TABLE(help_bundle, help_bundle), TABLE(package_list, package_list),
	TABLE(problem, problem), TABLE(captcha, captcha), TABLE(invoice_query, invoice_query), TABLE(invoice_page, invoice_page), TABLE(invoice_more, invoice_more),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		void *value = calloc(1, tables[i].size), *again = calloc(1, tables[i].size);
		HOLDS(value != NULL && again != NULL);
		if (codec_parse(tables[i].codec, (const char *)data, size, value, &err) == 0) {
			char *text = codec_text(tables[i].codec, value);
			HOLDS(text != NULL && codec_parse(tables[i].codec, text, strlen(text), again, &err) == 0);
			char *second = codec_text(tables[i].codec, again);
			HOLDS(second != NULL && strcmp(text, second) == 0);
			free(second);
			free(text);
		} else {
			fuzz_is_clean(err.param, false);
		}
		codec_free(tables[i].codec, value);
		codec_free(tables[i].codec, again);
		free(value);
		free(again);
	}
	struct order_request *request = calloc(1, sizeof *request);
	HOLDS(request != NULL);
	if (codec_parse(order_request_codec, (const char *)data, size, request, &err) == 0)
		(void)!applicant_check(&request->applicant, &err);
	free(request);
	return 0;
}
