/*
 * Runs a command on a pseudo-terminal with a libvterm screen behind it, for tests.
 *
 *	vtdrive [-g COLSxROWS] [-e ENCODING] [-a 1|2] [-r FILE] -- COMMAND [ARGUMENT...]
 *
 * Reads one JSON object a line, {"do": NAME, ...}, and answers each with one JSON line; the first line it writes is
 * {"pid": N}. What the names take and give stands beside the functions below. -e is the encoding the command uses (the
 * requests and answers are UTF-8 all the same); -a 2 draws characters of ambiguous width in two columns; -r keeps what the
 * command writes, byte by byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <iconv.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <unistr.h>
#include <uniwidth.h>

#include <certhall/bytes.h>

#include "vtscreen.h"

struct drive {
	VTerm *vt;
	VTermScreen *screen;
	int rows, cols;
	const char *encoding;
	bool wide_ambiguous;
	iconv_t decoder; /* (iconv_t)-1: the bytes go to the screen as they are */
	struct bytes undecoded;
	struct bytes out; /* to the command, not yet taken by the terminal */
	pid_t pid;
	int pidfd;
	int pty; /* -1 after a hang-up */
	int raw; /* -1: nobody wants it */
	int status; /* of waitpid */
	bool exited;
	int64_t serial; /* grows with everything that may have changed the screen */
	bool cursor_visible, altscreen;
	int bells;
	struct bytes title;
	struct {
		int64_t at, first, last; /* microseconds; first and last of what was read since the mark, 0 before it came */
		int64_t bytes;
		int reads;
	} mark;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "vtdrive: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void append(struct bytes *b, const void *data, size_t len)
{
	if (bytes_append(b, data, len) != 0)
		die("buffer");
}

/* ---- the screen ---- */

static void on_output(const char *data, size_t len, void *ctx)
{
	struct drive *drive = ctx;
	append(&drive->out, data, len);
}

static int on_property(VTermProp prop, VTermValue *value, void *ctx)
{
	struct drive *drive = ctx;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		drive->cursor_visible = value->boolean;
	else if (prop == VTERM_PROP_ALTSCREEN)
		drive->altscreen = value->boolean;
	else if (prop == VTERM_PROP_TITLE && bytes_set(&drive->title, value->string, strlen(value->string)) != 0)
		die("title");
	return 1;
}

static int on_bell(void *ctx)
{
	((struct drive *)ctx)->bells++;
	return 1;
}

static const VTermScreenCallbacks screen_callbacks = { .settermprop = on_property, .bell = on_bell };

static void screen_start(struct drive *drive)
{
	drive->vt = vterm_new(drive->rows, drive->cols);
	vterm_set_utf8(drive->vt, 1);
	vterm_output_set_callback(drive->vt, on_output, drive);
	drive->screen = vterm_obtain_screen(drive->vt);
	vterm_screen_set_callbacks(drive->screen, &screen_callbacks, drive);
	vterm_screen_enable_altscreen(drive->screen, 1);
	vterm_screen_reset(drive->screen, 1);
	drive->cursor_visible = true;
}

/* A terminal that draws ambiguous characters wide: each is followed by a space, which takes its second column. */
static void write_widened(struct drive *drive, const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + len;
	while (at < end) {
		ucs4_t c;
		int n = u8_mbtouc(&c, at, (size_t)(end - at));
		vterm_input_write(drive->vt, (const char *)at, (size_t)n);
		if (c >= 0x80 && uc_width(c, "GBK") == 2 && uc_width(c, "UTF-8") == 1)
			vterm_input_write(drive->vt, " ", 1);
		at += n;
	}
}

