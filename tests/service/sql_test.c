#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "service/store/sql.h"

static char folder[] = "/tmp/certhall-sql-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/test.db", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char command[96];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct sql *opened(void)
{
	struct sql *db;
	struct error err = { 0 };
	assert_int_equal(sql_open(path, &db, &err), 0);
	return db;
}

static int64_t one_int(struct sql *db, const char *text)
{
	struct sql_stmt *q = sql_prepare(db, text);
	assert_true(sql_row(q));
	int64_t value = sql_get_int(q, 0);
	assert_int_equal(sql_done(q, NULL), 0);
	return value;
}

static int insert(struct sql *db, const char *name, const char *value)
{
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO setting (name, value) VALUES (?, ?)");
	sql_text(q, name);
	sql_blob(q, value, strlen(value));
	return sql_done(q, NULL);
}

static void test_durable_and_private(void **state)
{
	(void)state;
	struct sql *db = opened();
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(one_int(db, "PRAGMA synchronous"), 2);
	assert_int_equal(one_int(db, "PRAGMA foreign_keys"), 1);
	int steps = 0;
	while (sql_schema[steps] != NULL)
		steps++;
	assert_int_equal(one_int(db, "PRAGMA user_version"), steps);
	char mode[16];
	struct sql_stmt *q = sql_prepare(db, "PRAGMA journal_mode");
	assert_true(sql_row(q));
	assert_string_equal(sql_get_text(q, 0, mode, sizeof mode), "wal");
	assert_int_equal(sql_done(q, NULL), 0);
	sql_close(&db);
	assert_null(db);
}

static void test_values(void **state)
{
	(void)state;
	struct sql *db = opened();
	assert_int_equal(insert(db, "values", "with 'quotes'; -- and 中文"), 0);
	struct sql_stmt *q = sql_prepare(db, "SELECT value, NULL, name FROM setting WHERE name = ?");
	sql_text(q, "values");
	assert_true(sql_row(q));
	struct bytes value = { 0 };
	char name[4];
	sql_get_blob(q, 0, &value);
	assert_string_equal((char *)value.data, "with 'quotes'; -- and 中文");
	assert_true(sql_get_null(q, 1));
	assert_false(sql_get_null(q, 2));
	assert_string_equal(sql_get_text(q, 2, name, sizeof name), "val");
	assert_false(sql_row(q));
	assert_int_equal(sql_done(q, NULL), 0);
	bytes_free(&value);
	sql_close(&db);
}

/* The same text within its own loop, as a helper may do. */
static void test_text_used_twice(void **state)
{
	(void)state;
	struct sql *db = opened();
	struct sql_stmt *outer = sql_prepare(db, "SELECT count(*) FROM setting");
	assert_true(sql_row(outer));
	assert_int_equal(one_int(db, "SELECT count(*) FROM setting"), sql_get_int(outer, 0));
	assert_int_equal(sql_done(outer, NULL), 0);
	sql_close(&db);
}

static void test_failures_are_kept(void **state)
{
	(void)state;
	struct sql *db = opened();
	struct error err = { 0 };
	struct sql_stmt *q = sql_prepare(db, "SELECT nonsense FROM nowhere WHERE a = ?");
	sql_int(q, 1);
	assert_false(sql_row(q));
	assert_int_equal(sql_done(q, &err), ERR_FILE);
	assert_int_equal(insert(db, "unique", "a"), 0);
	assert_int_equal(insert(db, "unique", "b"), ERR_ORDER_STATE);
	q = sql_prepare(db, "INSERT INTO open_item (old_fingerprint, number) VALUES ('x', 'none')");
	assert_int_equal(sql_done(q, &err), ERR_ORDER_STATE); /* foreign key */
	sql_close(&db);
}

static void test_transaction_is_taken_back(void **state)
{
	(void)state;
	struct sql *db = opened();
	assert_int_equal(sql_begin(db, NULL), 0);
	assert_true(sql_in_transaction(db));
	assert_int_equal(insert(db, "gone", "a"), 0);
	assert_int_equal(sql_commit(db, ERR_NOT_PAID, NULL), ERR_NOT_PAID);
	assert_false(sql_in_transaction(db));
	assert_int_equal(one_int(db, "SELECT count(*) FROM setting WHERE name = 'gone'"), 0);
	sql_close(&db);
}

static void *add_many(void *arg)
{
	struct sql *db = opened();
	char name[32];
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "%s %d", (const char *)arg, i);
		if (sql_begin(db, NULL) != 0 || sql_commit(db, insert(db, name, "x"), NULL) != 0)
			return arg;
	}
	sql_close(&db);
	return NULL;
}

static void test_threads_take_turns(void **state)
{
	(void)state;
	pthread_t threads[4];
	char names[4][8] = { "a", "b", "c", "d" };
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, names[i]), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	struct sql *db = opened();
	assert_int_equal(one_int(db, "SELECT count(*) FROM setting WHERE name LIKE '_ %'"), 200);
	sql_close(&db);
}

/* A second connection of this process is opened, then another process comes and goes: had opening let go of the locks, the
 * other would have removed the log that is still in use. */
static void test_another_process_comes_and_goes(void **state)
{
	(void)state;
	struct sql *first = opened(), *second = opened();
	assert_int_equal(insert(first, "before", "a"), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(execl("/usr/bin/python3", "python3", "-c", "import sqlite3, sys\n"
			"db = sqlite3.connect(sys.argv[1]); db.execute('SELECT count(*) FROM setting').fetchone(); db.close()", path, NULL));
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	char log[80];
	snprintf(log, sizeof log, "%s-wal", path);
	assert_int_equal(access(log, F_OK), 0);
	assert_int_equal(insert(second, "after", "a"), 0);
	assert_int_equal(one_int(first, "SELECT count(*) FROM setting WHERE name IN ('before', 'after')"), 2);
	struct sql_stmt *q = sql_prepare(first, "PRAGMA integrity_check");
	char said[16];
	assert_true(sql_row(q));
	assert_string_equal(sql_get_text(q, 0, said, sizeof said), "ok");
	assert_int_equal(sql_done(q, NULL), 0);
	sql_close(&second);
	sql_close(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durable_and_private),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_text_used_twice),
		cmocka_unit_test(test_failures_are_kept),
		cmocka_unit_test(test_transaction_is_taken_back),
		cmocka_unit_test(test_threads_take_turns),
		cmocka_unit_test(test_another_process_comes_and_goes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
