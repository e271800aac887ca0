#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/store/backup.h"

static int note(struct sql *db, const char *action, const char *file, struct error *err)
{
	const char *name = strrchr(file, '/');
	int rc = sql_begin(db, err);
	return rc != 0 ? rc : sql_commit(db, audit_write(db, clock_now(), action, "", err, "file=%.200s", name != NULL ? name + 1 : file), err);
}

int command_backup(int argc, char **argv)
{
	const char *config = NULL, *to = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, &to) || to == NULL)
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct stat st = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0)
		rc = sql_copy(hall->settings.database, to, &err);
	int noted = rc == 0 ? note(hall->db[0], "backup", to, &err) : rc;
	hall_free(&hall);
	if (rc != 0 || stat(to, &st) != 0)
		return command_failed(&err);
	printf(_("%s: %lld bytes, checked.\n"), to, (long long)st.st_size);
	if (noted != 0) /* when the disk is full it is wanted most */
		fprintf(stderr, _("certhalld: the backup is whole, but the audit log does not tell of it: %s\n"), err.detail);
	return 0;
}

/* A name for the old one that nothing has yet. */
static bool name_aside(const char *database, char out[FILE_PATH_MAX])
{
	char when[24];
	clock_rfc3339(clock_now(), when, sizeof when);
	for (int n = 1; n < 100; n++)
		if (snprintf(out, FILE_PATH_MAX, n == 1 ? "%s.before-%s" : "%s.before-%s-%d", database, when, n) >= FILE_PATH_MAX)
			return false;
		else if (access(out, F_OK) != 0)
			return true;
	return false;
}

/* The copy is brought up to date and told of in its own log before it takes the other's place. */
static int restore(const struct settings *settings, const char *from, char aside[FILE_PATH_MAX], struct error *err)
{
	char copy[FILE_PATH_MAX];
	struct sql *db = NULL;
	if (snprintf(copy, sizeof copy, "%s.restoring", settings->database) >= (int)sizeof copy || !name_aside(settings->database, aside))
		return error_set(err, ERR_FILE, settings->database, "path too long");
	unlink(copy); /* of one that was interrupted */
	int rc = sql_copy(from, copy, err);
	if (rc == 0)
		rc = sql_open(copy, &db, err);
	if (rc == 0)
		rc = note(db, "restore", from, err);
	sql_close(&db);
	return rc == 0 ? sql_swap(settings->database, copy, aside, err) : rc;
}

int command_restore(int argc, char **argv)
{
	const char *config = NULL, *from = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, &from) || from == NULL)
		return 2;
	struct settings settings;
	struct error err = { 0 };
	char aside[FILE_PATH_MAX] = "";
	int lock = -1;
	int rc = settings_read(config, &settings, &err);
	if (rc == 0)
		rc = sql_lock(settings.database, true, &lock, &err);
	if (rc == 0) {
		audit_open(settings.audit_node);
		rc = restore(&settings, from, aside, &err);
	}
	if (lock >= 0)
		close(lock);
	if (rc == 0)
		printf(_("Restored. The database that was there is now %s.\nCompare the books with the bank's statements of the days since the backup: certhalld reconcile.\n"), aside);
	settings_free(&settings);
	return rc == 0 ? 0 : command_failed(&err);
}
