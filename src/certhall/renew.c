/* certhall renew: the workflow line by line. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <langinfo.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/term.h>

#include "certhall/line.h"

struct run {
	struct world *world;
	const struct options *options;
	struct renewal *renewal;
	struct secret pin;          /* from a descriptor: read once, needed twice */
	bool interactive, pin_pad;
	bool logged_in, told_lost;
	char told_link[256];
	int steps_told;
	struct applicant applicant;
	bool has_applicant;
};

enum { GO_ON = -1 };

static void on_changed(void *ctx)
{
	struct run *run = ctx;
	loop_stop(run->world->loop, 0);
}

static int failed(const struct error *err)
{
	line_error(err);
	return EXIT_FAILED;
}

/* ---- choosing ---- */

static bool fits(const struct options *options, const struct keyed_cert *cert)
{
	if (options->cert != NULL && strncasecmp(cert->info.fingerprint, options->cert, strlen(options->cert)) != 0)
		return false;
	return options->serial == NULL || strcasecmp(cert->info.serial, options->serial) == 0;
}

static const struct keyed_cert *ask_which(const struct keyring *keyring, const size_t *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct keyed_cert *cert = keyring_cert(keyring, found[i]);
		enum standing standing;
		char say[256];
		keyed_cert_standing(cert, &standing, say, sizeof say);
		line_say(stdout, "%zu  %s  %.12s\n   %s\n", i + 1, cert->info.holder, cert->info.fingerprint, say);
	}
	char answer[16];
	while (line_ask(_("Which certificate? "), answer, sizeof answer)) {
		unsigned long number = strtoul(answer, NULL, 10);
		if (number >= 1 && number <= count)
			return keyring_cert(keyring, found[number - 1]);
	}
	return NULL;
}

/* The one that was named; without a name the one with an unfinished order, else the only renewable one. */
static const struct keyed_cert *choose(const struct run *run, const struct keyring *keyring)
{
	const struct options *options = run->options;
	bool named = options->cert != NULL || options->serial != NULL;
	size_t found[TOKEN_CERTS], count = 0;
	if (!named && keyring_unfinished(keyring) != NULL)
		return keyring_unfinished(keyring);
	for (size_t i = 0; i < keyring_count(keyring) && count < TOKEN_CERTS; i++) {
		const struct keyed_cert *cert = keyring_cert(keyring, i);
		if (named ? fits(options, cert) : keyed_cert_renewable(cert))
			found[count++] = i;
	}
	if (count == 1)
		return keyring_cert(keyring, found[0]);
	if (count > 1 && run->interactive)
		return ask_which(keyring, found, count);
	line_say(stderr, "certhall: %s\n", count > 1 ? _("Several certificates fit; name one with --cert.")
		: named ? _("There is no such certificate on the key.") : _("No certificate on the key can be renewed now; \"certhall certs\" says why."));
	return NULL;
}

/* ---- the PIN ---- */

/* Gets the PIN for login or installation. again: the last one was wrong. */
static int get_pin(struct run *run, bool again, struct secret *pin, struct error *err)
{
	const struct token_slot *slot = renewal_slot(run->renewal);
	*pin = (struct secret){ 0 };
	if (run->pin_pad) {
		line_say(stdout, "%s\n", _("Enter the PIN on the reader's own keypad."));
		return 0;
	}
	if (run->options->pin_fd >= 0 && !again && run->pin.text == NULL) {
		int code = pin_get(run->options->pin_fd, "", &run->pin, err);
		if (code != 0)
			return code;
	}
	if (run->options->pin_fd >= 0)
		return secret_set(pin, run->pin.text, run->pin.len) != 0 ? error_set(err, ERR_NO_MEMORY, NULL, "PIN") : 0;
	if (slot != NULL && slot->pin_low && !slot->pin_final)
		line_say(stdout, "%s\n", _("Only a few tries are left, because a wrong PIN was entered before."));
	return pin_get(-1, _("PIN of the key: "), pin, err);
}

static bool wrong_pin(const struct error *err)
{
	return err->code == ERR_PIN_INCORRECT || err->code == ERR_PIN_LOW || err->code == ERR_PIN_FINAL || err->code == ERR_PIN_LENGTH;
}

/* The last try is used only by somebody who says so. */
static bool may_use_last_try(const struct run *run)
{
	line_say(stderr, "certhall: %s\n", _(PIN_LAST_TRY));
	if (run->interactive)
		return line_confirm(_("Are you sure of the PIN?"));
	line_say(stderr, "%s\n", _("It is not used without asking: run the command at a terminal, without --yes."));
	return false;
}

