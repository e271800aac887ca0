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
	bool json, kiosk;
	/* renew */
	const char *cert, *serial, *details;
	const char *contact, *phone, *title, *tax_no, *email;
	int pin_fd;          /* -1: ask on the terminal */
	bool acknowledge, yes, no_wait;
	const char *save, *format; /* invoices: a folder or NULL; "pdf", "xml", "both" */
	const char *rest[2];       /* help: the words behind it */
	int qr;              /* 1 yes, 0 no, -1 when standard output is a terminal */
};

/* ERR_ codes of making the parts; a missing file of the certificate authority leaves world->trust NULL. */
int world_open(struct world *world, struct loop *loop, struct settings *settings) CH_MUST_CHECK;
void world_close(struct world *world);

/* From here on signals of the keyboard, the environment and set-user-ID programs are of no use to whoever stands there. */
void kiosk_begin(void);
/* No program but the key's helper is started any more, where the kernel can see to that (else the log says so). */
int kiosk_confine(const struct settings *settings, struct error *err) CH_MUST_CHECK;

/* A piece of text, sanitised, in the locale's encoding. */
void line_say(FILE *to, const char *fmt, ...) CH_PRINTF(2, 3);
/* An error's sentence on standard error. */
void line_error(const struct error *err);

/* A line from standard input as UTF-8, without its end; false at the end of input. */
bool line_ask(const char *question, char *answer, size_t size);
/* Yes or no; no when there is nobody to ask. */
bool line_confirm(const char *question);
/* The PIN from a descriptor (up to the end of a line), or asked for on the terminal without echo when fd is -1. */
int pin_get(int fd, const char *prompt, struct secret *out, struct error *err) CH_MUST_CHECK;

/* The invoice's details: the last order's, over these a file's, over these the options'. */
int applicant_from_options(const struct options *options, const struct session *session, const struct cert_info *cert,
	struct applicant *out, struct error *err) CH_MUST_CHECK;
/* Asks for each with the present value offered; false when nobody answers. */
bool applicant_ask(struct applicant *applicant);

/* The keyring of the inserted key, read and the hall asked; on failure *keyring may be there and is to be freed too. */
int keyring_wait(const struct world *world, struct keyring **keyring, struct error *err) CH_MUST_CHECK;

int command_certs(struct world *world, const struct options *options);
int command_doctor(struct world *world, const struct options *options);
/* Needs neither hall nor key. */
int command_help(const struct options *options, const struct settings *settings);
int command_invoices(struct world *world, const struct options *options);
int command_renew(struct world *world, const struct options *options);

#endif
