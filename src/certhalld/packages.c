#include <stdio.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/packages.h"

int command_packages(int argc, char **argv)
{
	const char *config = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct settings settings;
	struct error err = { 0 };
	size_t count = 0;
	int rc = settings_read(config, &settings, &err);
	if (rc == 0)
		rc = packages_sign(&settings, clock_now(), &count, &err);
	settings_free(&settings);
	if (rc != 0)
		return command_failed(&err);
	printf(ngettext("Listed and signed %zu component.\n", "Listed and signed %zu components.\n", count), count);
	return 0;
}
