#include "service/store/sql.h"

/* Kept to what SQLite and PostgreSQL share: TEXT, BIGINT, BLOB (bytea there). Moments are seconds, money is fen. A step is
 * never changed once it is out; the next one is added. */
const char *const sql_schema[] = {
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL);"

	/* Every certificate that was issued here or has logged in. serial: upper-case hex. */
	"CREATE TABLE certificate ("
	" fingerprint TEXT PRIMARY KEY, issuer TEXT NOT NULL, serial TEXT NOT NULL, spki_sha256 TEXT NOT NULL,"
	" der BLOB NOT NULL, subject TEXT NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL,"
	" issued_here BIGINT NOT NULL DEFAULT 0, recorded_at BIGINT NOT NULL,"
	" revoked_at BIGINT, reason BIGINT, replaced_by TEXT,"
	" UNIQUE (issuer, serial));"
	"CREATE INDEX certificate_revoked ON certificate (revoked_at) WHERE revoked_at IS NOT NULL;"

	"CREATE TABLE orders ("
	" number TEXT PRIMARY KEY, state BIGINT NOT NULL, revision BIGINT NOT NULL, created BIGINT NOT NULL,"
	" expires BIGINT NOT NULL, changed BIGINT NOT NULL, amount_fen BIGINT NOT NULL, price_note TEXT NOT NULL,"
	" project TEXT NOT NULL, project_name TEXT NOT NULL, algorithms TEXT NOT NULL, remove_old BIGINT NOT NULL,"
	" old_not_after BIGINT NOT NULL, new_not_after BIGINT NOT NULL, validity_months BIGINT NOT NULL,"
	" invoice_days BIGINT NOT NULL, applicant TEXT NOT NULL, wallet TEXT NOT NULL DEFAULT '',"
	" paid_at BIGINT NOT NULL DEFAULT 0);"
	"CREATE INDEX orders_unpaid ON orders (expires) WHERE state IN (0, 1);"

	/* One certificate of an order. attempt counts key pairs; plan_* is what the CA was asked to sign. */
	"CREATE TABLE order_item ("
	" number TEXT NOT NULL REFERENCES orders, role TEXT NOT NULL, old_fingerprint TEXT NOT NULL,"
	" state BIGINT NOT NULL, attempt BIGINT NOT NULL DEFAULT 0, spki_sha256 TEXT, csr BLOB,"
	" plan_transaction TEXT, plan_serial TEXT, plan_not_before BIGINT, plan_not_after BIGINT,"
	" new_fingerprint TEXT REFERENCES certificate (fingerprint),"
	" PRIMARY KEY (number, role), UNIQUE (plan_transaction), UNIQUE (plan_serial), UNIQUE (new_fingerprint));"
	"CREATE INDEX order_item_old ON order_item (old_fingerprint);"

	/* A certificate has at most one open order. */
	"CREATE TABLE open_item (old_fingerprint TEXT PRIMARY KEY, number TEXT NOT NULL REFERENCES orders);"
	"CREATE INDEX open_item_number ON open_item (number);"

	/* The gateway's side of an order. state: 0 asked, 1 open, 2 closed, 3 paid. */
	"CREATE TABLE bill ("
	" bill_no TEXT PRIMARY KEY, number TEXT NOT NULL REFERENCES orders, attempt BIGINT NOT NULL,"
	" bill_date TEXT NOT NULL, amount_fen BIGINT NOT NULL, qr_id TEXT NOT NULL DEFAULT '',"
	" qr_url TEXT NOT NULL DEFAULT '', expires BIGINT NOT NULL, state BIGINT NOT NULL, created BIGINT NOT NULL,"
	" UNIQUE (number, attempt));"
	"CREATE INDEX bill_waiting ON bill (created) WHERE state < 3;"

	"CREATE TABLE payment ("
	" bill_no TEXT PRIMARY KEY REFERENCES bill, number TEXT NOT NULL REFERENCES orders, amount_fen BIGINT NOT NULL,"
	" gateway_transaction TEXT UNIQUE, wallet TEXT NOT NULL, paid_at BIGINT NOT NULL, learned_at BIGINT NOT NULL);"

	/* state: 0 asked, 1 done, 2 failed (somebody must look) */
	"CREATE TABLE refund ("
	" refund_no TEXT PRIMARY KEY, bill_no TEXT NOT NULL UNIQUE REFERENCES payment, number TEXT NOT NULL,"
	" amount_fen BIGINT NOT NULL, state BIGINT NOT NULL, created BIGINT NOT NULL);"
	"CREATE INDEX refund_waiting ON refund (created) WHERE state = 0;"

	/* seq is taken under the subject's own row, so that it has no gaps and a reader misses nothing. */
	"CREATE TABLE event ("
	" subject TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (subject, seq));"

	"CREATE TABLE challenge_used (id TEXT PRIMARY KEY, expires BIGINT NOT NULL);"
	"CREATE INDEX challenge_used_expires ON challenge_used (expires);"

	"CREATE TABLE session ("
	" token_sha256 TEXT PRIMARY KEY, fingerprint TEXT NOT NULL REFERENCES certificate, created BIGINT NOT NULL,"
	" used BIGINT NOT NULL);"
	"CREATE INDEX session_used ON session (used);",

	/* What was done, chained by hashes; audit_head remembers the last row of each node (audit.h). */
	"CREATE TABLE audit ("
	" node TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,"
	" subject TEXT NOT NULL, details TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (node, seq));"
	"CREATE INDEX audit_subject ON audit (subject);"
	"CREATE TABLE audit_head (node TEXT PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL);",

	/* A bill may be paid twice: nth. told_fen: the amount of the bill as the gateway told it. state: 0 counted, 1 held for staff
	 * (held_for: why). A refund that was refused (2) leaves room for another. 3: waits for a second person. */
	"CREATE TABLE payment_next ("
	" bill_no TEXT NOT NULL REFERENCES bill, nth BIGINT NOT NULL, number TEXT NOT NULL REFERENCES orders,"
	" amount_fen BIGINT NOT NULL, told_fen BIGINT NOT NULL, gateway_transaction TEXT NOT NULL, gateway_sequence TEXT NOT NULL,"
	" wallet TEXT NOT NULL, paid_at BIGINT NOT NULL, learned_at BIGINT NOT NULL, state BIGINT NOT NULL,"
	" held_for TEXT NOT NULL, PRIMARY KEY (bill_no, nth));"
	"INSERT INTO payment_next SELECT bill_no, 1, number, amount_fen, amount_fen, COALESCE(gateway_transaction, ''), '', wallet,"
	" paid_at, learned_at, 0, '' FROM payment;"
	"CREATE TABLE refund_next ("
	" refund_no TEXT PRIMARY KEY, bill_no TEXT NOT NULL, nth BIGINT NOT NULL, number TEXT NOT NULL, amount_fen BIGINT NOT NULL,"
	" state BIGINT NOT NULL, created BIGINT NOT NULL, done_at BIGINT NOT NULL, reason TEXT NOT NULL, asked_by TEXT NOT NULL,"
	" approved_by TEXT NOT NULL);"
	"INSERT INTO refund_next SELECT refund_no, bill_no, 1, number, amount_fen, state, created, created, '', '', '' FROM refund;"
	"DROP TABLE refund;"
	"DROP TABLE payment;"
	"ALTER TABLE payment_next RENAME TO payment;"
	"ALTER TABLE refund_next RENAME TO refund;"
	"CREATE UNIQUE INDEX refund_once ON refund (bill_no, nth) WHERE state <> 2;"
	"CREATE INDEX refund_waiting ON refund (created) WHERE state IN (0, 3);"
	"CREATE INDEX payment_number ON payment (number);"
	"CREATE INDEX payment_held ON payment (learned_at) WHERE state = 1;"
	"CREATE INDEX payment_transaction ON payment (gateway_transaction);"
	"CREATE INDEX payment_paid_at ON payment (paid_at);",

	/* One invoice an order. title_key: the unit's name as it is looked for (invoice_title_key). The number is taken from the counter and stored before the document is made. The documents stand in the
	 * database, so that they are there exactly when the invoice is issued, and in every backup. */
	"CREATE TABLE invoice ("
	" id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE REFERENCES orders, state BIGINT NOT NULL, due BIGINT NOT NULL,"
	" tries BIGINT NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', invoice_no TEXT UNIQUE, created BIGINT NOT NULL,"
	" issued BIGINT NOT NULL DEFAULT 0, amount_fen BIGINT NOT NULL, title TEXT NOT NULL, title_key TEXT NOT NULL, tax_no TEXT NOT NULL,"
	" phone TEXT NOT NULL, contact TEXT NOT NULL);"
	"CREATE INDEX invoice_unit ON invoice (tax_no, title_key, phone, created, id);"
	"CREATE INDEX invoice_due ON invoice (due) WHERE state = 0;"
	"CREATE TABLE invoice_file ("
	" id TEXT NOT NULL REFERENCES invoice, format TEXT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL,"
	" content BLOB NOT NULL, PRIMARY KEY (id, format));"
	"CREATE TABLE counter (name TEXT PRIMARY KEY, last BIGINT NOT NULL);"
	"INSERT INTO counter (name, last) VALUES ('invoice', 0);"
	/* What a query may see: a unit's (title, tax_no, phone) or a certificate's. */
	"CREATE TABLE invoice_grant ("
	" token_sha256 TEXT PRIMARY KEY, expires BIGINT NOT NULL, title TEXT NOT NULL, tax_no TEXT NOT NULL, phone TEXT NOT NULL,"
	" fingerprint TEXT NOT NULL);"
	"CREATE INDEX invoice_grant_expires ON invoice_grant (expires);"
	"CREATE TABLE captcha (id TEXT PRIMARY KEY, answer TEXT NOT NULL, expires BIGINT NOT NULL);"
	"CREATE INDEX captcha_expires ON captcha (expires);"
	"CREATE INDEX order_item_new ON order_item (new_fingerprint);",

	/* Live service. conversation.state: enum conversation_state; agent: who answers or is offered it, till offered_until; passed: who did not
	 * answer; fingerprint: the customer's certificate, if one was shown. A message's id is its sender's. */
	"CREATE TABLE agent ("
	" id TEXT PRIMARY KEY, name TEXT NOT NULL, role BIGINT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, most BIGINT NOT NULL,"
	" state BIGINT NOT NULL DEFAULT 0, seen BIGINT NOT NULL DEFAULT 0, created BIGINT NOT NULL, removed BIGINT NOT NULL DEFAULT 0);"
	"CREATE TABLE conversation ("
	" id TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE, request_sha256 TEXT NOT NULL UNIQUE, state BIGINT NOT NULL, revision BIGINT NOT NULL DEFAULT 0,"
	" fingerprint TEXT NOT NULL, holder TEXT NOT NULL, topic TEXT NOT NULL, language TEXT NOT NULL, wanted TEXT NOT NULL,"
	" agent TEXT NOT NULL DEFAULT '', offered_until BIGINT NOT NULL DEFAULT 0, passed TEXT NOT NULL DEFAULT '', created BIGINT NOT NULL,"
	" since BIGINT NOT NULL, last_seq BIGINT NOT NULL DEFAULT 0, customer_got BIGINT NOT NULL DEFAULT 0, customer_read BIGINT NOT NULL DEFAULT 0,"
	" agent_got BIGINT NOT NULL DEFAULT 0, agent_read BIGINT NOT NULL DEFAULT 0, rating BIGINT NOT NULL DEFAULT 0, callback TEXT NOT NULL);"
	"CREATE INDEX conversation_waiting ON conversation (number) WHERE state = 0;"
	"CREATE INDEX conversation_agent ON conversation (agent, state, since);"
	"CREATE INDEX conversation_state ON conversation (state, since);"
	"CREATE INDEX conversation_holder ON conversation (fingerprint) WHERE state IN (0, 1);"
	"CREATE TABLE message ("
	" conversation TEXT NOT NULL REFERENCES conversation, seq BIGINT NOT NULL, id TEXT NOT NULL, side BIGINT NOT NULL, kind BIGINT NOT NULL,"
	" author TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (conversation, seq), UNIQUE (conversation, id));"
	"CREATE TABLE conversation_token (token_sha256 TEXT PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversation);"
	"CREATE INDEX conversation_token_of ON conversation_token (conversation);",

	/* What staff say of a held payment: 0 accept, 1 dismiss (payment.state 2). refund.state 4: withdrawn before it was approved. */
	"CREATE TABLE verdict ("
	" bill_no TEXT NOT NULL REFERENCES bill, nth BIGINT NOT NULL, number TEXT NOT NULL, verdict BIGINT NOT NULL, reason TEXT NOT NULL,"
	" asked BIGINT NOT NULL, asked_by TEXT NOT NULL, approved_by TEXT NOT NULL DEFAULT '', PRIMARY KEY (bill_no, nth));"
	"DROP INDEX refund_once;"
	"CREATE UNIQUE INDEX refund_once ON refund (bill_no, nth) WHERE state IN (0, 1, 3);",
	NULL
};
