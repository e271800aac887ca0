#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/log.h>

#include "certhalld/certhalld.h"

static int parse_time(const char *text, const char *option, int64_t *out, struct error *err)
{
	return clock_parse_rfc3339(text, out) == 0 ? 0 : error_set(err, ERR_BAD_INPUT, text, "%s wants a time like 2026-11-22T15:34:33Z", option);
}

/* A PKCS#10 file, PEM or DER. */
static int read_csr(const char *path, struct bytes *out, struct error *err)
{
	struct bytes file = { 0 };
	int rc = file_read(path, 65536, &file, err);
	if (rc != 0)
		return rc;
	if (file.len > 0 && file.data[0] == 0x30) {
		*out = file;
		return 0;
	}
	BIO *bio = BIO_new_mem_buf(file.data, (int)file.len);
	X509_REQ *req = bio != NULL ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL;
	int len = req != NULL ? i2d_X509_REQ(req, &der) : -1;
	rc = len > 0 ? bytes_set(out, der, (size_t)len) : error_set(err, ERR_CSR_INVALID, path, "no PKCS#10");
	OPENSSL_free(der);
	X509_REQ_free(req);
	BIO_free(bio);
	bytes_free(&file);
	return rc;
}

static int write_pem(const char *path, const struct bytes *der, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	bool ok = bio != NULL && PEM_write_bio(bio, "CERTIFICATE", "", der->data, (long)der->len) > 0 && (len = BIO_get_mem_data(bio, &text)) > 0;
	int rc = ok ? file_replace(path, text, (size_t)len, err) : error_set(err, ERR_NO_MEMORY, NULL, "pem");
	BIO_free(bio);
	return rc;
}

static int record(struct hall *hall, const struct bytes *der, struct error *err)
{
	struct cert_info info;
	int rc = cert_info_read(der->data, der->len, &info, err);
	if (rc == 0)
		rc = sql_begin(hall->db[0], err);
	if (rc != 0)
		return rc;
	int64_t now = clock_now();
	char masked[64];
	rc = cert_record(hall->db[0], der, &info, true, now, err);
	if (rc == 0)
		rc = audit_write(hall->db[0], now, "certificate.issued", "", err, "fingerprint=%.16s serial=%s", info.fingerprint,
			log_mask(info.serial, masked, sizeof masked));
	return sql_commit(hall->db[0], rc, err);
}

static int issue(struct hall *hall, const struct bytes *csr, int64_t from, int64_t to, const char *out, struct error *err)
{
	char label[48];
	struct ca_plan plan;
	struct bytes der = { 0 };
	snprintf(label, sizeof label, "operator-%lld", (long long)clock_now());
	int rc = ca_plan_new(hall->ca, label, "signing", 1, from, to, &plan, err);
	if (rc == 0)
		rc = ca_issue(hall->ca, &plan, csr, NULL, &der, err);
	if (rc == 0)
		rc = record(hall, &der, err);
	if (rc == 0)
		rc = write_pem(out, &der, err);
	bytes_free(&der);
	return rc;
}

