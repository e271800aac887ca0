/* certhall help check|answers [FOLDER]: what is wrong with the help centre's content, or with the agents' canned answers. */
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
	bool answers = options->rest[0] != NULL && strcmp(options->rest[0], "answers") == 0;
	if (!answers && (options->rest[0] == NULL || strcmp(options->rest[0], "check") != 0)) {
		line_say(stderr, "%s\n", _("Usage: certhall help check|answers [FOLDER]"));
		return EXIT_USAGE;
	}
	const char *folder = options->rest[1] != NULL ? options->rest[1] : answers ? settings->answers_folder : settings->help_folder;
	if ((answers ? help_check_answers : help_check)(folder, complain, &wrong, &questions, &err) != 0) {
		line_error(&err);
		return EXIT_FAILED;
	}
	line_say(stdout, answers ? ngettext("%d answer, ", "%d answers, ", questions) : ngettext("%d question, ", "%d questions, ", questions), (int)questions);
	line_say(stdout, ngettext("%d thing wrong\n", "%d things wrong\n", (unsigned long)wrong), wrong);
	return wrong == 0 ? EXIT_DONE : EXIT_FAILED;
}
