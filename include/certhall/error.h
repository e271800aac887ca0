/* An error as a value: what went wrong (code), with what (param), and the detail for the log.
 *
 * Every failure is translated into this shape where it enters the program (token, hall, sql, file), so
 * no CKR_, CURLE_, SQLITE_ or OpenSSL code travels further. The sentence a person reads is made from the
 * code in the reader's language; the hall sends the code and the parameter, never the sentence.
 */
#ifndef CERTHALL_ERROR_H
#define CERTHALL_ERROR_H

#include <stddef.h>

#define CH_MUST_CHECK __attribute__((warn_unused_result))
#define CH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum error_code {
#define X(id, name, status, sentence) ERR_##id,
#include <certhall/error_codes.h>
#undef X
	ERR_COUNT
};

struct error {
	enum error_code code;
	char param[128];  /* what the sentence's %s stands for: a date, a name; UTF-8, sanitised */
	char detail[256]; /* for the log and the details line; never secrets or personal data */
};

/* Sets *err (may be NULL) and returns code, so that a failing function can `return error_set(...)`. */
int error_set(struct error *err, enum error_code code, const char *param, const char *detail_fmt, ...) CH_PRINTF(4, 5);

/* The stable name of a code, as problem documents carry it (RFC 9457 "type": "urn:certhall:problem:NAME"). */
const char *error_name(enum error_code code);

/* The code of a stable name; ERR_UNEXPECTED for a name this version does not know. */
enum error_code error_from_name(const char *name);

/* The HTTP status the hall answers a code with. */
int error_http_status(enum error_code code);

/* The plain sentence for the person, in the current language: what happened and what to do. Always
 * terminated; returns out. */
char *error_sentence(const struct error *err, char *out, size_t size);

#endif
