#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <certhall/text.h>

#include "service/service.h"

static int wrong(const char *name, const char *why, struct error *err)
{
	return error_set(err, ERR_CONFIG, name, "%s %s", name, why);
}

struct text_row {
	const char *path;
	const char **out;
	const char *fallback; /* NULL: must be there */
};

struct number_row {
	const char *path;
	int *out;
	int fallback, least, most;
};

static int read_texts(const config_t *config, const struct text_row *rows, struct error *err)
{
	for (; rows->path != NULL; rows++) {
		*rows->out = rows->fallback;
		if (config_lookup_string(config, rows->path, rows->out) != CONFIG_TRUE && rows->fallback == NULL)
			return wrong(rows->path, "is missing", err);
	}
	return 0;
}

static int read_numbers(const config_t *config, const struct number_row *rows, struct error *err)
{
	for (; rows->path != NULL; rows++) {
		*rows->out = rows->fallback;
		if (config_lookup(config, rows->path) != NULL && config_lookup_int(config, rows->path, rows->out) != CONFIG_TRUE)
			return wrong(rows->path, "is not a number", err);
		if (*rows->out < rows->least || *rows->out > rows->most)
			return wrong(rows->path, "is out of range", err);
	}
	return 0;
}

static void copy_text(const config_setting_t *group, const char *name, char *out, size_t size)
{
	const char *text = "";
	config_setting_lookup_string(group, name, &text);
	text_sanitize(text, out, size, true);
}

static int read_project(const config_setting_t *group, struct project_rule *rule, struct error *err)
{
	struct project *p = &rule->project;
	copy_text(group, "id", p->id, sizeof p->id);
	copy_text(group, "name", p->name, sizeof p->name);
	copy_text(group, "price_note", p->price_note, sizeof p->price_note);
	copy_text(group, "algorithms", p->algorithms, sizeof p->algorithms);
	copy_text(group, "match_ou", rule->match_ou, sizeof rule->match_ou);
	copy_text(group, "match_issuer", rule->match_issuer, sizeof rule->match_issuer);
	int price = -1, before = 1, after = 12, months = 12, remove_old = 0;
	config_setting_lookup_int(group, "price_fen", &price);
	config_setting_lookup_int(group, "before_months", &before);
	config_setting_lookup_int(group, "after_months", &after);
	config_setting_lookup_int(group, "validity_months", &months);
	config_setting_lookup_bool(group, "remove_old", &remove_old);
	p->price_fen = price;
	p->window = (struct window){ before, after };
	p->validity_months = months;
	p->remove_old = remove_old != 0;
	if (p->id[0] == '\0' || p->name[0] == '\0' || p->algorithms[0] == '\0')
		return wrong("projects", "lacks an id, a name or algorithms", err);
	if (price < 1 || before < 0 || before > 120 || after < 0 || after > 120 || months < 1 || months > 600)
		return wrong("projects", "has a number out of range", err);
	return 0;
}

static int read_projects(struct settings *s, struct error *err)
{
	const config_setting_t *list = config_lookup(&s->config, "projects");
	int count = list != NULL ? config_setting_length(list) : 0;
	if (count < 1 || count > PROJECTS)
		return wrong("projects", "must have between 1 and 16 entries", err);
	int rc = 0;
	for (int i = 0; rc == 0 && i < count; i++)
		rc = read_project(config_setting_get_elem(list, (unsigned)i), &s->projects[s->projects_count++], err);
	return rc;
}

