#ifndef HELP_INTERNAL_H
#define HELP_INTERNAL_H

#include <certhall/help.h>

/* An entry's texts as they are searched. */
struct folded {
	char *title, *keywords, *body;
};

struct help {
	size_t count;
	struct help_entry *entries;
	struct folded *folded;
};

/* Of one width and case; size as the text's or more. */
char *help_fold(const char *text, char *out, size_t size);

#endif