static void screen_decode(struct drive *drive, const char *data, size_t len)
{
	append(&drive->undecoded, data, len);
	char *in = (char *)drive->undecoded.data;
	size_t left = drive->undecoded.len;
	while (left > 0) {
		char text[4096], *out = text;
		size_t room = sizeof text;
		size_t r = iconv(drive->decoder, &in, &left, &out, &room);
		if (drive->wide_ambiguous)
			write_widened(drive, text, (size_t)(out - text));
		else
			vterm_input_write(drive->vt, text, (size_t)(out - text));
		if (r == (size_t)-1 && errno == EINVAL)
			break; /* the rest of the character is yet to come */
		if (r == (size_t)-1 && errno == EILSEQ) {
			vterm_input_write(drive->vt, "\xef\xbf\xbd", 3);
			in++;
			left--;
		}
	}
	bytes_drop(&drive->undecoded, drive->undecoded.len - left);
}

/* ---- the pseudo-terminal ---- */

static void spawn(struct drive *drive, char **argv)
{
	struct winsize size = { .ws_row = (unsigned short)drive->rows, .ws_col = (unsigned short)drive->cols };
	drive->pid = forkpty(&drive->pty, NULL, NULL, &size);
	if (drive->pid < 0)
		die("forkpty");
	if (drive->pid == 0) {
		struct termios mode;
		if (tcgetattr(0, &mode) == 0) {
			if (strcmp(drive->encoding, "UTF-8") == 0)
				mode.c_iflag |= IUTF8;
			tcsetattr(0, TCSANOW, &mode);
		}
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		fprintf(stderr, "vtdrive: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	fcntl(drive->pty, F_SETFL, O_NONBLOCK);
	fcntl(drive->pty, F_SETFD, FD_CLOEXEC);
	drive->pidfd = pidfd_open(drive->pid, 0);
	if (drive->pidfd < 0)
		die("pidfd_open");
}

static void hang_up(struct drive *drive)
{
	if (drive->pty >= 0)
		close(drive->pty);
	drive->pty = -1;
}

/* Takes what the command wrote; false when there was nothing. */
static bool pty_read(struct drive *drive)
{
	char data[8192];
	ssize_t n = drive->pty >= 0 ? read(drive->pty, data, sizeof data) : 0;
	if (n < 0 && errno == EIO)
		hang_up(drive); /* nobody has it open any more */
	if (n <= 0)
		return false;
	drive->mark.last = now_us();
	if (drive->mark.reads++ == 0)
		drive->mark.first = drive->mark.last;
	drive->mark.bytes += n;
	if (drive->raw >= 0 && write(drive->raw, data, (size_t)n) != n)
		die("raw");
	if (drive->decoder != (iconv_t)-1)
		screen_decode(drive, data, (size_t)n);
	else
		vterm_input_write(drive->vt, data, (size_t)n);
	drive->serial++;
	return true;
}

static void pty_flush(struct drive *drive)
{
	ssize_t n = drive->pty >= 0 ? write(drive->pty, drive->out.data, drive->out.len) : (ssize_t)drive->out.len;
	if (n > 0)
		bytes_drop(&drive->out, (size_t)n);
}

static void reap(struct drive *drive)
{
	if (waitpid(drive->pid, &drive->status, WNOHANG) != drive->pid)
		return;
	while (pty_read(drive))
		;
	drive->exited = true;
	drive->serial++;
}

/* One wait of at most timeout_ms (-1: for ever) for the command or for a request. */
static bool pump(struct drive *drive, int timeout_ms, bool for_request)
{
	struct pollfd fds[] = {
		{ .fd = drive->pty, .events = (short)(POLLIN | (drive->out.len > 0 ? POLLOUT : 0)) },
		{ .fd = drive->exited ? -1 : drive->pidfd, .events = POLLIN },
		{ .fd = for_request ? STDIN_FILENO : -1, .events = POLLIN },
	};
	if (poll(fds, 3, timeout_ms) < 0 && errno != EINTR)
		die("poll");
	if (fds[0].revents & POLLOUT)
		pty_flush(drive);
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		pty_read(drive);
	if (fds[1].revents != 0)
		reap(drive);
	return fds[2].revents != 0;
}

static void mark_now(struct drive *drive)
{
	memset(&drive->mark, 0, sizeof drive->mark);
	drive->mark.at = now_us();
}

/* ---- requests; each takes the request and fills the answer ---- */

static int get_int(struct json_object *request, const char *name, int otherwise)
{
	struct json_object *value;
	return json_object_object_get_ex(request, name, &value) ? json_object_get_int(value) : otherwise;
}

static const char *get_text(struct json_object *request, const char *name)
{
	struct json_object *value;
	return json_object_object_get_ex(request, name, &value) ? json_object_get_string(value) : "";
}

static void add_int(struct json_object *answer, const char *name, int64_t value)
{
	json_object_object_add(answer, name, json_object_new_int64(value));
}

static void add_bool(struct json_object *answer, const char *name, bool value)
{
	json_object_object_add(answer, name, json_object_new_boolean(value));
}

/* -> serial, rows (text), cursor ([row, column]), cursor_visible, altscreen, title, bells, exited, size ([rows, columns]) */
static void do_screen(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)request;
	VTermPos at;
	vterm_state_get_cursorpos(vterm_obtain_state(drive->vt), &at);
	struct json_object *cursor = json_object_new_array(), *size = json_object_new_array();
	json_object_array_add(cursor, json_object_new_int(at.row));
	json_object_array_add(cursor, json_object_new_int(at.col));
	json_object_array_add(size, json_object_new_int(drive->rows));
	json_object_array_add(size, json_object_new_int(drive->cols));
	add_int(answer, "serial", drive->serial);
	json_object_object_add(answer, "rows", vtscreen_rows(drive->screen, drive->rows, drive->cols));
	json_object_object_add(answer, "cursor", cursor);
	json_object_object_add(answer, "size", size);
	add_bool(answer, "cursor_visible", drive->cursor_visible);
	add_bool(answer, "altscreen", drive->altscreen);
	json_object_object_add(answer, "title", json_object_new_string(drive->title.data != NULL ? (char *)drive->title.data : ""));
	add_int(answer, "bells", drive->bells);
	add_bool(answer, "exited", drive->exited);
}

/* since (a serial), timeout (ms) -> as screen, once something came after that serial, or after the time */
static void do_change(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	int64_t end = now_us() + (int64_t)get_int(request, "timeout", 0) * 1000;
	int since = get_int(request, "since", 0);
	for (int64_t left; drive->serial <= since && !drive->exited && (left = end - now_us()) > 0;)
		pump(drive, (int)((left + 999) / 1000), false);
	while (pty_read(drive))
		; /* all that is there belongs to the same paint */
	do_screen(drive, request, answer);
}

/* for (ms), timeout (ms) -> quiet: whether nothing came for that long before the time was up */
static void do_quiet(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	int64_t span = (int64_t)get_int(request, "for", 50) * 1000;
	int64_t began = now_us(), end = began + (int64_t)get_int(request, "timeout", 10000) * 1000;
	int64_t since = began, serial = drive->serial;
	while (now_us() - since < span && now_us() < end) {
		pump(drive, (int)((span - (now_us() - since) + 999) / 1000), false);
		if (drive->serial != serial)
			since = now_us();
		serial = drive->serial;
	}
	add_bool(answer, "quiet", now_us() - since >= span);
}

/* text (UTF-8, sent in the command's encoding); marks */
static void do_text(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)answer;
	const char *text = get_text(request, "text");
	char *in = (char *)(uintptr_t)text;
	size_t left = strlen(text);
	iconv_t encoder = iconv_open(drive->encoding, "UTF-8");
	if (encoder == (iconv_t)-1)
		die("encoding");
	while (left > 0) {
		char data[1024], *out = data;
		size_t room = sizeof data;
		if (iconv(encoder, &in, &left, &out, &room) == (size_t)-1 && errno != E2BIG)
			die("text");
		append(&drive->out, data, (size_t)(out - data));
	}
	iconv_close(encoder);
	mark_now(drive);
	pty_flush(drive);
}

