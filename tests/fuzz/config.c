/* Configuration files of both programs. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <certhall/settings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static struct settings settings;
	char path[64];
	struct error err;
	if (memmem(data, size, "@include", 8) != NULL || size > 16384)
		return 0; /* names other files of this machine */
	if (fd < 0)
		fd = memfd_create("settings", 0);
	HOLDS(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (settings_load(path, &settings, &err) != 0)
		fuzz_is_clean(err.param, false);
	else
		HOLDS(settings.timeout_s >= 1 && settings.timeout_s <= 600);
	return 0;
}