/* The key's flags come first: a locked key is not asked, and a last try is confirmed. Then the PIN goes where it is needed. */
static int enter_pin(struct run *run, void (*then)(struct renewal *renewal, struct secret *pin))
{
	const struct error *last = renewal_error(run->renewal);
	struct error err;
	struct secret pin = { 0 };
	if (last != NULL && wrong_pin(last) && run->options->pin_fd < 0 && !run->pin_pad)
		line_error(last);
	else if (last != NULL)
		return failed(last);
	renewal_refresh_slot(run->renewal);
	while (renewal_slot(run->renewal) == NULL && renewal_slot_error(run->renewal) == NULL)
		loop_run(run->world->loop);
	const struct token_slot *slot = renewal_slot(run->renewal);
	if (slot == NULL)
		return failed(renewal_slot_error(run->renewal));
	if (slot->pin_locked) {
		error_set(&err, ERR_PIN_LOCKED, NULL, "flag");
		return failed(&err);
	}
	run->pin_pad = slot->pin_pad;
	if (slot->pin_final && !may_use_last_try(run))
		return EXIT_FAILED;
	if (get_pin(run, last != NULL, &pin, &err) != 0)
		return failed(&err);
	then(run->renewal, &pin);
	secret_free(&pin);
	return GO_ON;
}

/* ---- 确认信息 ---- */

static void say_terms(const struct run *run)
{
	const struct session *session = renewal_session(run->renewal);
	const struct cert_info *cert = &renewal_cert(run->renewal)->info;
	char money[32], today[16], end[16];
	line_say(stdout, _("Project: %s\nPrice: %s\n"), session->project.name, money_text(session->project.price_fen, money, sizeof money));
	if (session->project.price_note[0] != '\0')
		line_say(stdout, "  %s\n", session->project.price_note);
	line_say(stdout, _("Valid now until %s, "), clock_date(cert->not_after, today, sizeof today));
	if (session->new_not_after != 0)
		line_say(stdout, _("renewed until %s\n"), clock_date(session->new_not_after, end, sizeof end));
	else
		line_say(stdout, _("renewed for %d months from the day of issue\n"), (int)session->project.validity_months);
	line_say(stdout, "%s\n", _("The new certificate has a new key. Files and bids encrypted with the old key cannot be opened with the new one: "
		"decrypt them first, or keep the old key, and do not renew while a bid is waiting to be opened."));
}

static int confirm(struct run *run)
{
	const struct error *last = renewal_error(run->renewal);
	const struct options *options = run->options;
	struct error err;
	if (last != NULL) {
		line_error(last);
		if (last->code == ERR_INVALID_FIELD && last->detail[0] != '\0')
			line_say(stderr, "  %s\n", last->detail);
		if (!run->interactive || last->code != ERR_INVALID_FIELD)
			return EXIT_FAILED;
	} else {
		say_terms(run);
	}
	if (!run->has_applicant && applicant_from_options(options, renewal_session(run->renewal), &renewal_cert(run->renewal)->info, &run->applicant, &err) != 0)
		return failed(&err);
	run->has_applicant = true;
	if (run->interactive && !applicant_ask(&run->applicant))
		return EXIT_FAILED;
	char say[256];
	if (!run->interactive && check_tax_no(run->applicant.tax_no, say, sizeof say) == CHECK_CONFIRM)
		line_say(stderr, "%s\n", say);
	bool acknowledged = options->acknowledge || (run->interactive && line_confirm(_("Have you taken care of what was encrypted with the old key?")));
	if (!acknowledged) {
		error_set(&err, ERR_ACK_NEEDED, NULL, "--acknowledge");
		return failed(&err);
	}
	renewal_submit(run->renewal, &run->applicant, true);
	return GO_ON;
}

/* ---- 费用支付 ---- */

static void draw_code(const struct run *run, const char *link)
{
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	struct qr *qr = NULL;
	if (run->options->qr == 0 || (run->options->qr < 0 && (!isatty(STDOUT_FILENO) || !utf8)))
		return;
	char *text = qr_new(link, &qr, NULL) == 0 ? qr_text(qr) : NULL;
	qr_free(&qr);
	if (text != NULL)
		fputs(text, stdout);
	free(text);
}

static int pay(struct run *run)
{
	const struct order *order = renewal_order(run->renewal);
	const struct error *err = renewal_error(run->renewal);
	const char *link = order->payment.qr_url;
	char money[32];
	long long left = (renewal_seconds_left(run->renewal) + 59) / 60;
	if (err != NULL && link[0] == '\0')
		return failed(err);
	if (strcmp(link, run->told_link) != 0) {
		line_say(stdout, _("Order %s, to pay: %s\n"), order->number, money_text(order->amount_fen, money, sizeof money));
		line_say(stdout, _("Payment link: %s\n"), link);
		draw_code(run, link);
		line_say(stdout, _("Scan the code, or open the link, with WeChat, Alipay or UnionPay within %lld minutes.\n"), left);
		snprintf(run->told_link, sizeof run->told_link, "%s", link);
	}
	if (!run->options->no_wait)
		return GO_ON;
	line_say(stdout, "%s\n", _("Run the same command again once it is paid; it goes on from there."));
	return EXIT_NOT_PAID;
}

/* ---- 安装证书 ---- */

