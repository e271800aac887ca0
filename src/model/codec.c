#include <certhall/codec.h>

#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>
#include <certhall/clock.h>
#include <certhall/text.h>

enum { NESTING_MAX = 16, VALUES_MAX = 10000 };
static const int64_t long_most = INT64_C(1) << 53;

static struct json_object *write_bytes(const struct bytes *b)
{
	char *text = base64_encode(b->len > 0 ? (const void *)b->data : "", b->len);
	struct json_object *json = text != NULL ? json_object_new_string(text) : NULL;
	free(text);
	return json;
}

static struct json_object *write_array(const struct codec *row, const char *at, const void *value)
{
	size_t count;
	memcpy(&count, (const char *)value + row->count_offset, sizeof count);
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; array != NULL && i < count && i < row->size; i++)
		json_object_array_add(array, codec_write(row->object, at + i * row->stride));
	return array;
}

static const char *string_at(const char *at)
{
	return *(char *const *)(const void *)at;
}

static bool absent(const struct codec *row, const char *at, const void *value)
{
	if (row->kind == CODEC_OPTIONAL)
		return !*((const bool *)value + row->count_offset);
	if (row->flags & CODEC_REQUIRED)
		return false;
	switch (row->kind) {
	case CODEC_TEXT:
	case CODEC_LONG_TEXT:
	case CODEC_LINK:
		return *at == '\0';
	case CODEC_STRING:
		return string_at(at) == NULL;
	case CODEC_TIME:
		return *(const int64_t *)(const void *)at == 0;
	case CODEC_BYTES:
		return ((const struct bytes *)(const void *)at)->len == 0;
	default:
		return false;
	}
}

static struct json_object *write_row(const struct codec *row, const char *at, const void *value)
{
	char when[32];
	switch (row->kind) {
	case CODEC_TEXT:
	case CODEC_LONG_TEXT:
	case CODEC_LINK:
		return json_object_new_string(at);
	case CODEC_STRING:
		return json_object_new_string(string_at(at) != NULL ? string_at(at) : "");
	case CODEC_INT:
	case CODEC_LONG:
		return json_object_new_int64(*(const int64_t *)(const void *)at);
	case CODEC_BOOL:
		return json_object_new_boolean(*(const bool *)(const void *)at);
	case CODEC_TIME:
		return json_object_new_string(clock_rfc3339(*(const int64_t *)(const void *)at, when, sizeof when));
	case CODEC_ENUM:
		return json_object_new_string(row->names[*(const int *)(const void *)at]);
	case CODEC_BYTES:
		return write_bytes((const struct bytes *)(const void *)at);
	case CODEC_OBJECT:
	case CODEC_OPTIONAL:
		return codec_write(row->object, at);
	case CODEC_ARRAY:
		return write_array(row, at, value);
	}
	return NULL;
}

struct json_object *codec_write(const struct codec *table, const void *value)
{
	struct json_object *json = json_object_new_object();
	for (const struct codec *row = table; json != NULL && row->name != NULL; row++) {
		const char *at = (const char *)value + row->offset;
		if (!absent(row, at, value))
			json_object_object_add(json, row->name, write_row(row, at, value));
	}
	return json;
}

static int wrong(const struct codec *row, struct error *err, const char *why)
{
	return error_set(err, ERR_INVALID_FIELD, row->name, "%s: %s", row->name, why);
}

/* NULL: no string, or one that holds a NUL. */
static const char *string_of(struct json_object *json)
{
	const char *text = json_object_is_type(json, json_type_string) ? json_object_get_string(json) : NULL;
	return text != NULL && strlen(text) == (size_t)json_object_get_string_len(json) ? text : NULL;
}

static int read_text(const struct codec *row, struct json_object *json, char *at, struct error *err)
{
	const char *text = string_of(json);
	if (text == NULL)
		return wrong(row, err, "not a string");
	if (strlen(text) >= row->size)
		return wrong(row, err, "too long");
	text_sanitize(text, at, row->size, row->kind == CODEC_LONG_TEXT);
	return 0;
}

static int read_string(const struct codec *row, struct json_object *json, char *at, struct error *err)
{
	const char *text = string_of(json);
	if (text == NULL || strlen(text) >= row->size)
		return wrong(row, err, text == NULL ? "not a string" : "too long");
	char *copy = strdup(text);
	if (copy == NULL)
		return error_set(err, ERR_NO_MEMORY, row->name, "a string");
	text_sanitize(copy, copy, strlen(copy) + 1, true);
	*(char **)(void *)at = copy;
	return 0;
}

/* https, and http on this very computer, where the bank of the demo is; no name and password, no character that needs quoting. */
static bool is_link(const char *text)
{
	bool local = strncmp(text, "http://127.0.0.1:", 17) == 0 || strncmp(text, "http://127.0.0.1/", 17) == 0;
	const char *host = local ? text + 7 : text + 8;
	if (!local && strncmp(text, "https://", 8) != 0)
		return false;
	size_t name = strcspn(host, "/?#");
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p) != NULL)
			return false;
	return name > 0 && memchr(host, '@', name) == NULL;
}

static int read_enum(const struct codec *row, struct json_object *json, char *at, struct error *err)
{
	const char *text = string_of(json);
	for (int i = 0; text != NULL && row->names[i] != NULL; i++)
		if (strcmp(row->names[i], text) == 0) {
			memcpy(at, &i, sizeof i);
			return 0;
		}
	return wrong(row, err, "not one of the names");
}

