/* Paths as a person types them. */
#ifndef CERTHALL_PATH_H
#define CERTHALL_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { PATH_NAMES = 64, NAME_MAX_BYTES = 256 };

struct path_names {
	size_t count; /* all there are; the first PATH_NAMES of them are kept, sorted */
	char names[PATH_NAMES][NAME_MAX_BYTES]; /* folders end in "/" */
};

/* "~" and "~/..." become the home folder. Returns out. */
char *path_expand(const char *path, char *out, size_t size);

/* Writes on path, in place, as far as the names that begin so agree; true when it became longer. names gets them. */
bool path_complete(char *path, size_t size, struct path_names *names);

#endif
