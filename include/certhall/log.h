/* One line an event, to a file of our own (0600) or to standard error. Never a PIN, a session token or personal data. */
#ifndef CERTHALL_LOG_H
#define CERTHALL_LOG_H

#include <certhall/error.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* path NULL: standard error. A file that cannot be opened leaves logging off; returns ERR_FILE then. */
int log_open(const char *path, enum log_level level);
void log_close(void);

void log_line(enum log_level level, const char *area, const char *fmt, ...) CH_PRINTF(3, 4);
void log_error(const char *area, const struct error *err);

/* Serial numbers and the like in reports: all but the last four characters become '*'. out holds size bytes. */
char *log_mask(const char *text, char *out, size_t size);

#endif
