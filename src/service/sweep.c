#include <string.h>
#include <time.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "service/bill.h"
#include "service/invoice.h"

/* What nobody asks for: deadlines, payments that no notification told about, refunds, and rows whose time has passed. Uses the
 * database connection 0. */

enum { BATCH = 64, LATE_SECONDS = 86400, TIDY_SECONDS = 60, HOUR = 3600, JUMP_SECONDS = 60 };

/* A bill is asked about at the ages first, 2 first, 4 first ...: true when one of them lies between the last look and now. One that
 * was made in the future, by a clock that was set back since, is asked about at the same distances from there. */
static bool due(const struct hall *hall, int64_t created, int64_t last, int64_t now)
{
	for (int64_t age = hall->settings.sweep_first; age <= LATE_SECONDS; age *= 2)
		if ((created + age > last && created + age <= now) || (created > now && created - age > last && created - age <= now))
			return true;
	return false;
}

struct look {
	char bill_no[PAYMENT_NO_SIZE], refund_no[PAYMENT_NO_SIZE];
	int64_t created;
};

static int list(struct sql *db, const char *text, int64_t moment, const char *after, struct look out[BATCH], int *count, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, text);
	sql_int(q, moment);
	sql_text(q, after);
	*count = 0;
	while (*count < BATCH && sql_row(q)) {
		struct look *look = &out[(*count)++];
		sql_get_text(q, 0, look->bill_no, sizeof look->bill_no);
		sql_get_text(q, 1, look->refund_no, sizeof look->refund_no);
		look->created = sql_get_int(q, 2);
	}
	return sql_done(q, err);
}

static bool ending(struct hall *hall)
{
	pthread_mutex_lock(&hall->sweep_lock);
	bool yes = hall->ending;
	pthread_mutex_unlock(&hall->sweep_lock);
	return yes;
}

static void ask(struct hall *hall, const char *bill_no, int64_t now, struct error *err)
{
	struct bill bill;
	if (bill_load(hall->db[0], bill_no, &bill, err) != 0 || bill.state == BILL_PAID)
		return;
	order_lock(hall, LOCK_BILL, bill.number);
	if (bill_ask(hall, hall->db[0], &bill, now, err) != 0)
		log_line(LOG_LEVEL_INFO, "sweep", "bill %s: %s", bill.gateway.bill_no, err->detail);
	order_unlock(hall, LOCK_BILL, bill.number);
}

static void sweep_bills(struct hall *hall, int64_t last, int64_t now, struct error *err)
{
	static const char text[] = "SELECT bill_no, '', created FROM bill WHERE state < 3 AND state > 0 AND created > ? AND bill_no > ?"
				   " ORDER BY bill_no LIMIT 64";
	struct look looks[BATCH];
	char after[PAYMENT_NO_SIZE] = "";
	int count;
	do {
		if (list(hall->db[0], text, now - LATE_SECONDS, after, looks, &count, err) != 0)
			return;
		for (int i = 0; i < count && !ending(hall); i++)
			if (due(hall, looks[i].created, last, now))
				ask(hall, looks[i].bill_no, now, err);
		if (count > 0)
			memcpy(after, looks[count - 1].bill_no, sizeof after);
	} while (count == BATCH && !ending(hall));
}

static void ask_soon(struct hall *hall, int64_t now, struct error *err)
{
	struct soon soon[SWEEP_SOON];
	pthread_mutex_lock(&hall->sweep_lock);
	memcpy(soon, hall->soon, sizeof soon);
	pthread_mutex_unlock(&hall->sweep_lock);
	for (size_t i = 0; i < SWEEP_SOON && !ending(hall); i++)
		if (soon[i].until > now)
			ask(hall, soon[i].bill_no, now, err);
}

/* At once, then after ever longer, at last every hour: a gateway takes days over some. */
static bool refund_due(const struct hall *hall, int64_t created, int64_t last, int64_t now)
{
	if (created > last)
		return true;
	for (int64_t pause = hall->settings.sweep_every, at = created + pause; at <= now; pause = pause * 2 < HOUR ? pause * 2 : HOUR, at += pause)
		if (at > last)
			return true;
	return false;
}

static void sweep_refunds(struct hall *hall, int64_t last, int64_t now, struct error *err)
{
	static const char text[] = "SELECT bill_no, refund_no, created FROM refund WHERE state = ? AND refund_no > ? ORDER BY refund_no LIMIT 64";
	struct look looks[BATCH];
	char after[PAYMENT_NO_SIZE] = "";
	int count;
	do {
		if (list(hall->db[0], text, REFUND_ASKED, after, looks, &count, err) != 0)
			return;
		for (int i = 0; i < count && !ending(hall); i++)
			if (refund_due(hall, looks[i].created, last, now) && refund_pursue(hall, hall->db[0], looks[i].refund_no, now, err) != 0)
				log_line(LOG_LEVEL_WARN, "sweep", "refund %s: %s", looks[i].refund_no, err->detail);
		if (count > 0)
			memcpy(after, looks[count - 1].refund_no, sizeof after);
	} while (count == BATCH && !ending(hall));
}

