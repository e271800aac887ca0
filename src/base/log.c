#include <certhall/log.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <certhall/clock.h>
#include <certhall/text.h>

static int log_fd = -1;
static enum log_level log_most = LOG_LEVEL_INFO;

int log_open(const char *path, enum log_level level)
{
	log_close();
	log_most = level;
	log_fd = path == NULL ? STDERR_FILENO : open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return log_fd < 0 ? ERR_FILE : 0;
}

void log_close(void)
{
	if (log_fd > STDERR_FILENO)
		close(log_fd);
	log_fd = -1;
}

/* A line must stay one line whatever a peer put into it, and harmless on the terminal of whoever reads it. */
static void flatten(char *line, size_t size)
{
	for (char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	text_sanitize(line, line, size, false);
}

void log_line(enum log_level level, const char *area, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	if (log_fd < 0 || level > log_most)
		return;
	char line[1024], when[24];
	int used = snprintf(line, sizeof line, "%s %s %s: ", clock_rfc3339(clock_now(), when, sizeof when), names[level], area);
	va_list args;
	va_start(args, fmt);
	vsnprintf(line + used, sizeof line - (size_t)used - 1, fmt, args);
	va_end(args);
	flatten(line, sizeof line);
	size_t len = strlen(line);
	line[len] = '\n';
	ssize_t ignored = write(log_fd, line, len + 1); /* nowhere left to say that the log is full */
	(void)ignored;
}

void log_error(const char *area, const struct error *err)
{
	log_line(LOG_LEVEL_ERROR, area, "%s: %s", error_name(err->code), err->detail);
}

char *log_mask(const char *text, char *out, size_t size)
{
	size_t len = strlen(text);
	size_t hidden = len > 4 ? len - 4 : 0;
	size_t n = 0;
	for (; n < len && n + 1 < size; n++)
		out[n] = n < hidden ? '*' : text[n];
	out[n] = '\0';
	return out;
}
