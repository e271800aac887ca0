/* Reading and writing the members of a message. */
#ifndef BANK_MESSAGE_H
#define BANK_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#define MESSAGE_DATE "0000-00-00"
#define MESSAGE_DATE_TIME "0000-00-00 00:00:00"

const char *message_text(json_object *in, const char *name); /* "" when it is no string; borrowed */

/* An amount in fen: an integer above zero, as a number or as digits; -1 otherwise. */
int64_t message_amount(json_object *in, const char *name);

/* A moment in China time. shape: what it must look like, a 0 standing for any digit. */
bool message_moment(const char *from, const char *shape, int64_t *out);

void message_put(json_object *out, const char *name, const char *value);
void message_put_int(json_object *out, const char *name, int64_t value);

#endif
