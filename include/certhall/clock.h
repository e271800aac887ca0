/* Time. Moments are int64_t seconds since 1970 UTC; what a person reads is China time (UTC+8, no DST), the hall's
 * own, wherever the terminal stands. */
#ifndef CERTHALL_CLOCK_H
#define CERTHALL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_now(void);          /* wall clock, seconds */
int64_t clock_monotonic_ms(void); /* never goes back */

/* RFC 3339 in UTC, "2026-11-22T15:34:33Z". size >= 21. parse gives 0 or -1, and takes offsets too. */
char *clock_rfc3339(int64_t t, char *out, size_t size);
int clock_parse_rfc3339(const char *text, int64_t *t);

/* China time: "2026-11-22" and "2026-11-22 23:34:33". size >= 11 and >= 20. */
char *clock_date(int64_t t, char *out, size_t size);
char *clock_date_time(int64_t t, char *out, size_t size);

/* The same wall-clock time n calendar months later (n may be negative), by China time; the 31st of a month that has
 * none becomes its last day. */
int64_t clock_add_months(int64_t t, int n);

/* Days from now until then, one begun counted whole; when it has passed, minus the whole days since. */
int64_t clock_days_until(int64_t then, int64_t now);

#endif
