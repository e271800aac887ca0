/* What a merchant can ask the bank for. */
#ifndef BANK_BILLS_H
#define BANK_BILLS_H

#include <json-c/json.h>

#include "bank/bank.h"

struct operation {
	const char *msg_type, *path; /* its name in either transport */
	enum verdict (*run)(struct bank *bank, json_object *in, json_object *out);
};

/* By msg_type, or by path when msg_type is NULL; NULL: there is none. */
const struct operation *bills_operation(const char *msg_type, const char *path);

/* All that is left of a bill's payments goes back, under the bill's number with mark behind it: at the merchant's own counter. */
bool bank_give_back(struct bank *bank, const char *bill_no, char mark);

#endif
