/* 确认信息 line by line: from the last order, a file, the options, and the person when there is one. */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

#include "certhall/line.h"

enum { DETAILS_MAX = 65536 };

static void put(char *to, size_t size, const char *value)
{
	if (value != NULL)
		text_sanitize(value, to, size, false);
}

int applicant_from_options(const struct options *options, const struct session *session, const struct cert_info *cert,
	struct applicant *out, struct error *err)
{
	struct bytes json = { 0 };
	int code = 0;
	*out = (struct applicant){ 0 };
	if (session != NULL && session->has_applicant)
		*out = session->applicant;
	if (out->title[0] == '\0')
		put(out->title, sizeof out->title, cert->organisation[0] != '\0' ? cert->organisation : cert->holder);
	if (options->details != NULL) {
		code = file_read(options->details, DETAILS_MAX, &json, err);
		if (code == 0)
			code = codec_parse(applicant_codec, (const char *)json.data, json.len, out, err);
		bytes_free(&json);
	}
	put(out->contact, sizeof out->contact, options->contact);
	put(out->phone, sizeof out->phone, options->phone);
	put(out->title, sizeof out->title, options->title);
	put(out->tax_no, sizeof out->tax_no, options->tax_no);
	put(out->email, sizeof out->email, options->email);
	return code;
}

/* ---- the person ---- */

typedef enum check_verdict check_fn(const char *value, char *say, size_t size);

static const struct field {
	const char *label;
	size_t offset, size;
	void (*normalize)(char *value, size_t size);
	check_fn *check;
} fields[] = {
#define FIELD(label, name, normalize, check) \
	{ label, offsetof(struct applicant, name), sizeof(((struct applicant *)0)->name), normalize, check }
	FIELD(N_("Contact"), contact, NULL, check_contact),
	FIELD(N_("Phone"), phone, phone_normalize, check_phone),
	FIELD(N_("Unit name (invoice title)"), title, NULL, check_title),
	FIELD(N_("Taxpayer number"), tax_no, tax_no_normalize, check_tax_no),
	FIELD(N_("E-mail (may be empty)"), email, NULL, check_email),
#undef FIELD
};

/* An empty answer keeps the value; false at the end of input. */
static bool ask_field(const struct field *field, char *value)
{
	for (;;) {
		char say[256], question[256], answer[512];
		snprintf(question, sizeof question, value[0] != '\0' ? "%s [%s]: " : "%s: ", _(field->label), value);
		if (!line_ask(question, answer, sizeof answer))
			return false;
		if (answer[0] != '\0')
			put(value, field->size, answer);
		if (field->normalize != NULL)
			field->normalize(value, field->size);
		enum check_verdict verdict = field->check(value, say, sizeof say);
		if (verdict != CHECK_GOOD)
			line_say(stdout, "  %s\n", say);
		if (verdict == CHECK_GOOD || (verdict == CHECK_CONFIRM && line_confirm(_("Is it right all the same?"))))
			return true;
	}
}

bool applicant_ask(struct applicant *applicant)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (!ask_field(&fields[i], (char *)applicant + fields[i].offset))
			return false;
	return true;
}
