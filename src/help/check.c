/* What is wrong with the content beyond a file of its own: the languages against each other, and the errors. */
#include "help/internal.h"

#include <stdio.h>
#include <string.h>

struct check {
	const char *folder;
	help_complain_fn *complain;
	void *ctx;
};

static void complain(const struct check *check, const char *language, const struct help_entry *entry, const char *what)
{
	char file[512];
	snprintf(file, sizeof file, "%s/%s/%s.md", check->folder, language, help_category_names[entry->category]);
	check->complain(check->ctx, file, entry->line, what);
}

static void check_words(const struct check *check, const char *language, const struct help_entry *entry)
{
	char words[512], *rest = words, *word;
	snprintf(words, sizeof words, "%s", entry->errors);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && strcmp(error_name(error_from_name(word)), word) != 0)
			complain(check, language, entry, "an error that the program does not have");
}

/* The same questions in the same categories, answering the same errors. */
static void check_against(const struct check *check, const char *language, const struct help *help, const struct help *other)
{
	for (size_t i = 0; i < help_count(help); i++) {
		const struct help_entry *entry = help_at(help, i), *twin = help_by_id(other, entry->id);
		if (twin == NULL)
			complain(check, language, entry, "this question is missing in the other language");
		else if (twin->category != entry->category || strcmp(twin->errors, entry->errors) != 0 || strcmp(twin->pages, entry->pages) != 0)
			complain(check, language, entry, "category, errors or pages differ from the other language");
		check_words(check, language, entry);
	}
}

static void check_errors(const struct check *check, const struct help *help)
{
	char what[128];
	for (int code = ERR_OK + 1; code < ERR_COUNT; code++)
		if (help_for_error(help, (enum error_code)code) == NULL) {
			snprintf(what, sizeof what, "no question answers the error \"%s\"", error_name((enum error_code)code));
			check->complain(check->ctx, check->folder, 0, what);
		}
}

int help_check(const char *folder, help_complain_fn *complain_to, void *ctx, size_t *questions, struct error *err)
{
	const struct check check = { .folder = folder, .complain = complain_to, .ctx = ctx };
	struct help *helps[2] = { NULL, NULL };
	int code = 0;
	*questions = 0;
	for (int i = 0; i < 2 && code == 0; i++)
		code = help_open(folder, help_languages[i], NULL, complain_to, ctx, &helps[i], err);
	if (code == 0) {
		check_against(&check, help_languages[0], helps[0], helps[1]);
		check_against(&check, help_languages[1], helps[1], helps[0]);
		check_errors(&check, helps[0]);
		*questions = help_count(helps[0]);
	}
	help_free(&helps[0]);
	help_free(&helps[1]);
	return code;
}

static void check_twins(const char *folder, const char *language, const struct help *help, const struct help *other, help_complain_fn *complain_to, void *ctx)
{
	char file[512];
	snprintf(file, sizeof file, "%s/%s/answers.md", folder, language);
	for (size_t i = 0; i < help_count(help); i++)
		if (help_by_id(other, help_at(help, i)->id) == NULL)
			complain_to(ctx, file, help_at(help, i)->line, "this answer is missing in the other language");
}

int help_check_answers(const char *folder, help_complain_fn *complain_to, void *ctx, size_t *answers, struct error *err)
{
	struct help *helps[2] = { NULL, NULL };
	int code = 0;
	*answers = 0;
	for (int i = 0; i < 2 && code == 0; i++)
		code = help_open_answers(folder, help_languages[i], NULL, complain_to, ctx, &helps[i], err);
	for (int i = 0; i < 2 && code == 0; i++) {
		check_twins(folder, help_languages[i], helps[i], helps[1 - i], complain_to, ctx);
		*answers += help_count(helps[i]);
	}
	help_free(&helps[0]);
	help_free(&helps[1]);
	return code;
}
