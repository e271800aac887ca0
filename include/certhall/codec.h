/* One table a message: the same rows write it as JSON on one side and read it on the other. */
#ifndef CERTHALL_CODEC_H
#define CERTHALL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <certhall/error.h>

enum codec_kind {
	CODEC_TEXT,   /* char[size], sanitised when read; too long is an error, not a cut */
	CODEC_LONG_TEXT, /* the same, newlines kept */
	CODEC_STRING, /* the same as a char *, malloc'd; size: bytes it may have with its NUL */
	CODEC_LINK,   /* char[size]; a web address a phone may be sent to, else read as "" */
	CODEC_INT,    /* int64_t; read from 0 to 2^31-1 only: all our numbers count something */
	CODEC_LONG,   /* the same up to 2^53, what JSON's readers keep exactly */
	CODEC_BOOL,   /* bool */
	CODEC_TIME,   /* int64_t seconds <-> RFC 3339; 0 <-> absent */
	CODEC_ENUM,   /* int <-> one of names (up to NULL) */
	CODEC_BYTES,  /* struct bytes <-> base64 */
	CODEC_OBJECT, /* a struct of its own; object tells its rows */
	CODEC_OPTIONAL, /* the same, there only when the bool at count_offset (has_NAME) says so */
	CODEC_ARRAY,  /* up to size structs of stride bytes at offset; their number, a size_t, at count_offset */
};

enum { CODEC_REQUIRED = 1 }; /* flag: reading fails without it; otherwise absent leaves zero */

struct codec {
	const char *name; /* NULL ends a table */
	enum codec_kind kind;
	size_t offset, size;
	int flags;
	const char *const *names;
	const struct codec *object;
	size_t stride, count_offset;
};

#define CODEC_SIZE(type, field) sizeof(((type *)0)->field)
#define CODEC_ROW(type, field, kind_, flags_) \
	{ .name = #field, .kind = kind_, .offset = offsetof(type, field), .size = CODEC_SIZE(type, field), .flags = flags_ }
#define CODEC_ENUM_ROW(type, field, names_, flags_) \
	{ .name = #field, .kind = CODEC_ENUM, .offset = offsetof(type, field), .size = CODEC_SIZE(type, field), .flags = flags_, .names = names_ }
#define CODEC_STRING_ROW(type, field, size_, flags_) \
	{ .name = #field, .kind = CODEC_STRING, .offset = offsetof(type, field), .size = size_, .flags = flags_ }
#define CODEC_OBJECT_ROW(type, field, object_, flags_) \
	{ .name = #field, .kind = CODEC_OBJECT, .offset = offsetof(type, field), .size = CODEC_SIZE(type, field), .flags = flags_, .object = object_ }
/* bool has_field stands beside it */
#define CODEC_OPTIONAL_ROW(type, field, object_) \
	{ .name = #field, .kind = CODEC_OPTIONAL, .offset = offsetof(type, field), .size = CODEC_SIZE(type, field), \
	  .object = object_, .count_offset = offsetof(type, has_##field) }
/* field is an array, field_count beside it the number of entries */
#define CODEC_ARRAY_ROW(type, field, object_, flags_) \
	{ .name = #field, .kind = CODEC_ARRAY, .offset = offsetof(type, field), \
	  .size = CODEC_SIZE(type, field) / CODEC_SIZE(type, field[0]), .flags = flags_, .object = object_, \
	  .stride = CODEC_SIZE(type, field[0]), .count_offset = offsetof(type, field##_count) }

/* A new JSON object; NULL when memory is short. */
struct json_object *codec_write(const struct codec *table, const void *value) CH_MUST_CHECK;
/* Reads into *value, which the caller has zeroed; on failure it may be half filled: free it as usual. Unknown members are
 * passed over. ERR_INVALID_FIELD with the member's name, ERR_NO_MEMORY. */
int codec_read(const struct codec *table, struct json_object *json, void *value, struct error *err) CH_MUST_CHECK;
/* Parses text (at most len bytes, nesting at most 16, 10,000 values) and reads it. ERR_BAD_INPUT when it is not one JSON object. */
int codec_parse(const struct codec *table, const char *text, size_t len, void *value, struct error *err) CH_MUST_CHECK;
/* As text, malloc'd. */
char *codec_text(const struct codec *table, const void *value) CH_MUST_CHECK;
/* Releases the CODEC_BYTES and CODEC_STRINGs inside and zeroes them. */
void codec_free(const struct codec *table, void *value);

#endif
