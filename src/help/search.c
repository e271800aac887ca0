#include "help/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

enum { QUERY_MAX = 256, WORDS = 8, IN_TITLE = 100, BY_INITIALS = 80, IN_KEYWORDS = 60, INITIALS_OF_KEYWORDS = 40, IN_BODY = 15, AT_START = 20, ALL_OF_IT = 30 };

char *help_fold(const char *text, char *out, size_t size)
{
	text_normalize(text, out, size);
	for (char *p = out; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

static bool is_letters(const char *word)
{
	return strlen(word) >= 2 && word[strspn(word, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

/* The title as shown and as folded are of one length but for characters that change by folding: then nothing is marked. */
static int score_word(const struct folded *entry, const struct help_entry *shown, const char *word, struct help_hit *hit)
{
	const char *at = strstr(entry->title, word);
	size_t from, len;
	if (at != NULL) {
		if (strlen(entry->title) == strlen(shown->title)) {
			hit->mark_at = (size_t)(at - entry->title);
			hit->mark_len = strlen(word);
		}
		return IN_TITLE + (at == entry->title ? AT_START : 0) + (strcmp(entry->title, word) == 0 ? ALL_OF_IT : 0);
	}
	if (is_letters(word) && pinyin_find(shown->title, word, &from, &len)) {
		hit->mark_at = from;
		hit->mark_len = len;
		return BY_INITIALS + (from == 0 ? AT_START : 0) + (len == strlen(shown->title) ? ALL_OF_IT : 0);
	}
	if (strstr(entry->keywords, word) != NULL)
		return IN_KEYWORDS;
	if (is_letters(word) && pinyin_find(shown->keywords, word, &from, &len))
		return INITIALS_OF_KEYWORDS;
	return strstr(entry->body, word) != NULL ? IN_BODY : 0;
}

static int best_first(const void *a, const void *b)
{
	const struct help_hit *left = a, *right = b;
	if (left->score != right->score)
		return left->score < right->score ? 1 : -1;
	return left->index < right->index ? -1 : left->index > right->index;
}

size_t help_search(const struct help *help, const char *query, struct help_hit *hits, size_t max)
{
	char folded[QUERY_MAX], *rest = folded, *word, *words[WORDS];
	size_t count = 0, found = 0;
	help_fold(query, folded, sizeof folded);
	while (count < WORDS && (word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			words[count++] = word;
	struct help_hit *all = count > 0 ? calloc(help->count + 1, sizeof *all) : NULL;
	for (size_t i = 0; all != NULL && i < help->count; i++) {
		struct help_hit hit = { .index = i, .score = help->entries[i].category != HELP_PROCESS }; /* of equals a question is meant */
		size_t w = 0;
		for (int score; w < count && (score = score_word(&help->folded[i], &help->entries[i], words[w], &hit)) > 0; w++)
			hit.score += score;
		if (w == count)
			all[found++] = hit;
	}
	if (all != NULL)
		qsort(all, found, sizeof *all, best_first);
	if (found > max)
		found = max;
	if (found > 0)
		memcpy(hits, all, found * sizeof *hits);
	free(all);
	return found;
}
