#include "bank/message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHINA = 8 * 3600 };

const char *message_text(json_object *in, const char *name)
{
	json_object *value = json_object_object_get(in, name);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

void message_put(json_object *out, const char *name, const char *value)
{
	json_object_object_add(out, name, json_object_new_string(value));
}

void message_put_int(json_object *out, const char *name, int64_t value)
{
	json_object_object_add(out, name, json_object_new_int64(value));
}

int64_t message_amount(json_object *in, const char *name)
{
	json_object *value = json_object_object_get(in, name);
	const char *digits = json_object_get_string(value);
	if (value == NULL || digits == NULL || (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_string)))
		return -1;
	size_t len = strlen(digits);
	if (len == 0 || len > 12 || strspn(digits, "0123456789") != len || digits[0] == '0')
		return -1;
	return strtoll(digits, NULL, 10);
}

bool message_moment(const char *from, const char *shape, int64_t *out)
{
	char digits[] = "00000000000000";
	size_t n = 0, len = strlen(shape);
	if (strlen(from) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool digit = isdigit((unsigned char)from[i]);
		if (shape[i] == '0' ? !digit : from[i] != shape[i])
			return false;
		if (digit)
			digits[n++] = from[i];
	}
	struct tm tm = { 0 };
	if (sscanf(digits, "%4d%2d%2d%2d%2d%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	struct tm given = tm;
	*out = (int64_t)timegm(&tm) - CHINA;
	return tm.tm_mon == given.tm_mon && tm.tm_mday == given.tm_mday && tm.tm_hour == given.tm_hour && tm.tm_min == given.tm_min
		&& tm.tm_sec == given.tm_sec; /* no 30th of February */
}
