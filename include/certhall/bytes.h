/* A growing run of bytes with a maximum, and the text forms bytes take (base64, hex). */
#ifndef CERTHALL_BYTES_H
#define CERTHALL_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include <certhall/error.h>

/* Owned: bytes_free releases it. data is NULL when nothing was ever added, otherwise NUL-terminated behind len. */
struct bytes {
	uint8_t *data;
	size_t len;
	size_t room;
};

/* Longest a buffer may grow; a peer that sends more is refused. */
#define BYTES_MAX (16u * 1024 * 1024)

int bytes_append(struct bytes *b, const void *data, size_t len) CH_MUST_CHECK; /* 0, ERR_NO_MEMORY or ERR_TOO_LARGE */
int bytes_set(struct bytes *b, const void *data, size_t len) CH_MUST_CHECK;    /* replaces what was there */
void bytes_drop(struct bytes *b, size_t n);                                    /* removes n from the front */
void bytes_free(struct bytes *b);                                              /* leaves it empty */

/* Base64 with padding (RFC 4648 section 4), one line. encode gives a malloc'd string or NULL; decode refuses
 * anything else than exactly that form (ERR_BAD_INPUT). */
char *base64_encode(const void *data, size_t len) CH_MUST_CHECK;
int base64_decode(const char *text, struct bytes *out) CH_MUST_CHECK;

/* Lower-case hex; out holds 2*len+1. decode gives the number of bytes, or -1. */
char *hex_encode(const void *data, size_t len, char *out);
int hex_decode(const char *text, uint8_t *out, size_t size);

#endif
