/* Text as columns. All text inside the program is UTF-8; only src/term converts it to the terminal's encoding. */
#ifndef CERTHALL_TEXT_H
#define CERTHALL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who says how many columns a printable character takes (the terminal, once it is open); NULL: Unicode's own answer, with
 * ambiguous characters in one column. */
void text_set_columns(int (*columns)(uint32_t character));

/* The character at text: its bytes (0 at the end); *character gets its code point, U+FFFD for a byte that is not UTF-8. */
size_t text_character(const char *text, uint32_t *character);

/* Columns of one character; 0 for combining marks and for what must not be shown. */
int text_columns(uint32_t character);

/* False for what text_sanitize drops. */
bool text_is_safe(uint32_t character);

/* Columns text takes; combining marks take none. A byte that is not UTF-8 counts as one column. */
int text_width(const char *text);

/* Bytes of the longest prefix that takes at most columns, never half a character nor without its combining marks;
 * *used (may be NULL) gets the columns it takes. */
size_t text_cut(const char *text, int columns, int *used);

/* The prefix that fits into columns, with "..." at its end when something was left out. out holds size bytes. */
char *text_ellipsis(const char *text, int columns, char *out, size_t size);

/* Bytes of the next line when text is wrapped to columns by UAX #14 (a newline always ends it); *skip gets the bytes to
 * pass over to the start of the line after it. 0 with *skip 0 at the end of text. */
size_t text_wrap(const char *text, int columns, size_t *skip);

/* The character (grapheme cluster, UAX #29) before and behind a byte offset: its own start, or the offset of the next. */
size_t text_previous(const char *text, size_t at);
size_t text_next(const char *text, size_t at);

/* What came from outside, made safe to store and to show: valid UTF-8 only; no C0 but newline (kept only when
 * keep_newlines), DEL, C1, bidi controls, zero width, tags, private use, noncharacters; at most 4 combining marks on
 * a character and none without one. Cuts at size. Returns the length. in and out may be the same buffer. */
size_t text_sanitize(const char *in, char *out, size_t size, bool keep_newlines);

/* NFKC (full-width digits and letters become ASCII), without surrounding white space. out holds size bytes. */
char *text_normalize(const char *in, char *out, size_t size);

/* Bytes the text takes in GBK (tax and invoice fields are limited so); -1 when a character is not in GBK. */
int text_gbk_length(const char *text);

#endif
