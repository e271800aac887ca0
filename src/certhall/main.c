#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/screens.h>
#include <certhall/secret.h>

#include "certhall/line.h"

enum { OPT_CONFIG = 256, OPT_LANG, OPT_THEME, OPT_AMBIGUOUS, OPT_KIOSK, OPT_JSON, OPT_HELP, OPT_VERSION, OPT_CERT, OPT_SERIAL, OPT_DETAILS,
	OPT_CONTACT, OPT_PHONE, OPT_TITLE, OPT_TAX_NO, OPT_EMAIL, OPT_PIN_FD, OPT_ACKNOWLEDGE, OPT_YES, OPT_NO_WAIT, OPT_QR, OPT_NO_QR, OPT_SAVE,
	OPT_FORMAT };

/* Which commands an option belongs to; ALL has every bit. */
enum { SCREENS = 1, CERTS = 2, DOCTOR = 4, RENEW = 8, INVOICES = 16, HELP = 32, DESK = 64, ALL = 127 };

static const struct command {
	const char *name; /* NULL: the full-screen program */
	int bit;
	int (*run)(struct world *world, const struct options *options);
} commands[] = {
	{ NULL, SCREENS, NULL },
	{ "certs", CERTS, command_certs },
	{ "desk", DESK, NULL },
	{ "doctor", DOCTOR, command_doctor },
	{ "help", HELP, NULL },
	{ "invoices", INVOICES, command_invoices },
	{ "renew", RENEW, command_renew },
};

static const struct switch_row {
	struct option option;
	int of;
} switches[] = {
	{ { "config", required_argument, NULL, OPT_CONFIG }, ALL },
	{ { "lang", required_argument, NULL, OPT_LANG }, ALL },
	{ { "help", no_argument, NULL, OPT_HELP }, ALL },
	{ { "version", no_argument, NULL, OPT_VERSION }, ALL },
	{ { "theme", required_argument, NULL, OPT_THEME }, SCREENS | DESK },
	{ { "ambiguous", required_argument, NULL, OPT_AMBIGUOUS }, SCREENS | DESK },
	{ { "kiosk", no_argument, NULL, OPT_KIOSK }, SCREENS | DOCTOR },
	{ { "json", no_argument, NULL, OPT_JSON }, CERTS | DOCTOR | INVOICES },
	{ { "cert", required_argument, NULL, OPT_CERT }, RENEW },
	{ { "serial", required_argument, NULL, OPT_SERIAL }, RENEW },
	{ { "details", required_argument, NULL, OPT_DETAILS }, RENEW },
	{ { "contact", required_argument, NULL, OPT_CONTACT }, RENEW },
	{ { "phone", required_argument, NULL, OPT_PHONE }, RENEW | INVOICES },
	{ { "title", required_argument, NULL, OPT_TITLE }, RENEW | INVOICES },
	{ { "tax-no", required_argument, NULL, OPT_TAX_NO }, RENEW | INVOICES },
	{ { "email", required_argument, NULL, OPT_EMAIL }, RENEW },
	{ { "pin-fd", required_argument, NULL, OPT_PIN_FD }, RENEW },
	{ { "save", required_argument, NULL, OPT_SAVE }, INVOICES },
	{ { "format", required_argument, NULL, OPT_FORMAT }, INVOICES },
	{ { "acknowledge", no_argument, NULL, OPT_ACKNOWLEDGE }, RENEW },
	{ { "yes", no_argument, NULL, OPT_YES }, RENEW },
	{ { "no-wait", no_argument, NULL, OPT_NO_WAIT }, RENEW },
	{ { "qr", no_argument, NULL, OPT_QR }, RENEW },
	{ { "no-qr", no_argument, NULL, OPT_NO_QR }, RENEW },
};
enum { SWITCHES = sizeof switches / sizeof *switches };

struct asked {
	struct options options;
	int used; /* commands every option that was given belongs to */
	bool help, version;
	const char *wrong; /* an option that cannot be */
};

static bool take_number(const char *text, int least, int most, int *out)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || value < least || value > most)
		return false;
	*out = (int)value;
	return true;
}

