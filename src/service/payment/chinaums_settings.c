#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "service/payment/chinaums.h"

enum { TIMEOUT_MS = 10000 };

static int wrong(struct error *err, const char *name, const char *why)
{
	char param[64];
	snprintf(param, sizeof param, "payment.%s", name);
	return error_set(err, ERR_CONFIG, param, "payment.%s: %s", name, why);
}

/* min 0: may be missing. */
static int read_string(const config_setting_t *settings, const char *name, char *out, size_t size, size_t min, struct error *err)
{
	const char *value = "";
	config_setting_lookup_string(settings, name, &value);
	if (strlen(value) < min || strlen(value) >= size)
		return wrong(err, name, *value == '\0' ? "is missing" : "has the wrong length");
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

static int read_choice(const config_setting_t *settings, const char *name, const char *first, const char *second, int *out,
	struct error *err)
{
	const char *value = first;
	config_setting_lookup_string(settings, name, &value);
	*out = strcmp(value, second) == 0;
	return *out || strcmp(value, first) == 0 ? 0 : wrong(err, name, "is none of the values it can have");
}

/* Scheme and host of a URL without a user name in it; false: not such a URL. */
static bool split(const char *url, char *scheme, size_t scheme_size, char *host, size_t host_size)
{
	CURLU *parts = curl_url();
	char *part = NULL;
	bool ok = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK
		&& curl_url_get(parts, CURLUPART_SCHEME, &part, 0) == CURLUE_OK;
	if (ok)
		snprintf(scheme, scheme_size, "%s", part);
	curl_free(part);
	part = NULL;
	ok = ok && curl_url_get(parts, CURLUPART_HOST, &part, 0) == CURLUE_OK && strlen(part) < host_size;
	if (ok)
		snprintf(host, host_size, "%s", part);
	curl_free(part);
	curl_url_cleanup(parts);
	return ok;
}

static bool ends(const char *text, const char *tail)
{
	size_t len = strlen(text), tail_len = strlen(tail);
	return len >= tail_len && strcasecmp(text + len - tail_len, tail) == 0;
}

static int read_addresses(const config_setting_t *settings, struct chinaums *ums, struct error *err)
{
	char scheme[16], host[128];
	if (!split(ums->url, scheme, sizeof scheme, host, sizeof host))
		return wrong(err, "url", "is no address");
	if (strcmp(scheme, "https") != 0 && !(ums->base.sandbox && strcmp(scheme, "http") == 0))
		return wrong(err, "url", "must begin with https://");
	if (ums->base.sandbox && ends(host, "chinaums.com"))
		return wrong(err, "sandbox", "is true, but url is the gateway's own");
	const config_setting_t *hosts = config_setting_get_member(settings, "qr_hosts");
	int count = hosts != NULL ? config_setting_length(hosts) : 0;
	if (count > CHINAUMS_HOSTS)
		return wrong(err, "qr_hosts", "has too many hosts");
	for (int i = 0; i < count; i++) {
		const char *name = config_setting_get_string_elem(hosts, i);
		if (name == NULL || strlen(name) >= sizeof ums->hosts[0])
			return wrong(err, "qr_hosts", "has something that is no host");
		snprintf(ums->hosts[ums->host_count++], sizeof ums->hosts[0], "%s", name);
	}
	if (count == 0)
		snprintf(ums->hosts[ums->host_count++], sizeof ums->hosts[0], "%s", host);
	size_t len = strlen(ums->url);
	if (ums->open_platform && len > 0 && ums->url[len - 1] == '/')
		ums->url[len - 1] = '\0';
	return 0;
}

int chinaums_settings_read(const config_setting_t *settings, struct chinaums *ums, struct error *err)
{
	int sandbox = 0, open = 0, sha256 = 0, timeout = TIMEOUT_MS;
	config_setting_lookup_bool(settings, "sandbox", &sandbox);
	config_setting_lookup_int(settings, "timeout_ms", &timeout);
	ums->base.sandbox = sandbox != 0;
	ums->timeout_ms = timeout;
	if (timeout < 100 || timeout > 120000)
		return wrong(err, "timeout_ms", "must be between 100 and 120000");
	int rc = read_choice(settings, "transport", "legacy", "open", &open, err);
	rc = rc != 0 ? rc : read_choice(settings, "sign_type", "MD5", "SHA256", &sha256, err);
	ums->open_platform = open != 0;
	ums->digest = sha256 ? CHINAUMS_SHA256 : CHINAUMS_MD5;
	const struct {
		const char *name;
		char *at;
		size_t size, min;
	} strings[] = {
		{ "url", ums->url, sizeof ums->url, 1 },
		{ "mid", ums->mid, sizeof ums->mid, 15 },
		{ "tid", ums->tid, sizeof ums->tid, 8 },
		{ "source_id", ums->source_id, sizeof ums->source_id, 4 },
		{ "key", ums->key, sizeof ums->key, 8 },
		{ "notify_url", ums->notify_url, sizeof ums->notify_url, 8 },
		{ "msg_src", ums->msg_src, sizeof ums->msg_src, open ? 0 : 1 },
		{ "app_id", ums->app_id, sizeof ums->app_id, open ? 1 : 0 },
		{ "app_key", ums->app_key, sizeof ums->app_key, open ? 1 : 0 },
		{ "ca_file", ums->ca_file, sizeof ums->ca_file, 0 },
	};
	for (size_t i = 0; rc == 0 && i < sizeof strings / sizeof *strings; i++)
		rc = read_string(settings, strings[i].name, strings[i].at, strings[i].size, strings[i].min, err);
	if (rc == 0 && strpbrk(ums->app_id, "\"\\\r\n") != NULL)
		rc = wrong(err, "app_id", "has a character it cannot have");
	return rc != 0 ? rc : read_addresses(settings, ums, err);
}

bool chinaums_settings_allow(const struct chinaums *ums, const char *qr_url)
{
	char scheme[16], host[128];
	for (const char *p = qr_url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	if (strlen(qr_url) >= sizeof ((struct payment_bill *)0)->qr_url || !split(qr_url, scheme, sizeof scheme, host, sizeof host))
		return false;
	if (strcmp(scheme, "https") != 0 && !(ums->base.sandbox && strcmp(scheme, "http") == 0))
		return false;
	for (size_t i = 0; i < ums->host_count; i++)
		if (strcasecmp(ums->hosts[i], host) == 0)
			return true;
	return false;
}
