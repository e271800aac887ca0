/* Files where nobody else can reach them, and where they stand (XDG base directories). */
#ifndef CERTHALL_FILE_H
#define CERTHALL_FILE_H

#include <stddef.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

#define FILE_PATH_MAX 1024

/* All of a regular file, at most max bytes (ERR_TOO_LARGE). */
int file_read(const char *path, size_t max, struct bytes *out, struct error *err) CH_MUST_CHECK;

/* Writes beside it (0600), fsyncs, renames over it, fsyncs the folder: the file is the old one or the new one. */
int file_replace(const char *path, const void *data, size_t len, struct error *err) CH_MUST_CHECK;

/* Writes a file that must not exist yet (0600, O_EXCL, O_NOFOLLOW), fsynced. */
int file_create(const char *path, const void *data, size_t len, struct error *err) CH_MUST_CHECK;

/* That what was made, renamed or linked in the folder of path is on the disk. */
int file_sync_folder(const char *path, struct error *err) CH_MUST_CHECK;

/* Makes a folder and its parents, 0700 each that is missing. */
int file_make_folder(const char *path, struct error *err) CH_MUST_CHECK;

/* $XDG_DATA_HOME/certhall, $XDG_CONFIG_HOME/certhall, $XDG_STATE_HOME/certhall (with the defaults of the XDG base
 * directory specification 0.8), then "/" name when name is not NULL. Returns out; empty when there is no home. */
char *file_data_path(const char *name, char *out, size_t size);
char *file_config_path(const char *name, char *out, size_t size);
char *file_state_path(const char *name, char *out, size_t size);

/* What is installed in PKGDATADIR under that name; a program that was not installed has it beside itself. */
char *file_installed_path(const char *name, char *out, size_t size);

#endif
