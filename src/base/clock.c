#include <certhall/clock.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CHINA = 8 * 3600, DAY = 86400 };

int64_t clock_now(void)
{
	return (int64_t)time(NULL);
}

int64_t clock_monotonic_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct tm broken_down(int64_t t, int offset)
{
	time_t shifted = (time_t)(t + offset);
	struct tm tm = { 0 };
	gmtime_r(&shifted, &tm);
	return tm;
}

char *clock_rfc3339(int64_t t, char *out, size_t size)
{
	struct tm tm = broken_down(t, 0);
	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

int clock_parse_rfc3339(const char *text, int64_t *t)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL)
		return -1;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	int offset = 0;
	if (*rest == '+' || *rest == '-') {
		int hours, minutes, used = 0;
		if (sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || rest[1 + used] != '\0')
			return -1;
		offset = (hours * 60 + minutes) * (*rest == '-' ? -60 : 60);
	} else if (strcmp(rest, "Z") != 0) {
		return -1;
	}
	*t = (int64_t)timegm(&tm) - offset;
	return 0;
}

char *clock_date(int64_t t, char *out, size_t size)
{
	struct tm tm = broken_down(t, CHINA);
	strftime(out, size, "%Y-%m-%d", &tm);
	return out;
}

char *clock_date_time(int64_t t, char *out, size_t size)
{
	struct tm tm = broken_down(t, CHINA);
	strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
	return out;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month] + (month == 1 && leap);
}

int64_t clock_add_months(int64_t t, int n)
{
	struct tm tm = broken_down(t, CHINA);
	int months = (tm.tm_year + 1900) * 12 + tm.tm_mon + n;
	int year = months / 12, month = months % 12;
	if (tm.tm_mday > month_days(year, month))
		tm.tm_mday = month_days(year, month);
	tm.tm_year = year - 1900;
	tm.tm_mon = month;
	return (int64_t)timegm(&tm) - CHINA;
}

int64_t clock_days_until(int64_t then, int64_t now)
{
	int64_t span = then - now;
	return span >= 0 ? (span + DAY - 1) / DAY : span / DAY;
}
