#include <certhall/path.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <certhall/file.h>
#include <certhall/text.h>

char *path_expand(const char *path, char *out, size_t size)
{
	const char *home = getenv("HOME");
	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && home != NULL)
		snprintf(out, size, "%s%s", home, path + 1);
	else
		snprintf(out, size, "%s", path);
	return out;
}

static bool is_folder(const char *folder, const char *name)
{
	char path[FILE_PATH_MAX];
	struct stat about;
	return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* A name that could not be typed or shown as it is, is not offered. */
static bool is_plain(const char *name)
{
	char clean[NAME_MAX_BYTES];
	text_sanitize(name, clean, sizeof clean, false);
	return strcmp(name, clean) == 0;
}

static void note(struct path_names *names, const char *name)
{
	if (names->count < PATH_NAMES)
		snprintf(names->names[names->count], NAME_MAX_BYTES, "%s", name);
	names->count++;
}

/* What all of them begin with, by whole characters. */
static void keep_common(char *common, const char *name)
{
	size_t at = 0;
	uint32_t uc;
	for (size_t n; (n = text_character(common + at, &uc)) > 0 && strncmp(common + at, name + at, n) == 0; at += n)
		;
	common[at] = '\0';
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool path_complete(char *path, size_t size, struct path_names *names)
{
	char full[FILE_PATH_MAX], folder[FILE_PATH_MAX], common[NAME_MAX_BYTES] = "";
	*names = (struct path_names){ 0 };
	path_expand(path, full, sizeof full);
	char *slash = strrchr(full, '/');
	const char *start = slash != NULL ? slash + 1 : full;
	snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : slash == full ? 1 : (int)(slash - full), slash == NULL ? "." : full);
	DIR *dir = opendir(folder);
	if (dir == NULL)
		return false;
	bool single_folder = false;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		bool hidden = entry->d_name[0] == '.' && start[0] != '.';
		if (hidden || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0
		    || strncmp(entry->d_name, start, strlen(start)) != 0 || strlen(entry->d_name) + 2 > NAME_MAX_BYTES || !is_plain(entry->d_name))
			continue;
		char name[NAME_MAX_BYTES];
		single_folder = is_folder(folder, entry->d_name);
		snprintf(name, sizeof name, "%s%s", entry->d_name, single_folder ? "/" : "");
		if (names->count == 0)
			memcpy(common, name, sizeof common);
		else
			keep_common(common, name);
		note(names, name);
	}
	closedir(dir);
	qsort(names->names, names->count < PATH_NAMES ? names->count : PATH_NAMES, sizeof names->names[0], by_name);
	size_t typed = strlen(start), len = strlen(path);
	if (strlen(common) <= typed || len + strlen(common) - typed >= size)
		return false;
	strcpy(path + len, common + typed);
	return true;
}