static int read_all(struct settings *s, struct error *err)
{
	const struct text_row texts[] = {
		{ "listen", &s->listen, NULL },
		{ "tls.certificate", &s->tls_certificate, NULL },
		{ "tls.key", &s->tls_key, NULL },
		{ "database", &s->database, NULL },
		{ "hall.name", &s->name, NULL },
		{ "hall.audience", &s->audience, NULL },
		{ "hall.hotline", &s->hotline, "" },
		{ "hall.minimum_version", &s->minimum_version, "0.1.0" },
		{ "help.folder", &s->help_folder, "" },
		{ "packages.folder", &s->packages_folder, "" },
		{ "packages.certificate", &s->packages_certificate, "" },
		{ "packages.key", &s->packages_key, "" },
		{ "audit.node", &s->audit_node, "1" },
		{ "audit.head_file", &s->audit_head_file, "" },
		{ "log.file", &s->log_file, "" },
		{ "log.level", &s->log_level, "info" },
		{ NULL, NULL, NULL },
	};
	const struct number_row numbers[] = {
		{ "hall.pay_minutes", &s->pay_minutes, 30, 1, 1440 },
		{ "hall.code_seconds", &s->code_seconds, 1800, 1, 86400 },
		{ "hall.invoice_days", &s->invoice_days, 3, 0, 365 },
		{ "hall.pin_tries", &s->pin_tries, 0, 0, 99 },
		{ "rekeys", &s->rekeys, 2, 0, 9 },
		{ "session.idle_minutes", &s->idle_minutes, 15, 1, 1440 },
		{ "session.hours", &s->session_hours, 8, 1, 24 },
		{ "stream.heartbeat", &s->heartbeat, 15, 1, 300 },
		{ "stream.max_age", &s->max_age, 3600, 1, 86400 },
		{ "sweep.every", &s->sweep_every, 5, 1, 3600 },
		{ "sweep.first", &s->sweep_first, 20, 1, 3600 },
		{ "limits.connections", &s->connections, 10000, 1, 1000000 },
		{ "limits.connections_per_address", &s->connections_per_address, 0, 0, 1000000 },
		{ "limits.timeout", &s->timeout, 30, 1, 600 },
		{ "limits.receive", &s->receive, 60, 1, 3600 },
		{ "limits.body", &s->body, 65536, 1024, 1 << 20 },
		{ "limits.waiting", &s->waiting, 1000, 1, 1000000 },
		{ "limits.workers", &s->workers, 4, 1, 64 },
		{ "limits.gateway_workers", &s->gateway_workers, 8, 1, 64 },
		{ "limits.threads", &s->threads, 2, 1, 64 },
		{ "limits.address_rate", &s->address_rate, 300, 0, INT_MAX },
		{ "limits.address_burst", &s->address_burst, 100, 1, INT_MAX },
		{ "limits.certificate_rate", &s->certificate_rate, 120, 0, INT_MAX },
		{ "limits.certificate_burst", &s->certificate_burst, 60, 1, INT_MAX },
		{ "limits.query_rate", &s->query_rate, 10, 0, INT_MAX },
		{ "limits.query_burst", &s->query_burst, 20, 1, INT_MAX },
		{ "limits.captcha_rate", &s->captcha_rate, 20, 0, INT_MAX },
		{ "limits.captcha_burst", &s->captcha_burst, 40, 1, INT_MAX },
		{ "invoice.delay_minutes", &s->invoice_delay, 0, 0, 525600 },
		{ "chat.answer_seconds", &s->chat_answer, 15, 1, 3600 },
		{ "chat.waiting", &s->chat_waiting, 200, 1, 100000 },
		{ "chat.keep_days", &s->chat_keep_days, 180, 1, 36500 },
		{ "chat.rate", &s->chat_rate, 240, 0, INT_MAX },
		{ "chat.burst", &s->chat_burst, 120, 1, INT_MAX },
		{ NULL, NULL, 0, 0, 0 },
	};
	int revoke = 1, proxy = 0;
	int rc = read_texts(&s->config, texts, err);
	if (rc == 0)
		rc = read_numbers(&s->config, numbers, err);
	if (rc == 0)
		rc = read_projects(s, err);
	config_lookup_bool(&s->config, "revoke_superseded", &revoke);
	config_lookup_bool(&s->config, "behind_proxy", &proxy);
	s->revoke_superseded = revoke != 0;
	s->behind_proxy = proxy != 0;
	return rc;
}

int settings_read(const char *path, struct settings *out, struct error *err)
{
	memset(out, 0, sizeof *out);
	config_init(&out->config);
	if (config_read_file(&out->config, path) != CONFIG_TRUE)
		return error_set(err, ERR_CONFIG, path, "%s:%d: %s", path, config_error_line(&out->config), config_error_text(&out->config));
	return read_all(out, err);
}

void settings_free(struct settings *settings)
{
	config_destroy(&settings->config);
}

const struct project *project_of(const struct hall *hall, const struct cert_info *info)
{
	const struct settings *s = &hall->settings;
	for (size_t i = 0; i < s->projects_count; i++) {
		const struct project_rule *rule = &s->projects[i];
		bool conditions = rule->match_ou[0] != '\0' || rule->match_issuer[0] != '\0';
		if (conditions && (rule->match_ou[0] == '\0' || strcmp(rule->match_ou, info->unit) == 0)
		    && (rule->match_issuer[0] == '\0' || strcmp(rule->match_issuer, info->issuer) == 0))
			return &rule->project;
	}
	return &s->projects[0].project;
}
