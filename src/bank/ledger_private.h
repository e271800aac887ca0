/* What the parts of the ledger share. */
#ifndef BANK_LEDGER_PRIVATE_H
#define BANK_LEDGER_PRIVATE_H

#include <sqlite3.h>

#include "bank/ledger.h"

/* types: 't' const char *, 'i' int64_t; one for each parameter of sql. NULL: failed, and logged. */
sqlite3_stmt *ledger_query(struct ledger *ledger, const char *sql, const char *types, ...);

#endif