static bool take(struct asked *asked, int option, const char *value)
{
	struct options *options = &asked->options;
	switch (option) {
	case OPT_CONFIG: options->config = value; return true;
	case OPT_LANG: options->lang = value; return strcmp(value, "zh_CN") == 0 || strcmp(value, "en") == 0;
	case OPT_THEME: options->theme = value; return true;
	case OPT_AMBIGUOUS: return take_number(value, 1, 2, &options->ambiguous);
	case OPT_KIOSK: options->kiosk = true; return true;
	case OPT_JSON: options->json = true; return true;
	case OPT_HELP: asked->help = true; return true;
	case OPT_VERSION: asked->version = true; return true;
	case OPT_CERT: options->cert = value; return true;
	case OPT_SERIAL: options->serial = value; return true;
	case OPT_DETAILS: options->details = value; return true;
	case OPT_CONTACT: options->contact = value; return true;
	case OPT_PHONE: options->phone = value; return true;
	case OPT_TITLE: options->title = value; return true;
	case OPT_TAX_NO: options->tax_no = value; return true;
	case OPT_EMAIL: options->email = value; return true;
	case OPT_PIN_FD: return take_number(value, 0, 1 << 20, &options->pin_fd);
	case OPT_SAVE: options->save = value; return true;
	case OPT_FORMAT:
		options->format = value;
		return strcmp(value, "pdf") == 0 || strcmp(value, "xml") == 0 || strcmp(value, "both") == 0;
	case OPT_ACKNOWLEDGE: options->acknowledge = true; return true;
	case OPT_YES: options->yes = true; return true;
	case OPT_NO_WAIT: options->no_wait = true; return true;
	case OPT_QR: options->qr = 1; return true;
	case OPT_NO_QR: options->qr = 0; return true;
	default: return false;
	}
}

