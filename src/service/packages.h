/* The components for terminals: a folder with files, packages.conf that tells about them, and the signed list made of it. */
#ifndef SERVICE_PACKAGES_H
#define SERVICE_PACKAGES_H

#include "service/service.h"

#define PACKAGES_MANIFEST "manifest.json"
#define PACKAGES_SIGNATURE "manifest.p7s"

/* Reads packages.conf in the folder, measures the files and writes the signed list. count: how many. */
int packages_sign(const struct settings *settings, int64_t now, size_t *count, struct error *err) CH_MUST_CHECK;

#endif
