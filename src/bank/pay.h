/* A payment as the protocol shows it. */
#ifndef BANK_PAY_H
#define BANK_PAY_H

#include <json-c/json.h>

#include "bank/ledger.h"

/* The billPayment member of an answer or a notification. NULL: no memory. */
json_object *bank_payment_json(const struct bill *bill, const struct bill_payment *payment);

#endif
