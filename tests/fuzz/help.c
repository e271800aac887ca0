/* The help centre's content as staff may write it, and what people type into its search. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <certhall/help.h>

static char folder[] = "/tmp/certhall-fuzz-XXXXXX";

static void remove_folder(void)
{
	char path[64];
	snprintf(path, sizeof path, "%s/xx/cert.md", folder);
	unlink(path);
	snprintf(path, sizeof path, "%s/xx", folder);
	rmdir(path);
	rmdir(folder);
}

static void write_file(const uint8_t *data, size_t size)
{
	static bool made;
	char path[64];
	snprintf(path, sizeof path, "%s/xx", folder);
	if (!made) {
		HOLDS(mkdtemp(folder) != NULL);
		snprintf(path, sizeof path, "%s/xx", folder);
		HOLDS(mkdir(path, 0700) == 0 && atexit(remove_folder) == 0);
		made = true;
	}
	strcat(path, "/cert.md");
	FILE *file = fopen(path, "we");
	HOLDS(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void complain(void *ctx, const char *file, int line, const char *what)
{
	(void)ctx, (void)file;
	HOLDS(line >= 0 && *what != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct help_values values = { .before = "1", .hotline = "400" };
	struct help *help;
	struct error err;
	struct help_hit hits[16];
	if (size == 0 || size > 16384)
		return 0;
	write_file(data, size);
	if (help_open(folder, "xx", &values, complain, NULL, &help, &err) != 0)
		return 0;
	for (size_t i = 0; i < help_count(help); i++) {
		const struct help_entry *entry = help_at(help, i);
		fuzz_is_clean(entry->title, false);
		fuzz_is_clean(entry->body, true);
	}
	char *query = fuzz_text(data, size < 64 ? size : 64);
	size_t found = help_search(help, query, hits, 16);
	for (size_t i = 0; i < found; i++)
		HOLDS(hits[i].mark_at + hits[i].mark_len <= strlen(help_at(help, hits[i].index)->title));
	free(query);
	help_free(&help);
	return 0;
}