/* key (a VTermKey), mods (VTermModifier bits): sent as the terminal's present modes want it; marks */
static void do_key(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)answer;
	vterm_keyboard_key(drive->vt, (VTermKey)get_int(request, "key", 0), (VTermModifier)get_int(request, "mods", 0));
	mark_now(drive);
	pty_flush(drive);
}

/* start: whether it begins or ends; sends a bracketed paste's mark if the command asked for such */
static void do_paste(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)answer;
	if (get_int(request, "start", 1))
		vterm_keyboard_start_paste(drive->vt);
	else
		vterm_keyboard_end_paste(drive->vt);
}

/* row -> cells */
static void do_cells(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	json_object_object_add(answer, "cells", vtscreen_cells(drive->screen, get_int(request, "row", 0), drive->cols));
}

/* rows, cols: the window's new size; the command gets its SIGWINCH; marks */
static void do_resize(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)answer;
	drive->rows = get_int(request, "rows", drive->rows);
	drive->cols = get_int(request, "cols", drive->cols);
	struct winsize size = { .ws_row = (unsigned short)drive->rows, .ws_col = (unsigned short)drive->cols };
	vterm_set_size(drive->vt, drive->rows, drive->cols);
	mark_now(drive);
	if (drive->pty >= 0 && ioctl(drive->pty, TIOCSWINSZ, &size) != 0)
		die("TIOCSWINSZ");
	drive->serial++;
}

