/* The audit log: what was done, by whom, to what. Each row's hash is over the row and the hash before it, the numbers of a
 * node have no gaps, and the last row is remembered beside the table and, signed, in a file elsewhere: what is changed, taken out
 * or cut off afterwards is seen (docs/operations.md). Nothing personal is written: numbers of orders and bills, states, amounts. */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "service/store/sql.h"

struct settings;

enum { AUDIT_HASH = 65, AUDIT_NODE = 32, AUDIT_TEXT = 512 };

struct audit_row {
	char node[AUDIT_NODE], actor[96], action[32], subject[80], details[AUDIT_TEXT], hash[AUDIT_HASH];
	int64_t seq, at;
};

/* Whose chain this process writes on; before other threads run. */
void audit_open(const char *node);

/* Who does what this thread writes from now on: "bank", "sweep", "holder 0123456789abcdef", "staff NAME". */
void audit_as(const char *actor);

/* In a transaction, the one with the change it tells of. details: name=value, separated by spaces. */
int audit_write(struct sql *db, int64_t now, const char *action, const char *subject, struct error *err, const char *details, ...)
	CH_PRINTF(6, 7) CH_MUST_CHECK;

/* A person's words for details: sanitised, what may be a number of somebody's (five digits and more) or an address is starred. */
char *audit_mask(const char *words, char *out, size_t size);

/* SHA-256 in hex over node, seq, at, actor, action, subject, details and the hash before (empty for the first), each as LENGTH:BYTES, */
void audit_hash(const struct audit_row *row, const char *before, char out[AUDIT_HASH]);

/* The next row of a query for node, seq, at, actor, action, subject, details, hash. */
bool audit_next(struct sql_stmt *q, struct audit_row *out);

/* The remembered last row of a node: node, seq, hash; seq 0: none. */
int audit_head(struct sql *db, const char *node, struct audit_row *out, struct error *err) CH_MUST_CHECK;

/* Writes the head, signed by the components' key, to the configured file (none: does nothing) unless it is *last, which it updates. */
int audit_head_export(struct sql *db, const struct settings *settings, int64_t *last, int64_t now, struct error *err) CH_MUST_CHECK;
/* Reads it back and checks the signature. ERR_FILE, ERR_SIGNATURE_INVALID. */
int audit_head_import(const char *path, const struct settings *settings, struct audit_row *out, struct error *err) CH_MUST_CHECK;

#endif