static void say_steps(struct run *run)
{
	while (run->steps_told < INSTALL_STEPS) {
		enum step_state state = renewal_step(run->renewal, (enum install_step)run->steps_told);
		if (state != STEP_DONE && state != STEP_SKIPPED && state != STEP_FAILED)
			return;
		const char *word = state == STEP_DONE ? _("done") : state == STEP_SKIPPED ? _("not needed") : _("failed");
		line_say(stdout, "[%2d/%d] %s: %s\n", run->steps_told + 1, INSTALL_STEPS, install_step_name((enum install_step)run->steps_told), word);
		run->steps_told++;
	}
}

/* Pulled out of the middle of a write, a key is in no good state: what a person's Ctrl-C would do waits. */
static void hold_signals(bool hold)
{
	signal(SIGINT, hold ? SIG_IGN : SIG_DFL);
	signal(SIGTERM, hold ? SIG_IGN : SIG_DFL);
	signal(SIGHUP, hold ? SIG_IGN : SIG_DFL);
}

static int install_failed(struct run *run)
{
	say_steps(run);
	line_error(renewal_error(run->renewal));
	line_say(stderr, "%s\n", _("Run the same command again to recover; it goes on from where it stood. Your payment is kept."));
	return EXIT_FAILED;
}

static int done(struct run *run)
{
	const struct cert_info *cert = renewal_new_cert(run->renewal);
	const struct order *order = renewal_order(run->renewal);
	char from[16], to[16];
	say_steps(run);
	line_say(stdout, _("Order %s is finished.\n"), order->number);
	if (cert != NULL)
		line_say(stdout, _("The new certificate is on the key: valid %s to %s, serial number %s.\n"), clock_date(cert->not_before, from, sizeof from),
			clock_date(cert->not_after, to, sizeof to), cert->serial);
	line_say(stdout, _("The invoice is there within %d working days; find it by invoice query in the hall.\n"), (int)order->invoice_days);
	if (renewal_step(run->renewal, STEP_OLD) == STEP_FAILED)
		line_say(stderr, "%s\n", _("The old certificate could not be removed from the key; it does no harm there."));
	return EXIT_DONE;
}

static int refused(const struct run *run)
{
	const struct error *err = renewal_error(run->renewal);
	line_error(err);
	return err->code == ERR_ORDER_CANCELLED ? EXIT_NOT_PAID : EXIT_REFUSED;
}

static int step(struct run *run)
{
	enum renewal_phase phase = renewal_phase(run->renewal);
	hold_signals(phase == RENEWAL_INSTALLING);
	switch (phase) {
	case RENEWAL_WORKING:
		return GO_ON;
	case RENEWAL_NEED_PIN:
		return enter_pin(run, renewal_login);
	case RENEWAL_NEED_DETAILS:
		return confirm(run);
	case RENEWAL_NEED_PAYMENT:
		return pay(run);
	case RENEWAL_NEED_INSTALL:
		run->steps_told = 0;
		return enter_pin(run, renewal_install);
	case RENEWAL_INSTALLING:
		say_steps(run);
		return GO_ON;
	case RENEWAL_INSTALL_FAILED:
		return install_failed(run);
	case RENEWAL_DONE:
		return done(run);
	case RENEWAL_REFUSED:
		return refused(run);
	}
	return EXIT_FAILED;
}

static int renew(struct run *run, const struct keyed_cert *cert)
{
	enum standing standing;
	char say[256];
	keyed_cert_standing(cert, &standing, say, sizeof say);
	line_say(stdout, "%s\n  %s\n", cert->info.holder, say);
	if (cert->has_standing && !keyed_cert_renewable(cert))
		return EXIT_REFUSED;
	struct error err;
	int code = renewal_new(run->world, cert, on_changed, run, &run->renewal);
	if (code != 0) {
		error_set(&err, (enum error_code)code, NULL, "renewal");
		return failed(&err);
	}
	int status = step(run);
	while (status == GO_ON) {
		loop_run(run->world->loop);
		status = step(run);
	}
	renewal_free(&run->renewal);
	return status;
}

int command_renew(struct world *world, const struct options *options)
{
	struct run run = { .world = world, .options = options };
	struct keyring *keyring = NULL;
	struct error err;
	int status = EXIT_FAILED;
	run.interactive = isatty(STDIN_FILENO) && options->pin_fd != STDIN_FILENO && !options->yes;
	if (keyring_wait(world, &keyring, &err) != 0) {
		line_error(&err);
	} else if (keyring_hall_error(keyring) != NULL) {
		line_error(keyring_hall_error(keyring));
	} else {
		const struct keyed_cert *chosen = choose(&run, keyring);
		struct keyed_cert cert = chosen != NULL ? *chosen : (struct keyed_cert){ 0 };
		bool named = options->cert != NULL || options->serial != NULL;
		cert.der = (struct bytes){ 0 };
		if (chosen != NULL && bytes_set(&cert.der, chosen->der.data, chosen->der.len) == 0) {
			keyring_free(&keyring); /* it would read the key again when something is written */
			status = renew(&run, &cert);
			bytes_free(&cert.der);
		} else if (chosen == NULL) {
			status = named ? EXIT_USAGE : EXIT_REFUSED;
		}
	}
	keyring_free(&keyring);
	secret_free(&run.pin);
	secret_wipe(&run.applicant, sizeof run.applicant);
	return status;
}