/* path: where the PNG goes ("" for none) -> qr: the texts of the codes seen, width, height */
static void do_raster(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	int width, height;
	uint8_t *rgb = vtscreen_raster(drive->screen, drive->rows, drive->cols, &width, &height);
	if (rgb == NULL)
		die("raster");
	const char *path = get_text(request, "path");
	if (path[0] != 0 && !vtscreen_png(path, rgb, width, height))
		die(path);
	json_object_object_add(answer, "qr", vtscreen_qr(rgb, width, height));
	add_int(answer, "width", width);
	add_int(answer, "height", height);
	free(rgb);
}

/* -> bytes, reads, and first_us, last_us: when the first and the last of them were read, all since the last mark */
static void do_stats(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)request;
	add_int(answer, "bytes", drive->mark.bytes);
	add_int(answer, "reads", drive->mark.reads);
	add_int(answer, "first_us", drive->mark.reads > 0 ? drive->mark.first - drive->mark.at : 0);
	add_int(answer, "last_us", drive->mark.reads > 0 ? drive->mark.last - drive->mark.at : 0);
}

static void do_mark(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)request;
	(void)answer;
	mark_now(drive);
}

/* number: sent to the command alone */
static void do_signal(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)answer;
	if (!drive->exited)
		kill(drive->pid, get_int(request, "number", SIGTERM));
}

/* The window is closed under the command. */
static void do_hangup(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	(void)request;
	(void)answer;
	hang_up(drive);
}

/* timeout (ms) -> exited, and status or signal */
static void do_exit(struct drive *drive, struct json_object *request, struct json_object *answer)
{
	int64_t end = now_us() + (int64_t)get_int(request, "timeout", 0) * 1000;
	for (int64_t left; !drive->exited && (left = end - now_us()) > 0;)
		pump(drive, (int)((left + 999) / 1000), false);
	add_bool(answer, "exited", drive->exited);
	if (drive->exited && WIFEXITED(drive->status))
		add_int(answer, "status", WEXITSTATUS(drive->status));
	else if (drive->exited)
		add_int(answer, "signal", WTERMSIG(drive->status));
}

