/* What the commands without a screen share: the world they act in, and lines in the locale's encoding. */
#ifndef CERTHALL_LINE_H
#define CERTHALL_LINE_H

#include <stdio.h>

#include <certhall/renewal.h>

/* Exit statuses; the manual page lists them. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3, EXIT_NOT_PAID = 4 };

struct options {
	const char *config, *lang, *theme;
	int ambiguous;
	bool json;
	/* renew */
	const char *cert, *serial, *details;
	const char *contact, *phone, *title, *tax_no, *email;
	int pin_fd;          /* -1: ask on the terminal */
	bool acknowledge, yes, no_wait;
	int qr;              /* 1 yes, 0 no, -1 when standard output is a terminal */
};

/* ERR_ codes of making the parts; a missing file of the certificate authority leaves world->trust NULL. */
int world_open(struct world *world, struct loop *loop, struct settings *settings) CH_MUST_CHECK;
void world_close(struct world *world);

/* A piece of text, sanitised, in the locale's encoding. */
void line_say(FILE *to, const char *fmt, ...) CH_PRINTF(2, 3);
/* An error's sentence on standard error. */
void line_error(const struct error *err);

/* The keyring of the inserted key, read and the hall asked; on failure *keyring may be there and is to be freed too. */
int keyring_wait(const struct world *world, struct keyring **keyring, struct error *err) CH_MUST_CHECK;

int command_certs(struct world *world, const struct options *options);
int command_doctor(struct world *world, const struct options *options);
int command_renew(struct world *world, const struct options *options);

#endif
