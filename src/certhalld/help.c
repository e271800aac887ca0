/* certhalld help check: what is wrong with the help centre's content, before it is served. */
#include <stdio.h>

#include <certhall/help.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/help.h"

static void complain(void *ctx, const char *file, int line, const char *what)
{
	*(int *)ctx += 1;
	printf("%s:%d: %s\n", file, line, what);
}

static int check(int argc, char **argv)
{
	const char *config = NULL, *folder = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, &folder))
		return 2;
	char path[FILE_PATH_MAX];
	struct settings settings = { .help_folder = "" };
	struct error err = { 0 };
	size_t questions = 0;
	int wrong = 0, rc = config != NULL ? settings_read(config, &settings, &err) : 0;
	if (rc == 0)
		rc = help_check(folder != NULL ? folder : shelf_folder(&settings, path, sizeof path), complain, &wrong, &questions, &err);
	if (config != NULL)
		settings_free(&settings);
	if (rc != 0)
		return command_failed(&err);
	printf(ngettext("%d question, ", "%d questions, ", questions), (int)questions);
	printf(ngettext("%d thing wrong\n", "%d things wrong\n", (unsigned long)wrong), wrong);
	return wrong == 0 ? 0 : 1;
}

int command_help(int argc, char **argv)
{
	static const struct subcommand subcommands[] = { { "check", check }, { NULL, NULL } };
	return subcommand_run(argc, argv, subcommands);
}
