#include <certhall/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

static const struct {
	const char *name;
	int status;
	const char *sentence;
} codes[ERR_COUNT] = {
#define X(id, name, status, sentence) [ERR_##id] = { name, status, sentence },
#include <certhall/error_codes.h>
#undef X
};

int error_set(struct error *err, enum error_code code, const char *param, const char *detail_fmt, ...)
{
	if (err == NULL)
		return (int)code;
	err->code = code;
	text_sanitize(param != NULL ? param : "", err->param, sizeof err->param, false);
	va_list args;
	va_start(args, detail_fmt);
	vsnprintf(err->detail, sizeof err->detail, detail_fmt, args);
	va_end(args);
	return (int)code;
}

const char *error_name(enum error_code code)
{
	return (unsigned)code < ERR_COUNT ? codes[code].name : codes[ERR_UNEXPECTED].name;
}

enum error_code error_from_name(const char *name)
{
	for (int i = 0; i < ERR_COUNT; i++)
		if (strcmp(codes[i].name, name) == 0)
			return (enum error_code)i;
	return ERR_UNEXPECTED;
}

int error_http_status(enum error_code code)
{
	return (unsigned)code < ERR_COUNT ? codes[code].status : 500;
}

/* The sentences are ours and hold at most one %s; a translation is held to that by msgfmt -c. */
char *error_sentence(const struct error *err, char *out, size_t size)
{
	const char *sentence = _(codes[(unsigned)err->code < ERR_COUNT ? err->code : ERR_UNEXPECTED].sentence);
	const char *mark = strstr(sentence, "%s");
	if (mark == NULL)
		snprintf(out, size, "%s", sentence);
	else
		snprintf(out, size, "%.*s%s%s", (int)(mark - sentence), sentence, err->param, mark + 2);
	return out;
}