int command_issue(int argc, char **argv)
{
	const char *config = NULL, *csr_path = NULL, *from_text = NULL, *to_text = NULL, *out = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--csr", &csr_path, NULL, true },
		{ "--not-before", &from_text, NULL, true }, { "--not-after", &to_text, NULL, true }, { "--out", &out, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct bytes csr = { 0 };
	int64_t from, to;
	int rc = parse_time(from_text, "--not-before", &from, &err);
	if (rc == 0)
		rc = parse_time(to_text, "--not-after", &to, &err);
	if (rc == 0)
		rc = read_csr(csr_path, &csr, &err);
	if (rc == 0)
		rc = hall_open(config, &hall, &err);
	if (rc == 0)
		rc = issue(hall, &csr, from, to, out, &err);
	bytes_free(&csr);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

/* RFC 5280 5.3.1; its names, or its numbers. */
static int reason_of(const char *text)
{
	static const char *const names[] = { "unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", NULL, NULL, "privilegeWithdrawn" };
	for (int i = 0; i < 10; i++)
		if (names[i] != NULL && (strcasecmp(names[i], text) == 0 || (text[0] == '0' + i && text[1] == '\0')))
			return i;
	return -1;
}

static int revoke(struct hall *hall, const char *serial, int reason, struct error *err)
{
	char upper[PKI_SERIAL], fingerprint[FINGERPRINT] = "";
	size_t n = 0;
	while (serial[0] == '0' && serial[1] != '\0')
		serial++;
	for (; serial[n] != '\0' && n + 1 < sizeof upper; n++)
		upper[n] = (char)toupper((unsigned char)serial[n]);
	upper[n] = '\0';
	struct sql_stmt *q = sql_prepare(hall->db[0], "SELECT fingerprint FROM certificate WHERE serial = ? OR serial = ?");
	char padded[PKI_SERIAL + 1];
	snprintf(padded, sizeof padded, "0%s", upper);
	sql_text(q, upper);
	sql_text(q, padded);
	if (sql_row(q))
		sql_get_text(q, 0, fingerprint, sizeof fingerprint);
	int rc = sql_done(q, err);
	if (rc == 0 && fingerprint[0] == '\0')
		rc = error_set(err, ERR_BAD_INPUT, serial, "no certificate of this serial number is on record");
	if (rc == 0)
		rc = sql_begin(hall->db[0], err);
	if (rc != 0)
		return rc;
	return sql_commit(hall->db[0], cert_revoke(hall->db[0], fingerprint, reason, clock_now(), err), err);
}

int command_revoke(int argc, char **argv)
{
	const char *config = NULL, *serial = NULL, *reason = "unspecified";
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--serial", &serial, NULL, true },
		{ "--reason", &reason, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = reason_of(reason) >= 0 ? hall_open(config, &hall, &err) : error_set(&err, ERR_BAD_INPUT, reason, "--reason");
	if (rc == 0)
		rc = revoke(hall, serial, reason_of(reason), &err);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

static int note_pay(struct hall *hall, const char *number, const char *bill_no, struct error *err)
{
	int rc = sql_begin(hall->db[0], err);
	return rc != 0 ? rc : sql_commit(hall->db[0], audit_write(hall->db[0], clock_now(), "bill.pay-simulated", number, err, "bill=%s", bill_no), err);
}

int command_pay(int argc, char **argv)
{
	const char *config = NULL, *number = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, &number) || !order_given(number))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct payment_bill bill;
	int rc = hall_open(config, &hall, &err);
	if (rc == 0 && (hall->payment == NULL || !payment_is_sandbox(hall->payment))) {
		fprintf(stderr, "%s\n", _("certhalld: the payment gateway is a real one. Orders can only be paid there."));
		rc = 1;
	} else {
		if (rc == 0)
			rc = bill_newest(hall->db[0], number, &bill, &err);
		if (rc == 0)
			rc = payment_sandbox_pay(hall->payment, &bill, &err);
		if (rc == 0)
			rc = note_pay(hall, number, bill.bill_no, &err);
		rc = rc == 0 ? 0 : command_failed(&err);
	}
	hall_free(&hall);
	return rc;
}

static void print_order(const char *number, int state, int64_t created, int64_t amount, bool json, bool first)
{
	char when[24], money[24];
	if (json)
		printf("%s\n {\"number\": \"%s\", \"state\": \"%s\", \"created\": \"%s\", \"amount_fen\": %lld}", first ? "[" : ",", number,
			order_state_names[state], clock_rfc3339(created, when, sizeof when), (long long)amount);
	else
		printf("%-16s %-10s %s  %s\n", number, order_state_names[state], clock_date_time(created, when, sizeof when),
			money_text(amount, money, sizeof money));
}

static int list_orders(struct hall *hall, bool json, struct error *err)
{
	struct sql_stmt *q = sql_prepare(hall->db[0], "SELECT number, state, created, amount_fen FROM orders ORDER BY created, number");
	char number[24];
	bool first = true;
	for (; sql_row(q); first = false)
		print_order(sql_get_text(q, 0, number, sizeof number), (int)sql_get_int(q, 1), sql_get_int(q, 2), sql_get_int(q, 3), json, first);
	if (json)
		puts(first ? "[]" : "\n]");
	return sql_done(q, err);
}

int command_orders(int argc, char **argv)
{
	const char *config = NULL;
	bool json = false;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--json", NULL, &json, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0)
		rc = list_orders(hall, json, &err);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}
