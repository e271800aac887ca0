/* certhall help check [FOLDER]: what is wrong with the help centre's content. */
#include <string.h>

#include <certhall/help.h>
#include <certhall/i18n.h>

#include "certhall/line.h"

static void complain(void *ctx, const char *file, int line, const char *what)
{
	*(int *)ctx += 1;
	line_say(stdout, "%s:%d: %s\n", file, line, what);
}

int command_help(const struct options *options, const struct settings *settings)
{
	struct error err;
	size_t questions;
	int wrong = 0;
	if (options->rest[0] == NULL || strcmp(options->rest[0], "check") != 0) {
		line_say(stderr, "%s\n", _("Usage: certhall help check [FOLDER]"));
		return EXIT_USAGE;
	}
	if (help_check(options->rest[1] != NULL ? options->rest[1] : settings->help_folder, complain, &wrong, &questions, &err) != 0) {
		line_error(&err);
		return EXIT_FAILED;
	}
	line_say(stdout, ngettext("%d question, ", "%d questions, ", questions), (int)questions);
	line_say(stdout, ngettext("%d thing wrong\n", "%d things wrong\n", (unsigned long)wrong), wrong);
	return wrong == 0 ? EXIT_DONE : EXIT_FAILED;
}
