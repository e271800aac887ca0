#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <certhall/i18n.h>

#include "certhall/line.h"

/* Up to the end of a line, byte by byte: what follows on the descriptor belongs to others. */
static int read_line(int fd, struct secret *out)
{
	char line[SECRET_MAX + 1];
	size_t len = 0;
	int code = 0;
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			code = ERR_FILE;
		if (n <= 0 || c == '\n')
			break;
		if (len == SECRET_MAX)
			code = ERR_PIN_LENGTH;
		else
			line[len++] = c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (code == 0)
		code = len > 0 ? secret_set(out, line, len) : ERR_PIN_LENGTH;
	secret_wipe(line, sizeof line);
	return code;
}

static int ask(const char *prompt, struct secret *out, struct error *err)
{
	struct termios before, silent;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &before) != 0) {
		if (fd >= 0)
			close(fd);
		return error_set(err, ERR_BAD_INPUT, _("there is no terminal to ask for the PIN; use --pin-fd"), "/dev/tty");
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	silent.c_lflag |= ECHONL | ICANON;
	tcsetattr(fd, TCSAFLUSH, &silent);
	FILE *tty = fdopen(dup(fd), "w");
	if (tty != NULL) {
		line_say(tty, "%s", prompt);
		fclose(tty);
	}
	int code = read_line(fd, out);
	tcsetattr(fd, TCSAFLUSH, &before);
	close(fd);
	return code != 0 ? error_set(err, (enum error_code)code, NULL, "terminal") : 0;
}

int pin_get(int fd, const char *prompt, struct secret *out, struct error *err)
{
	if (fd < 0)
		return ask(prompt, out, err);
	int code = read_line(fd, out);
	return code != 0 ? error_set(err, (enum error_code)code, "--pin-fd", "descriptor %d", fd) : 0;
}