static const struct {
	const char *name;
	void (*fn)(struct drive *drive, struct json_object *request, struct json_object *answer);
} requests[] = {
	{ "screen", do_screen }, { "change", do_change }, { "quiet", do_quiet }, { "text", do_text },
	{ "key", do_key },	 { "paste", do_paste },	  { "cells", do_cells }, { "resize", do_resize },
	{ "raster", do_raster }, { "stats", do_stats },	  { "mark", do_mark },	 { "signal", do_signal },
	{ "hangup", do_hangup }, { "exit", do_exit },
};

static void answer_line(struct drive *drive, const char *line)
{
	struct json_object *request = json_tokener_parse(line), *answer = json_object_new_object();
	const char *name = request != NULL ? get_text(request, "do") : "";
	size_t i = 0, count = sizeof requests / sizeof requests[0];
	while (i < count && strcmp(requests[i].name, name) != 0)
		i++;
	if (i < count)
		requests[i].fn(drive, request, answer);
	else
		json_object_object_add(answer, "error", json_object_new_string("no such request"));
	puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(answer);
	json_object_put(request);
}

/* Answers until the requests end. */
static void serve(struct drive *drive)
{
	struct bytes in = { 0 };
	for (;;) {
		if (!pump(drive, -1, true))
			continue;
		char data[8192];
		ssize_t n = read(STDIN_FILENO, data, sizeof data);
		if (n <= 0)
			break;
		append(&in, data, (size_t)n);
		for (char *end; in.len > 0 && (end = memchr(in.data, '\n', in.len)) != NULL;) {
			*end = 0;
			answer_line(drive, (char *)in.data);
			bytes_drop(&in, (size_t)(end - (char *)in.data) + 1);
		}
	}
	bytes_free(&in);
}

/* The command gets the hang-up of a closed window and a moment to clean up after itself. */
static void finish(struct drive *drive)
{
	hang_up(drive);
	if (!drive->exited && poll(&(struct pollfd){ .fd = drive->pidfd, .events = POLLIN }, 1, 2000) == 0)
		kill(drive->pid, SIGKILL);
	if (!drive->exited)
		waitpid(drive->pid, NULL, 0);
	close(drive->pidfd);
	if (drive->decoder != (iconv_t)-1)
		iconv_close(drive->decoder);
	bytes_free(&drive->undecoded);
	bytes_free(&drive->out);
	bytes_free(&drive->title);
	vterm_free(drive->vt);
}

int main(int argc, char **argv)
{
	struct drive drive = { .rows = 24, .cols = 80, .encoding = "UTF-8", .decoder = (iconv_t)-1, .pty = -1, .pidfd = -1, .raw = -1 };
	for (int option; (option = getopt(argc, argv, "+g:e:a:r:")) != -1;) {
		if (option == 'g' && sscanf(optarg, "%dx%d", &drive.cols, &drive.rows) == 2)
			continue;
		if (option == 'e')
			drive.encoding = optarg;
		else if (option == 'a')
			drive.wide_ambiguous = optarg[0] == '2';
		else if (option == 'r' && (drive.raw = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
			die(optarg);
		else if (option == 'r')
			continue;
		else
			optind = argc;
	}
	if (optind >= argc) {
		fputs("usage: vtdrive [-g COLSxROWS] [-e ENCODING] [-a 1|2] [-r FILE] -- COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGHUP); /* the test is gone: the terminal closes, and with it the command */
	signal(SIGPIPE, SIG_IGN);
	if (drive.wide_ambiguous || strcmp(drive.encoding, "UTF-8") != 0) {
		drive.decoder = iconv_open("UTF-8", drive.encoding);
		if (drive.decoder == (iconv_t)-1)
			die(drive.encoding);
	}
	screen_start(&drive);
	mark_now(&drive);
	spawn(&drive, argv + optind);
	printf("{\"pid\":%d}\n", (int)drive.pid);
	fflush(stdout);
	serve(&drive);
	finish(&drive);
	return 0;
}
