/* What is wrong with the content beyond a file of its own: the languages against each other, and the errors. */
#include "help/internal.h"

#include <stdio.h>
#include <string.h>

struct check {
	const char *folder, *file; /* file: of the canned answers; NULL: each category has its own, and every error its question */
	help_complain_fn *complain;
	void *ctx;
};

static void complain(const struct check *check, const char *language, const struct help_entry *entry, const char *what)
{
	char file[512];
	snprintf(file, sizeof file, "%s/%s/%s.md", check->folder, language, check->file != NULL ? check->file : help_category_names[entry->category]);
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
			complain(check, language, entry, check->file != NULL ? "this answer is missing in the other language" : "this question is missing in the other language");
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

typedef int open_fn(const char *folder, const char *language, const struct help_values *values, help_complain_fn *complain, void *ctx,
	struct help **out, struct error *err);

static int check_both(const struct check *check, open_fn *open, size_t *count, struct error *err)
{
	struct help *helps[2] = { NULL, NULL };
	int code = 0;
	*count = 0;
	for (int i = 0; i < 2 && code == 0; i++)
		code = open(check->folder, help_languages[i], NULL, check->complain, check->ctx, &helps[i], err);
	if (code == 0) {
		check_against(check, help_languages[0], helps[0], helps[1]);
		check_against(check, help_languages[1], helps[1], helps[0]);
		if (check->file == NULL)
			check_errors(check, helps[0]);
		*count = help_count(helps[0]);
	}
	help_free(&helps[0]);
	help_free(&helps[1]);
	return code;
}

int help_check(const char *folder, help_complain_fn *complain_to, void *ctx, size_t *questions, struct error *err)
{
	const struct check check = { .folder = folder, .complain = complain_to, .ctx = ctx };
	return check_both(&check, help_open, questions, err);
}

int help_check_answers(const char *folder, help_complain_fn *complain_to, void *ctx, size_t *answers, struct error *err)
{
	const struct check check = { .folder = folder, .file = "answers", .complain = complain_to, .ctx = ctx };
	return check_both(&check, help_open_answers, answers, err);
}
