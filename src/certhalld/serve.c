#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/secret.h>

#include "certhalld/certhalld.h"

static enum log_level level_of(const char *name)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	for (int i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

static bool is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0;
}

static void greet(const struct hall *hall)
{
	log_line(LOG_LEVEL_INFO, "serve", "libmicrohttpd %s, listening on port %d", hs_version(), hs_port(hall->server));
	if (hs_version_is_old() && !is_loopback(hall->settings.listen))
		log_line(LOG_LEVEL_WARN, "serve", "libmicrohttpd %s is too old to face the public: put a proxy before it", hs_version());
	if (hall->payment == NULL)
		log_line(LOG_LEVEL_WARN, "serve", "no payment gateway is configured");
	else if (payment_is_sandbox(hall->payment))
		log_line(LOG_LEVEL_WARN, "serve", "the payment gateway is a simulator");
}

static int write_port(const struct hall *hall, const char *path, struct error *err)
{
	char text[16];
	if (path == NULL)
		return 0;
	snprintf(text, sizeof text, "%d\n", hs_port(hall->server));
	return file_replace(path, text, strlen(text), err);
}

int command_serve(int argc, char **argv)
{
	const char *config = NULL, *port_file = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--port-file", &port_file, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before there are threads: only sigwait gets them */
	secret_init();
	i18n_init("en"); /* what it answers and logs is the same everywhere */
	struct hall *hall;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0) {
		const char *file = hall->settings.log_file;
		rc = log_open(*file != '\0' ? file : NULL, level_of(hall->settings.log_level));
		if (rc != 0)
			error_set(&err, ERR_FILE, file, "log");
	}
	if (rc == 0)
		rc = hall_serve(hall, &err);
	if (rc == 0)
		rc = write_port(hall, port_file, &err);
	if (rc == 0) {
		int number;
		greet(hall);
		sigwait(&ends, &number);
		log_line(LOG_LEVEL_INFO, "serve", "ending");
		hall_stop(hall);
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}
