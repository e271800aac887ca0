#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"

enum { CA_MONTHS = 240, OTHER_MONTHS = 120, IN_FOLDER = FILE_PATH_MAX + 32 };

static const char config_text[] =
	"# Made by certhalld init. certhalld.conf.sample explains every setting.\n"
	"listen = \"127.0.0.1:8443\";\n"
	"tls = { certificate = \"%1$s/tls.pem\"; key = \"%1$s/tls.key\"; };\n"
	"database = \"%1$s/certhall.db\";\n"
	"hall = { name = \"网上服务大厅\"; audience = \"%2$s\"; };\n"
	"projects = ( { id = \"default\"; name = \"电子认证项目\"; price_fen = 38000; algorithms = \"rsa:2048,rsa:3072,ec:P-256\"; } );\n"
	"ca = { backend = \"embedded\"; certificate = \"%1$s/ca.pem\"; key = \"%1$s/ca.key\"; };\n"
	"packages = { folder = \"%1$s/packages\"; certificate = \"%1$s/signer.pem\"; key = \"%1$s/signer.key\"; };\n"
	"# payment = { driver = \"chinaums\"; ... };\n";

static const char *in_folder(const char *dir, const char *name, char out[IN_FOLDER])
{
	snprintf(out, IN_FOLDER, "%s/%s", dir, name);
	return out;
}

static int make_certificates(const char *dir, const char *name, const char *names, int64_t now, int64_t ca_from, struct error *err)
{
	char cert[IN_FOLDER], key[IN_FOLDER];
	char first[64];
	snprintf(first, sizeof first, "%.*s", (int)strcspn(names, ","), names);
	int rc = ca_create(in_folder(dir, "ca.pem", cert), in_folder(dir, "ca.key", key), name, "rsa:3072", ca_from,
		clock_add_months(now, CA_MONTHS), err);
	if (rc == 0)
		rc = selfsigned_create(in_folder(dir, "signer.pem", cert), in_folder(dir, "signer.key", key), "certhall components", NULL,
			now - 3600, clock_add_months(now, OTHER_MONTHS), err);
	if (rc == 0)
		rc = selfsigned_create(in_folder(dir, "tls.pem", cert), in_folder(dir, "tls.key", key), first, names, now - 3600,
			clock_add_months(now, OTHER_MONTHS), err);
	return rc;
}

static int make_rest(const char *dir, const char *audience, struct error *err)
{
	char path[IN_FOLDER], text[sizeof config_text + 8 * FILE_PATH_MAX];
	int len = snprintf(text, sizeof text, config_text, dir, audience);
	int rc = file_make_folder(in_folder(dir, "packages", path), err);
	if (rc == 0)
		rc = file_create(in_folder(dir, "certhalld.conf", path), text, (size_t)len, err);
	struct sql *db = NULL;
	if (rc == 0)
		rc = sql_open(in_folder(dir, "certhall.db", path), &db, err);
	sql_close(&db);
	return rc;
}

int command_init(int argc, char **argv)
{
	const char *dir = NULL, *name = "certhall CA", *from = NULL, *names = "localhost,127.0.0.1";
	const struct option_row options[] = { { "--dir", &dir, NULL, true }, { "--ca-name", &name, NULL, false },
		{ "--ca-not-before", &from, NULL, false }, { "--names", &names, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct error err = { 0 };
	int64_t now = clock_now(), ca_from = now - 86400;
	if (from != NULL && clock_parse_rfc3339(from, &ca_from) != 0) {
		error_set(&err, ERR_BAD_INPUT, from, "--ca-not-before");
		return command_failed(&err);
	}
	char *whole = NULL;
	int rc = file_make_folder(dir, &err);
	if (rc == 0 && ((whole = realpath(dir, NULL)) == NULL || strlen(whole) >= FILE_PATH_MAX))
		rc = error_set(&err, ERR_FILE, dir, "no whole path");
	if (rc == 0)
		rc = make_certificates(whole, name, names, now, ca_from, &err);
	if (rc == 0)
		rc = make_rest(whole, "certhall", &err);
	if (rc == 0)
		printf(_("Made %s/certhalld.conf and what it names.\n"), whole);
	free(whole);
	return rc == 0 ? 0 : command_failed(&err);
}
