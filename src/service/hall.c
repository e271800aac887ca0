#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "service/chat.h"
#include "service/help.h"
#include "service/invoice.h"
#include "service/invoice/issuer.h"
#include "service/store/backup.h"

enum { RATE_KEYS = 65536, DESCRIPTORS = 256 };

static int open_trust(struct hall *hall, struct error *err)
{
	struct bytes ders[TRUSTED] = { 0 };
	size_t count = 0, own;
	const struct bytes *chain = ca_chain(hall->ca, &own);
	const config_setting_t *more = config_lookup(&hall->settings.config, "ca.trusted");
	int files = more != NULL ? config_setting_length(more) : 0, rc = 0;
	for (; rc == 0 && count < own && count < TRUSTED; count++)
		rc = bytes_set(&ders[count], chain[count].data, chain[count].len);
	for (int i = 0; rc == 0 && i < files; i++) {
		const char *path = config_setting_get_string_elem(more, i);
		size_t got = 0;
		rc = path != NULL ? cert_file_read(path, ders + count, TRUSTED - count, &got, err)
				  : error_set(err, ERR_CONFIG, "ca.trusted", "ca.trusted is not a list of files");
		count += got;
	}
	if (rc == 0)
		rc = trust_open(ders, count, &hall->trust, err);
	for (size_t i = 0; i < TRUSTED; i++)
		bytes_free(&ders[i]);
	return rc;
}

/* Made once and kept with the database, so that a restart does not end what is under way. */
static int load_challenge_key(struct hall *hall, struct error *err)
{
	uint8_t made[sizeof hall->challenge_key];
	if (pki_random(made, sizeof made) != 0)
		return error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	int rc = sql_begin(hall->db[0], err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(hall->db[0], "INSERT INTO setting (name, value) VALUES ('challenge key', ?) ON CONFLICT DO NOTHING");
	sql_blob(q, made, sizeof made);
	rc = sql_commit(hall->db[0], sql_done(q, err), err);
	if (rc != 0)
		return rc;
	struct bytes key = { 0 };
	q = sql_prepare(hall->db[0], "SELECT value FROM setting WHERE name = 'challenge key'");
	if (sql_row(q))
		sql_get_blob(q, 0, &key);
	rc = sql_done(q, err);
	if (rc == 0 && key.len == sizeof hall->challenge_key)
		memcpy(hall->challenge_key, key.data, key.len);
	else if (rc == 0)
		rc = error_set(err, ERR_FILE, "database", "challenge key");
	bytes_free(&key);
	return rc;
}

static int open_payment(struct hall *hall, struct error *err)
{
	const config_setting_t *group = config_lookup(&hall->settings.config, "payment");
	const char *driver = "";
	if (group == NULL)
		return 0;
	config_setting_lookup_string(group, "driver", &driver);
	snprintf(hall->payment_driver, sizeof hall->payment_driver, "%s", driver);
	return payment_open(group, &hall->payment, err);
}

static int open_databases(struct hall *hall, int count, struct error *err)
{
	struct sql **more = reallocarray(hall->db, (size_t)count, sizeof *more);
	if (more == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "database");
	hall->db = more;
	int rc = 0;
	while (rc == 0 && hall->db_count < count)
		rc = sql_open(hall->settings.database, &hall->db[hall->db_count++], err);
	return rc;
}

int hall_open(const char *config_path, struct hall **out, struct error *err)
{
	struct hall *hall = calloc(1, sizeof *hall);
	*out = hall;
	if (hall == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "hall");
	hall->lock_fd = -1;
	for (int i = 0; i < LOCKS * ORDER_LOCKS; i++)
		pthread_mutex_init(&hall->order_locks[i / ORDER_LOCKS][i % ORDER_LOCKS], NULL);
	pthread_mutex_init(&hall->crl_lock, NULL);
	int rc = settings_read(config_path, &hall->settings, err);
	if (rc == 0)
		audit_open(hall->settings.audit_node);
	if (rc == 0)
		rc = sql_lock(hall->settings.database, false, &hall->lock_fd, err);
	if (rc == 0)
		rc = open_databases(hall, 1, err);
	if (rc == 0)
		rc = load_challenge_key(hall, err);
	const config_setting_t *ca = config_lookup(&hall->settings.config, "ca");
	if (rc == 0)
		rc = ca != NULL ? ca_open(ca, &hall->ca, err) : error_set(err, ERR_CONFIG, "ca", "ca is missing");
	if (rc == 0)
		rc = open_trust(hall, err);
	if (rc == 0)
		rc = open_payment(hall, err);
	if (rc == 0)
		rc = issuer_open(config_lookup(&hall->settings.config, "invoice"), &hall->issuer, err);
	atomic_store(&hall->payment_ready, hall->payment != NULL);
	atomic_store(&hall->chat_changes, clock_now() * 1000);
	if (rc == 0 && (hall->rates = gcra_new(RATE_KEYS)) == NULL)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "rates");
	if (rc != 0)
		hall_free(out);
	return rc;
}

