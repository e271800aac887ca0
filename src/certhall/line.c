#include "certhall/line.h"

#include <iconv.h>
#include <langinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

/* A key that does not answer: while that lasts Ctrl-C gives up what it was asked, and not the program, whatever it means else. */
static struct {
	struct world *world;
	int fd;
	struct loop_watch *watch;
} slow = { .fd = -1 };

static void on_interrupt(void *ctx, int fd, int ready)
{
	struct signalfd_siginfo info;
	(void)ctx;
	(void)ready;
	if (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
		token_give_up(slow.world->token);
}

static void on_slow(void *ctx, bool begins)
{
	sigset_t interrupt;
	slow.world = ctx;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	if (begins) {
		sigprocmask(SIG_BLOCK, &interrupt, NULL); /* pending also where it is ignored */
		slow.fd = signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK);
		slow.watch = slow.fd >= 0 ? loop_watch(slow.world->loop, slow.fd, LOOP_READ, on_interrupt, NULL) : NULL;
		line_say(stderr, "certhall: %s\n", _("The key has not answered for several seconds. It may be busy: then waiting helps. Ctrl-C gives up; "
			"then pull the key out, insert it again and run the same command again. What was paid is kept."));
		return;
	}
	loop_unwatch(slow.world->loop, &slow.watch);
	if (slow.fd >= 0)
		close(slow.fd);
	slow.fd = -1;
	sigprocmask(SIG_UNBLOCK, &interrupt, NULL);
}

int world_open(struct world *world, struct loop *loop, struct settings *settings)
{
	char log[FILE_PATH_MAX];
	file_state_path("token.log", log, sizeof log);
	*world = (struct world){ .loop = loop, .settings = settings };
	const struct token_options token = { .module = settings->module, .module_args = settings->module_args[0] != '\0' ? settings->module_args : NULL,
		.helper = settings->helper[0] != '\0' ? settings->helper : NULL, .log = log[0] != '\0' ? log : NULL };
	int code = hall_new(loop, settings, &world->hall);
	if (code == 0)
		code = token_new(loop, &token, &world->token);
	if (code == 0)
		token_on_slow(world->token, on_slow, world);
	if (code != 0)
		world_close(world);
	else if (trust_open_file(settings->ca_file, &world->trust, NULL) != 0)
		world->trust = NULL;
	return code;
}

void world_close(struct world *world)
{
	token_free(&world->token);
	hall_free(&world->hall);
	trust_free(&world->trust);
}

/* Characters the encoding has not are written as '?'. */
static void write_converted(FILE *to, iconv_t convert, char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		char out[512], *at = out;
		size_t room = sizeof out;
		size_t rc = iconv(convert, &text, &left, &at, &room);
		fwrite(out, 1, sizeof out - room, to);
		if (rc == (size_t)-1 && room > 16 && left > 0) {
			uint32_t character;
			size_t skip = text_character(text, &character);
			text += skip;
			left -= skip;
			fputc('?', to);
		}
	}
}

void line_say(FILE *to, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	text_sanitize(text, text, (size_t)len + 1, true);
	const char *codeset = nl_langinfo(CODESET);
	iconv_t convert = strcmp(codeset, "UTF-8") == 0 ? (iconv_t)-1 : iconv_open(codeset, "UTF-8");
	if (convert == (iconv_t)-1) {
		fputs(text, to);
	} else {
		write_converted(to, convert, text);
		iconv_close(convert);
	}
	fflush(to);
	free(text);
}

void line_error(const struct error *err)
{
	char sentence[512];
	line_say(stderr, "certhall: %s\n", error_sentence(err, sentence, sizeof sentence));
}

/* What was typed, from the locale's encoding; a byte that is none of it ends the line there. */
static void to_utf8(const char *line, char *out, size_t size)
{
	const char *codeset = nl_langinfo(CODESET);
	iconv_t convert = strcmp(codeset, "UTF-8") == 0 ? (iconv_t)-1 : iconv_open("UTF-8", codeset);
	char text[1024] = "", *from = (char *)line, *to = text;
	size_t left = strlen(line), room = sizeof text - 1;
	if (convert != (iconv_t)-1) {
		iconv(convert, &from, &left, &to, &room);
		iconv_close(convert);
		*to = '\0';
	}
	text_sanitize(convert != (iconv_t)-1 ? text : line, out, size, false);
}

bool line_ask(const char *question, char *answer, size_t size)
{
	char *line = NULL;
	size_t room = 0;
	line_say(stdout, "%s", question);
	ssize_t len = getline(&line, &room, stdin);
	if (len >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		to_utf8(line, answer, size);
	}
	free(line);
	return len >= 0;
}

bool line_confirm(const char *question)
{
	char answer[16], full[256];
	snprintf(full, sizeof full, _("%s [y/N] "), question);
	return line_ask(full, answer, sizeof answer) && (answer[0] == 'y' || answer[0] == 'Y' || strcmp(answer, "是") == 0);
}
