/* Whole databases as files: copies of one that is in use, and putting one in another's place. */
#ifndef SERVICE_STORE_BACKUP_H
#define SERVICE_STORE_BACKUP_H

#include <stdbool.h>

#include <certhall/error.h>

/* Copies a database, which may be in use, as it stands at one moment to a file that must not exist yet: 0600, every page
 * checked, on the disk when this returns. ERR_FILE: nothing was left there. */
int sql_copy(const char *from, const char *to, struct error *err) CH_MUST_CHECK;

/* Whoever works with the database holds it (not alone); who replaces it holds it alone. Does not wait. ERR_FILE. Close *fd to let go. */
int sql_lock(const char *path, bool alone, int *fd, struct error *err) CH_MUST_CHECK;

/* Puts the database `by` in the place of the one at path, which is held alone; the old one stays as aside. */
int sql_swap(const char *path, const char *by, const char *aside, struct error *err) CH_MUST_CHECK;

#endif