void hall_free(struct hall **hall_ref)
{
	struct hall *hall = *hall_ref;
	*hall_ref = NULL;
	if (hall == NULL)
		return;
	hall_stop(hall);
	shelf_free(&hall->shelf);
	issuer_free(&hall->issuer);
	payment_free(&hall->payment);
	trust_free(&hall->trust);
	ca_free(&hall->ca);
	for (int i = 0; i < hall->db_count; i++)
		sql_close(&hall->db[i]);
	free(hall->db);
	if (hall->lock_fd >= 0)
		close(hall->lock_fd);
	gcra_free(&hall->rates);
	bytes_free(&hall->crl);
	explicit_bzero(hall->challenge_key, sizeof hall->challenge_key);
	settings_free(&hall->settings);
	free(hall);
}

/* Each connection takes a descriptor; the rest is for the database, the gateway and files. When there are too few, fewer connections
 * are taken: one that cannot be accepted would keep the library asking for it. */
static unsigned fitting(unsigned wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		limit.rlim_cur = before;
	if (limit.rlim_cur >= wanted + DESCRIPTORS)
		return wanted;
	unsigned fit = limit.rlim_cur > 2 * DESCRIPTORS ? (unsigned)(limit.rlim_cur - DESCRIPTORS) : DESCRIPTORS;
	log_line(LOG_LEVEL_WARN, "serve", "only %u of %u connections: the limit of open files is %llu", fit, wanted, (unsigned long long)limit.rlim_cur);
	return fit;
}

/* What the streams are about. */
static int render(void *ctx, const char *subject, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err)
{
	if (strncmp(subject, CHAT_SUBJECT, strlen(CHAT_SUBJECT)) == 0)
		return chat_render(ctx, subject, worker, seq, event, last, err);
	if (strncmp(subject, DESK_SUBJECT, strlen(DESK_SUBJECT)) == 0)
		return desk_render(ctx, subject, worker, seq, event, last, err);
	return order_render(ctx, subject, worker, seq, event, last, err);
}

int hall_serve(struct hall *hall, struct error *err)
{
	const struct settings *s = &hall->settings;
	struct hs_settings http = {
		.listen = s->listen, .tls_certificate = s->tls_certificate, .tls_key = s->tls_key, .routes = hall_routes,
		.render = render, .ctx = hall, .threads = s->threads, .workers = s->workers, .gateway_workers = s->gateway_workers,
		.connections = fitting((unsigned)s->connections), .connections_per_address = (unsigned)s->connections_per_address,
		.timeout = (unsigned)s->timeout, .receive = s->receive, .body_max = (size_t)s->body, .waiting_max = (size_t)s->waiting,
		.address_rate = s->address_rate, .address_burst = s->address_burst, .heartbeat = s->heartbeat, .max_age = s->max_age,
		.behind_proxy = s->behind_proxy,
	};
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&hall->sweep_lock, NULL);
	pthread_cond_init(&hall->sweep_wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int rc = sql_check(hall->db[0], err);
	if (rc == 0)
		rc = shelf_open(s, &hall->shelf, err);
	if (rc == 0)
		rc = open_databases(hall, 2 + s->workers + s->gateway_workers, err); /* the last is the chat clock's */
	if (rc == 0)
		rc = hs_start(&http, &hall->server, err);
	if (rc == 0)
		rc = chat_start(hall, err);
	return rc == 0 ? sweep_start(hall, err) : rc;
}

void hall_stop(struct hall *hall)
{
	sweep_stop(hall);
	chat_stop(hall);
	hs_stop(&hall->server);
}