static void parse(int argc, char **argv, struct asked *asked)
{
	struct option table[SWITCHES + 1] = { 0 };
	for (size_t i = 0; i < SWITCHES; i++)
		table[i] = switches[i].option;
	*asked = (struct asked){ .options = { .pin_fd = -1, .qr = -1, .format = "pdf" }, .used = ALL };
	opterr = 0;
	int at, option;
	while (at = optind, (option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (!take(asked, option, optarg) && asked->wrong == NULL)
			asked->wrong = argv[at > 0 && at < argc ? at : optind - 1];
		for (size_t i = 0; i < SWITCHES; i++)
			if (table[i].val == option)
				asked->used &= switches[i].of;
	}
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (name == NULL ? commands[i].name == NULL : commands[i].name != NULL && strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int usage(FILE *to)
{
	line_say(to, "%s", _(
		"Usage: certhall [OPTIONS]           the full-screen program\n"
		"       certhall renew [OPTIONS]     renew a certificate line by line\n"
		"       certhall certs [--json]      list the certificates on the key\n"
		"       certhall desk [OPTIONS]      the agents' desk of live service\n"
		"       certhall invoices [OPTIONS]  find a unit's invoices, list and save them\n"
		"       certhall help check|answers [FOLDER]  what is wrong with the help centre's content, the canned answers\n"
		"       certhall doctor [--json] [--kiosk]  check the environment (0 in order, 1 warnings, 2 not in order)\n"
		"\n"
		"  --config FILE      the configuration\n"
		"  --lang zh_CN|en    the language\n"
		"  --theme NAME       colours: default, mono\n"
		"  --ambiguous 1|2    columns of an ambiguous character on this terminal\n"
		"  --kiosk            anybody may stand at this terminal: no file, no program, no environment of theirs\n"
		"  --help, --version\n"
		"\n"
		"renew:\n"
		"  --cert PREFIX      the certificate, by the beginning of its fingerprint\n"
		"  --serial NUMBER    or by its serial number\n"
		"  --pin-fd N         read the PIN from descriptor N, up to the end of a line\n"
		"  --contact, --phone, --title, --tax-no, --email VALUE\n"
		"  --details FILE     all of the invoice's details as JSON\n"
		"  --acknowledge      files and bids encrypted with the old key have been taken care of\n"
		"  --yes              ask nothing, take what was given and what the last order had\n"
		"  --no-wait          do not wait for the payment; run again to go on\n"
		"  --qr, --no-qr      draw the payment code, or not\n"
		"\n"
		"invoices:\n"
		"  --title, --tax-no, --phone VALUE   as given when renewing; asked for otherwise\n"
		"  --save DIR         save them there; --format pdf|xml|both (pdf)\n"
		"Exit status of renew: 0 renewed, 1 failed, 2 wrong usage, 3 cannot be renewed, 4 not paid (yet)\n"));
	return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

static void open_log(const struct settings *settings)
{
	char folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
	file_state_path(NULL, folder, sizeof folder);
	file_state_path("certhall.log", path, sizeof path);
	if (folder[0] != '\0' && file_make_folder(folder, NULL) != 0)
		return; /* without a log then */
	if (settings->log[0] != '\0' || path[0] != '\0')
		(void)!log_open(settings->log[0] != '\0' ? settings->log : path, LOG_LEVEL_INFO);
}

/* Whoever stands there decides on no module either: the configuration names it. The other commands are no part of a kiosk. */
static void enter_kiosk(const struct command *command, const struct options *options, struct settings *settings)
{
	settings->kiosk = (settings->kiosk || options->kiosk) && (command->bit & (SCREENS | DESK | DOCTOR));
	if (settings->kiosk && !options->kiosk)
		kiosk_begin();
	if (settings->kiosk && settings->module_installed)
		settings->module[0] = '\0';
}

/* The parts are made by the pages, after the first paint. */
static int run_screens(const struct options *options, struct settings *settings, bool desk)
{
	const struct screens_options how = { .theme = options->theme, .ambiguous = options->ambiguous, .desk = desk };
	struct error err = { 0 };
	struct loop *loop = loop_new();
	int code = loop != NULL ? screens_run(loop, settings, &how, &err) : error_set(&err, ERR_NO_MEMORY, NULL, "start");
	loop_free(&loop);
	if (code != 0)
		line_error(&err);
	return code != 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct command *command, const struct options *options, struct settings *settings)
{
	struct world world;
	struct error err = { 0 };
	struct loop *loop = loop_new();
	int status = EXIT_FAILED;
	if (loop == NULL || world_open(&world, loop, settings) != 0) {
		error_set(&err, ERR_NO_MEMORY, NULL, "start");
		line_error(&err);
	} else {
		status = command->run(&world, options);
		world_close(&world);
	}
	loop_free(&loop);
	return status;
}

int main(int argc, char **argv)
{
	struct asked asked;
	struct settings settings;
	struct error err;
	parse(argc, argv, &asked);
	if (asked.options.kiosk)
		kiosk_begin();
	i18n_init(asked.options.lang);
	signal(SIGPIPE, SIG_IGN);
	const struct command *command = find_command(optind < argc ? argv[optind] : NULL);
	if (asked.help)
		return usage(stdout);
	if (asked.version) {
		line_say(stdout, "certhall %s\n", PACKAGE_VERSION);
		return EXIT_DONE;
	}
	bool words = command != NULL && command->bit == HELP; /* which takes more of them */
	for (int i = 0; words && i < 2 && optind + 1 + i < argc; i++)
		asked.options.rest[i] = argv[optind + 1 + i];
	if (asked.wrong != NULL || command == NULL || optind + (words ? 3 : 1) < argc || !(asked.used & command->bit)) {
		line_say(stderr, _("certhall: this cannot be understood: %s\n"), asked.wrong != NULL ? asked.wrong : optind < argc ? argv[optind] : _("an option of another command"));
		return usage(stderr);
	}
	bool locked = secret_init();
	if (words && asked.options.rest[1] != NULL)
		return command_help(&asked.options, NULL);
	if (settings_load(asked.options.config, &settings, &err) != 0) {
		line_error(&err);
		return EXIT_FAILED;
	}
	enter_kiosk(command, &asked.options, &settings);
	open_log(&settings);
	if (!locked)
		log_line(LOG_LEVEL_WARN, "secret", "%s", "memory cannot be locked (ulimit -l): a PIN may come into a swap page");
	if (settings.kiosk && kiosk_confine(&settings, &err) != 0) {
		log_error("kiosk", &err);
		line_error(&err);
		return EXIT_FAILED;
	}
	int status = words ? command_help(&asked.options, &settings) : command->run == NULL ? run_screens(&asked.options, &settings, command->bit == DESK) : run(command, &asked.options, &settings);
	log_close();
	return status;
}
