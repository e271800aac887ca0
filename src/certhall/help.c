/* certhall help check [FOLDER]: what is wrong with the help centre's content. */
#include <stdlib.h>
#include <string.h>

#include <certhall/help.h>
#include <certhall/i18n.h>

#include "certhall/line.h"

struct check {
	int wrong;
};

static void complain(void *ctx, const char *file, int line, const char *what)
{
	struct check *check = ctx;
	check->wrong++;
	line_say(stdout, "%s:%d: %s\n", file, line, what);
}

static const char *where(const char *folder, const char *language, const struct help_entry *entry, char *out, size_t size)
{
	snprintf(out, size, "%s/%s/%s.md", folder, language, help_category_names[entry->category]);
	return out;
}

static void check_words(struct check *check, const char *folder, const char *language, const struct help_entry *entry)
{
	char file[512], words[512], *rest = words, *word;
	snprintf(words, sizeof words, "%s", entry->errors);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && strcmp(error_name(error_from_name(word)), word) != 0)
			complain(check, where(folder, language, entry, file, sizeof file), entry->line, "an error that the program does not have");
}

/* The same questions in the same categories, answering the same errors. */
static void check_against(struct check *check, const char *folder, const char *language, const struct help *help, const struct help *other)
{
	char file[512];
	for (size_t i = 0; i < help_count(help); i++) {
		const struct help_entry *entry = help_at(help, i), *twin = help_by_id(other, entry->id);
		where(folder, language, entry, file, sizeof file);
		if (twin == NULL)
			complain(check, file, entry->line, "this question is missing in the other language");
		else if (twin->category != entry->category || strcmp(twin->errors, entry->errors) != 0 || strcmp(twin->pages, entry->pages) != 0)
			complain(check, file, entry->line, "category, errors or pages differ from the other language");
		check_words(check, folder, language, entry);
	}
}

static void check_errors(struct check *check, const char *folder, const struct help *help)
{
	for (int code = ERR_OK + 1; code < ERR_COUNT; code++)
		if (help_for_error(help, (enum error_code)code) == NULL) {
			check->wrong++;
			line_say(stdout, "%s: no question answers the error \"%s\"\n", folder, error_name((enum error_code)code));
		}
}

int command_help(const struct options *options, const struct settings *settings)
{
	static const char *const languages[2] = { "zh_CN", "en" };
	const char *folder = options->rest[1] != NULL ? options->rest[1] : settings->help_folder;
	struct help *helps[2] = { NULL, NULL };
	struct check check = { 0 };
	struct error err;
	if (options->rest[0] == NULL || strcmp(options->rest[0], "check") != 0) {
		line_say(stderr, "%s\n", _("Usage: certhall help check [FOLDER]"));
		return EXIT_USAGE;
	}
	int code = 0;
	for (int i = 0; i < 2 && code == 0; i++)
		code = help_open(folder, languages[i], NULL, complain, &check, &helps[i], &err);
	if (code != 0) {
		line_error(&err);
		check.wrong++;
	} else {
		check_against(&check, folder, languages[0], helps[0], helps[1]);
		check_against(&check, folder, languages[1], helps[1], helps[0]);
		check_errors(&check, folder, helps[0]);
		line_say(stdout, ngettext("%d question, ", "%d questions, ", help_count(helps[0])), (int)help_count(helps[0]));
		line_say(stdout, ngettext("%d thing wrong\n", "%d things wrong\n", (unsigned long)check.wrong), check.wrong);
	}
	help_free(&helps[0]);
	help_free(&helps[1]);
	return check.wrong == 0 ? EXIT_DONE : EXIT_FAILED;
}
