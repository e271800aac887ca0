/* The help centre's content as terminals fetch it: a signed bundle a language, made anew when its files have changed. */
#ifndef SERVICE_HELP_H
#define SERVICE_HELP_H

#include "service/service.h"

/* The folder that is served: the configured one, or the installed one. out holds size bytes. */
char *shelf_folder(const struct settings *settings, char *out, size_t size);

/* Reads every language and says in the log what keeps one from being served; only memory can be missing. */
int shelf_open(const struct settings *settings, struct shelf **out, struct error *err) CH_MUST_CHECK;
void shelf_free(struct shelf **shelf);

#endif
