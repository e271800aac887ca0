#include "token/wire.h"

#include <stdlib.h>

enum { DEPTH_MAX = 8 };

struct json_object *wire_parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (tokener == NULL)
		return NULL;
	struct json_object *object = len <= WIRE_JSON_MAX ? json_tokener_parse_ex(tokener, text, (int)len) : NULL;
	if (object != NULL && !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

static bool add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value == NULL)
		return false;
	if (json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

bool wire_add_bytes(struct json_object *object, const char *key, const void *data, size_t len)
{
	char *text = base64_encode(data, len);
	bool added = text != NULL && wire_add_text(object, key, text);
	free(text);
	return added;
}

bool wire_add_text(struct json_object *object, const char *key, const char *text)
{
	return add(object, key, json_object_new_string(text));
}

bool wire_add_number(struct json_object *object, const char *key, int64_t number)
{
	return add(object, key, json_object_new_int64(number));
}

bool wire_add_bool(struct json_object *object, const char *key, bool value)
{
	return add(object, key, json_object_new_boolean(value));
}

const char *wire_text(struct json_object *object, const char *key)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

int64_t wire_number(struct json_object *object, const char *key)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_int))
		return 0;
	return json_object_get_int64(value);
}

bool wire_bool(struct json_object *object, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(object, key, &value) && json_object_get_boolean(value);
}

int wire_bytes(struct json_object *object, const char *key, struct bytes *out)
{
	return base64_decode(wire_text(object, key), out);
}

struct json_object *wire_array(struct json_object *object, const char *key)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}