static int read_array(const struct codec *row, struct json_object *json, char *at, void *value, struct error *err)
{
	if (!json_object_is_type(json, json_type_array) || json_object_array_length(json) > row->size)
		return wrong(row, err, "not an array or too long");
	size_t count = 0;
	int rc = 0;
	for (; rc == 0 && count < json_object_array_length(json); count++)
		rc = codec_read(row->object, json_object_array_get_idx(json, count), at + count * row->stride, err);
	memcpy((char *)value + row->count_offset, &count, sizeof count);
	return rc;
}

static int read_row(const struct codec *row, struct json_object *json, char *at, void *value, struct error *err)
{
	int64_t number;
	const char *text = string_of(json);
	switch (row->kind) {
	case CODEC_TEXT:
	case CODEC_LONG_TEXT:
		return read_text(row, json, at, err);
	case CODEC_STRING:
		return read_string(row, json, at, err);
	case CODEC_LINK:
		if (text != NULL && strlen(text) < row->size && is_link(text))
			strcpy(at, text);
		return 0;
	case CODEC_INT:
	case CODEC_LONG:
		if (!json_object_is_type(json, json_type_int))
			return wrong(row, err, "not an integer");
		number = json_object_get_int64(json);
		if (number < 0 || number > (row->kind == CODEC_LONG ? long_most : INT32_MAX))
			return wrong(row, err, "out of range");
		memcpy(at, &number, sizeof number);
		return 0;
	case CODEC_BOOL:
		if (!json_object_is_type(json, json_type_boolean))
			return wrong(row, err, "not true or false");
		*(bool *)(void *)at = json_object_get_boolean(json);
		return 0;
	case CODEC_TIME:
		if (text == NULL || clock_parse_rfc3339(text, &number) != 0)
			return wrong(row, err, "not a time");
		memcpy(at, &number, sizeof number);
		return 0;
	case CODEC_ENUM:
		return read_enum(row, json, at, err);
	case CODEC_BYTES:
		if (text == NULL || base64_decode(text, (struct bytes *)(void *)at) != 0)
			return wrong(row, err, "not base64");
		return 0;
	case CODEC_OPTIONAL:
		*((bool *)value + row->count_offset) = true;
		return codec_read(row->object, json, at, err);
	case CODEC_OBJECT:
		return codec_read(row->object, json, at, err);
	case CODEC_ARRAY:
		return read_array(row, json, at, value, err);
	}
	return 0;
}

int codec_read(const struct codec *table, struct json_object *json, void *value, struct error *err)
{
	if (!json_object_is_type(json, json_type_object))
		return error_set(err, ERR_BAD_INPUT, "JSON", "not an object");
	for (const struct codec *row = table; row->name != NULL; row++) {
		struct json_object *member;
		if (!json_object_object_get_ex(json, row->name, &member) || member == NULL) {
			if (row->flags & CODEC_REQUIRED)
				return wrong(row, err, "missing");
			continue;
		}
		int rc = read_row(row, member, (char *)value + row->offset, value, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* An empty object of two bytes takes json-c some hundred: what a text may have of them is counted before it is parsed. */
static bool too_many_values(const char *text, size_t len)
{
	bool in_string = false;
	size_t values = 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '"')
			in_string = !in_string;
		else if (in_string && text[i] == '\\')
			i++;
		else if (!in_string && (text[i] == '{' || text[i] == '[' || text[i] == ','))
			values++;
	return values > VALUES_MAX;
}

int codec_parse(const struct codec *table, const char *text, size_t len, void *value, struct error *err)
{
	if (too_many_values(text, len))
		return error_set(err, ERR_BAD_INPUT, "JSON", "more than %d values", VALUES_MAX);
	struct json_tokener *tokener = json_tokener_new_ex(NESTING_MAX);
	if (tokener == NULL || len > BYTES_MAX)
		return error_set(err, ERR_NO_MEMORY, NULL, "json tokener");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *json = json_tokener_parse_ex(tokener, text, (int)len);
	enum json_tokener_error state = json_tokener_get_error(tokener);
	bool whole = json != NULL && state == json_tokener_success && json_tokener_get_parse_end(tokener) == len;
	json_tokener_free(tokener);
	int rc = whole ? codec_read(table, json, value, err)
		       : error_set(err, ERR_BAD_INPUT, "JSON", "%s", json_tokener_error_desc(state));
	json_object_put(json);
	return rc;
}

char *codec_text(const struct codec *table, const void *value)
{
	struct json_object *json = codec_write(table, value);
	const char *text = json != NULL ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;
	char *copy = text != NULL ? strdup(text) : NULL;
	json_object_put(json);
	return copy;
}

static void free_string(char **text)
{
	free(*text);
	*text = NULL;
}

void codec_free(const struct codec *table, void *value)
{
	for (const struct codec *row = table; row->name != NULL; row++) {
		char *at = (char *)value + row->offset;
		if (row->kind == CODEC_BYTES)
			bytes_free((struct bytes *)(void *)at);
		else if (row->kind == CODEC_STRING)
			free_string((char **)(void *)at);
		else if (row->kind == CODEC_OBJECT || row->kind == CODEC_OPTIONAL)
			codec_free(row->object, at);
		else if (row->kind == CODEC_ARRAY)
			for (size_t i = 0; i < row->size; i++)
				codec_free(row->object, at + i * row->stride);
	}
}
