/* certhall-bank: the bank simulator of the demo and the tests. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>
#include <libconfig.h>

#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/log.h>

#include "bank/bank.h"
#include "bank/http.h"
#include "bank/ledger.h"
#include "bank/notify.h"

struct options {
	char address[64];
	uint16_t port;
	const char *folder, *port_file, *public_url, *config, *notify_ca, *log;
};

static void usage(FILE *to)
{
	fputs(_("Usage: certhall-bank --config FILE --dir DIR [OPTION...]\n"
		"Stands in for the payment gateway in the demo and in tests. No money moves.\n"
		"\n"
		"  --config FILE        the merchant's numbers and keys (see bank.conf.sample)\n"
		"  --dir DIR            where the ledger is kept\n"
		"  --listen ADDR:PORT   IPv4 address and port, 0 for any free one (127.0.0.1:0)\n"
		"  --port-file FILE     the port is written there once it listens\n"
		"  --public-url URL     what QR codes begin with (http://ADDR:PORT)\n"
		"  --notify-ca FILE     CA certificates to trust when notifying over https\n"
		"  --log FILE           log there instead of standard error\n"
		"  --help\n"),
		to);
}

static int parse_listen(const char *text, struct options *options)
{
	const char *colon = strrchr(text, ':');
	char *rest;
	if (colon == NULL || (size_t)(colon - text) >= sizeof options->address)
		return -1;
	unsigned long port = strtoul(colon + 1, &rest, 10);
	if (*rest != '\0' || rest == colon + 1 || port > 65535)
		return -1;
	snprintf(options->address, sizeof options->address, "%.*s", (int)(colon - text), text);
	options->port = (uint16_t)port;
	return 0;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = { { "config", 1, NULL, 'c' }, { "dir", 1, NULL, 'd' }, { "listen", 1, NULL, 'l' },
		{ "port-file", 1, NULL, 'p' }, { "public-url", 1, NULL, 'u' }, { "notify-ca", 1, NULL, 'n' }, { "log", 1, NULL, 'o' },
		{ "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	*options = (struct options){ .address = "127.0.0.1" };
	int c;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'c': options->config = optarg; break;
		case 'd': options->folder = optarg; break;
		case 'p': options->port_file = optarg; break;
		case 'u': options->public_url = optarg; break;
		case 'n': options->notify_ca = optarg; break;
		case 'o': options->log = optarg; break;
		case 'l':
			if (parse_listen(optarg, options) != 0) {
				fprintf(stderr, _("certhall-bank: \"%s\" is not ADDRESS:PORT.\n"), optarg);
				return -1;
			}
			break;
		case 'h': usage(stdout); exit(0);
		default: usage(stderr); return -1;
		}
	}
	if (options->config == NULL || options->folder == NULL || optind != argc) {
		usage(stderr);
		return -1;
	}
	return 0;
}

static int read_merchant(const char *path, struct merchant *merchant, struct error *err)
{
	const struct {
		const char *name;
		char *at;
		size_t min, max;
	} fields[] = {
		{ "mid", merchant->mid, 15, 15 },
		{ "tid", merchant->tid, 8, 8 },
		{ "source_id", merchant->source_id, 4, 4 },
		{ "msg_src", merchant->msg_src, 1, sizeof merchant->msg_src - 1 },
		{ "key", merchant->key, 1, sizeof merchant->key - 1 },
		{ "app_id", merchant->app_id, 1, sizeof merchant->app_id - 1 },
		{ "app_key", merchant->app_key, 1, sizeof merchant->app_key - 1 },
		{ "name", merchant->name, 1, sizeof merchant->name - 1 },
	};
	config_t config;
	config_init(&config);
	int rc = 0;
	if (config_read_file(&config, path) != CONFIG_TRUE)
		rc = error_set(err, ERR_CONFIG, path, "%s:%d: %s", path, config_error_line(&config), config_error_text(&config));
	for (size_t i = 0; rc == 0 && i < sizeof fields / sizeof *fields; i++) {
		const char *value = "";
		config_lookup_string(&config, fields[i].name, &value);
		if (strlen(value) < fields[i].min || strlen(value) > fields[i].max)
			rc = error_set(err, ERR_CONFIG, fields[i].name, "%s: \"%s\" is missing or of the wrong length", path, fields[i].name);
		else
			memcpy(fields[i].at, value, strlen(value) + 1);
	}
	config_destroy(&config);
	return rc;
}

static int open_ledger(const char *folder, struct ledger **ledger, struct error *err)
{
	char path[FILE_PATH_MAX];
	if (snprintf(path, sizeof path, "%s/ledger.db", folder) >= (int)sizeof path)
		return error_set(err, ERR_FILE, folder, "path too long");
	int rc = file_make_folder(folder, err);
	return rc != 0 ? rc : ledger_open(path, ledger, err);
}

/* Listens, says where, and sends notifications until a signal ends it. */
static int serve(struct bank *bank, const struct options *options, int signal_fd, struct error *err)
{
	uint16_t port = options->port;
	struct MHD_Daemon *daemon;
	struct notifier *notifier = NULL;
	int rc = notifier_new(bank, options->notify_ca, &notifier, err);
	if (rc != 0)
		return rc;
	bank->notify = notifier_wake;
	bank->notify_ctx = notifier;
	pthread_mutex_lock(&bank->lock); /* no request before the address is known */
	rc = http_start(bank, options->address, &port, &daemon, err);
	if (rc == 0 && options->public_url != NULL)
		snprintf(bank->url, sizeof bank->url, "%s", options->public_url);
	else if (rc == 0)
		snprintf(bank->url, sizeof bank->url, "http://%s:%u", options->address, port);
	pthread_mutex_unlock(&bank->lock);
	if (rc == 0) {
		char text[8];
		int len = snprintf(text, sizeof text, "%u\n", port);
		log_line(LOG_LEVEL_INFO, "bank", "listening on %s:%u", options->address, port);
		rc = options->port_file != NULL ? file_replace(options->port_file, text, (size_t)len, err) : 0;
		if (rc == 0)
			notifier_run(notifier, signal_fd);
		http_stop(bank, daemon);
	}
	notifier_free(&notifier);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error err = { 0 };
	i18n_init(NULL);
	if (parse_options(argc, argv, &options) != 0)
		return 2;
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before any thread, so that all of them inherit it */
	signal(SIGPIPE, SIG_IGN);
	int signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);
	curl_global_init(CURL_GLOBAL_DEFAULT);

	struct bank bank = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&bank.ended, &attributes);

	int rc = log_open(options.log, LOG_LEVEL_INFO);
	if (rc != 0)
		error_set(&err, ERR_FILE, options.log, "log");
	rc = rc != 0 ? rc : read_merchant(options.config, &bank.merchant, &err);
	rc = rc != 0 ? rc : open_ledger(options.folder, &bank.ledger, &err);
	rc = rc != 0 ? rc : serve(&bank, &options, signal_fd, &err);
	if (rc != 0) {
		char sentence[512];
		fprintf(stderr, "certhall-bank: %s (%s)\n", error_sentence(&err, sentence, sizeof sentence), err.detail);
	}
	ledger_close(&bank.ledger);
	pthread_cond_destroy(&bank.ended);
	pthread_condattr_destroy(&attributes);
	close(signal_fd);
	curl_global_cleanup();
	return rc == 0 ? 0 : 1;
}