static void sweep_deadlines(struct hall *hall, int64_t now, struct error *err)
{
	static const char text[] = "SELECT number, '', created FROM orders WHERE state IN (0, 1) AND expires <= ? AND number > ?"
				   " ORDER BY number LIMIT 64";
	struct look looks[BATCH];
	char after[PAYMENT_NO_SIZE] = "";
	int count;
	do { /* one that the gateway says nothing about stays, and must not hide those behind it */
		if (list(hall->db[0], text, now, after, looks, &count, err) != 0)
			return;
		for (int i = 0; i < count && !ending(hall); i++) {
			order_lock(hall, LOCK_BILL, looks[i].bill_no);
			if (bill_cancel(hall, hall->db[0], looks[i].bill_no, now, err) != 0)
				log_line(LOG_LEVEL_INFO, "sweep", "order %s: %s", looks[i].bill_no, err->detail);
			order_unlock(hall, LOCK_BILL, looks[i].bill_no);
		}
		if (count > 0)
			memcpy(after, looks[count - 1].bill_no, sizeof after);
	} while (count == BATCH && !ending(hall));
}

static void tidy(struct hall *hall, int64_t now, struct error *err)
{
	const struct settings *s = &hall->settings;
	const struct {
		const char *text;
		int64_t before;
	} old[] = {
		{ "DELETE FROM challenge_used WHERE expires < ?", now - LATE_SECONDS }, /* the clock may be set back */
		{ "DELETE FROM captcha WHERE expires < ?", now },
		{ "DELETE FROM invoice_grant WHERE expires < ?", now },
		{ "DELETE FROM session WHERE used < ?", now - s->idle_minutes * 60 },
		{ "DELETE FROM conversation_token WHERE conversation IN (SELECT id FROM conversation WHERE state = 2 AND since < ?)", now - (int64_t)s->chat_keep_days * 86400 },
		{ "DELETE FROM message WHERE conversation IN (SELECT id FROM conversation WHERE state = 2 AND since < ?)", now - (int64_t)s->chat_keep_days * 86400 },
		{ "DELETE FROM conversation WHERE state = 2 AND since < ?", now - (int64_t)s->chat_keep_days * 86400 },
		{ "DELETE FROM session WHERE created < ?", now - s->session_hours * 3600 },
	};
	int rc = sql_begin(hall->db[0], err);
	if (rc != 0)
		return;
	for (size_t i = 0; rc == 0 && i < sizeof old / sizeof *old; i++) {
		struct sql_stmt *q = sql_prepare(hall->db[0], old[i].text);
		sql_int(q, old[i].before);
		rc = sql_done(q, err);
	}
	if (sql_commit(hall->db[0], rc, err) != 0)
		log_error("sweep", err);
}

/* By how much the wall clock was set since; the other clock only runs. */
static int64_t jumped(int64_t since, int64_t since_ms, int64_t now, int64_t now_ms)
{
	int64_t by = (now - since) - (now_ms - since_ms) / 1000;
	return by > JUMP_SECONDS || by < -JUMP_SECONDS ? by : 0;
}

static void turn(struct hall *hall, int64_t last, int64_t now)
{
	struct error err = { 0 };
	sql_probe(hall->db[0], now);
	if (sql_health() != SQL_GOOD)
		return; /* what it would learn could not be kept */
	if (hall->payment != NULL) {
		sweep_bills(hall, last, now, &err);
		ask_soon(hall, now, &err);
		sweep_refunds(hall, last, now, &err);
	}
	sweep_deadlines(hall, now, &err);
	invoice_sweep(hall, now);
	if (audit_head_export(hall->db[0], &hall->settings, &hall->audit_exported, now, &err) != 0)
		log_error("audit", &err);
}

static void *sweep(void *arg)
{
	struct hall *hall = arg;
	int64_t last = 0, tidied = clock_now(), seen = tidied, seen_ms = clock_monotonic_ms();
	char caught_up[24] = "";
	audit_as("sweep");
	invoice_try(hall);
	while (!ending(hall) && invoice_catch_up(hall, caught_up, seen))
		;
	pthread_mutex_lock(&hall->sweep_lock);
	while (!hall->ending) {
		pthread_mutex_unlock(&hall->sweep_lock);
		int64_t now = clock_now(), now_ms = clock_monotonic_ms(), jump = jumped(seen, seen_ms, now, now_ms);
		if (jump != 0) {
			log_line(LOG_LEVEL_ERROR, "sweep", "the clock was set by %lld s", (long long)jump);
			last = 0; /* what was due in between is asked about now */
			tidied = now;
		}
		turn(hall, last, now);
		if (now - tidied >= TIDY_SECONDS) {
			struct error err = { 0 };
			tidy(hall, now, &err);
			tidied = now;
		}
		last = seen = now;
		seen_ms = now_ms;
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += hall->settings.sweep_every;
		pthread_mutex_lock(&hall->sweep_lock);
		while (!hall->ending && pthread_cond_timedwait(&hall->sweep_wake, &hall->sweep_lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&hall->sweep_lock);
	return NULL;
}

int sweep_start(struct hall *hall, struct error *err)
{
	if (pthread_create(&hall->sweeper, NULL, sweep, hall) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "sweeper");
	hall->sweeping = true;
	return 0;
}

void sweep_stop(struct hall *hall)
{
	if (!hall->sweeping)
		return;
	pthread_mutex_lock(&hall->sweep_lock);
	hall->ending = true;
	pthread_cond_broadcast(&hall->sweep_wake);
	pthread_mutex_unlock(&hall->sweep_lock);
	pthread_join(hall->sweeper, NULL);
	hall->sweeping = false;
}
