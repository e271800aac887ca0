#ifndef HELP_INTERNAL_H
#define HELP_INTERNAL_H

#include <certhall/help.h>
#include <certhall/model.h>

/* An entry's texts as they are searched. */
struct folded {
	char *title, *keywords, *body;
};

struct help {
	int holders;
	size_t count;
	struct help_entry *entries;
	struct folded *folded;
};

/* Where the texts come from: a folder, or a bundle when there is one. */
struct help_source {
	const char *folder, *language;
	const struct help_bundle *bundle;
	const char *const *names; /* of the folder's files; NULL: every category's */
};
int help_open_source(const struct help_source *from, const struct help_values *values, help_complain_fn *complain, void *ctx,
	struct help **out, struct error *err) CH_MUST_CHECK;

/* Of one width and case; size as the text's or more. */
char *help_fold(const char *text, char *out, size_t size);

#endif
