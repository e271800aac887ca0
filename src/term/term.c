#include "curses_style.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <certhall/bytes.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

enum { ESC_DELAY_MS = 150, SEQUENCE_DELAY_MS = 500, INPUT_BLOCK = 4096, CRASHES = 4 };

static const int crash_signals[CRASHES] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT };

/* curses writes into a file in memory, whose content goes to the terminal in one piece: on its own it would write at
 * every move of the cursor. So the modes of the terminal and its input are ours. */
static struct {
	bool open, damaged, cursor_shown;
	struct loop *loop;
	struct loop_watch *watch;
	struct loop_timer *wait;
	int esc_delay_ms;
	struct termios modes;
	struct sigaction stop_action, crash_actions[CRASHES];
	char farewell[128]; /* gives the screen back without curses */
	FILE *picture;
	SCREEN *screen;
	struct bytes out;
	struct decoder decoder;
	struct term_hooks hooks;
} term;

void term_set_hooks(const struct term_hooks *hooks)
{
	term.hooks = *hooks;
}

bool term_is_open(void)
{
	return term.open;
}

static void write_all(const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
			poll(&out, 1, 1000);
		} else if (n < 0 && errno != EINTR) {
			return; /* hung up: the input says so too */
		}
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

static void send_picture(void)
{
	int fd = fileno(term.picture);
	off_t len = lseek(fd, 0, SEEK_CUR);
	if (len <= 0)
		return;
	term.out.len = 0;
	char block[8192];
	for (off_t at = 0; at < len;) {
		ssize_t n = pread(fd, block, sizeof block < (size_t)(len - at) ? sizeof block : (size_t)(len - at), at);
		if (n <= 0 || bytes_append(&term.out, block, (size_t)n) != 0)
			break;
		at += n;
	}
	lseek(fd, 0, SEEK_SET);
	write_all(term.out.data, term.out.len);
}

void term_repair(void)
{
	term.damaged = true;
}

void term_bell(void)
{
	write_all((const uint8_t *)"\a", 1);
}

void term_blank(void)
{
	erase();
	draw_blank();
	term_hide_cursor();
}

void term_show(void)
{
	bool shown = term_cursor_is_shown();
	if (shown != term.cursor_shown)
		curs_set(shown);
	term.cursor_shown = shown;
	draw_place_cursor();
	if (term.damaged)
		clearok(curscr, TRUE);
	term.damaged = false;
	wnoutrefresh(stdscr);
	doupdate();
	send_picture();
}

static bool window_size(int *rows, int *cols)
{
	struct winsize size = { 0 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
		return false;
	*rows = size.ws_row;
	*cols = size.ws_col;
	return true;
}

static void on_resize(void *ctx, int signo)
{
	int rows, cols;
	(void)ctx, (void)signo;
	if (!term.open || !window_size(&rows, &cols))
		return;
	resize_term(rows, cols);
	term_repair(); /* terminals reflow what they showed */
	if (term.hooks.resized != NULL)
		term.hooks.resized();
}

static void end(int status)
{
	if (term.hooks.ended != NULL)
		term.hooks.ended(status);
	else
		loop_stop(term.loop, status);
}

static void on_end(void *ctx, int signo)
{
	(void)ctx;
	if (term.open)
		end(128 + signo);
}

static void on_wait_over(void *ctx)
{
	(void)ctx;
	decoder_flush(&term.decoder);
}

static void on_input(void *ctx, int fd, int ready)
{
	char block[INPUT_BLOCK];
	ssize_t n, total = 0;
	(void)ctx;
	loop_timer_cancel(term.loop, &term.wait);
	enum decoder_wait wait = DECODER_IDLE;
	while ((n = read(fd, block, sizeof block)) > 0) { /* VMIN is 0: it does not wait */
		total += n;
		wait = decoder_feed(&term.decoder, block, (size_t)n);
		secret_wipe(block, (size_t)n);
	}
	if (total == 0 && (ready & LOOP_WRITE)) {
		loop_unwatch(term.loop, &term.watch);
		end(128 + SIGHUP);
	} else if (wait != DECODER_IDLE && loop_timer_start(term.loop, &term.wait,
			wait == DECODER_ESC ? term.esc_delay_ms : SEQUENCE_DELAY_MS, on_wait_over, NULL) != 0) {
		decoder_flush(&term.decoder);
	}
}

static void on_key(const struct key *key)
{
	if (term.hooks.key != NULL)
		term.hooks.key(key);
}

/* Where the cursor stands after a half block tells how wide the terminal draws ambiguous characters. */
static void on_report(int row, int column)
{
	(void)row;
	if (column != 2 && column != 3)
		return;
	draw_set_ambiguous(column - 1);
	if (term.hooks.resized != NULL)
		term.hooks.resized();
}

static void ask_width(void)
{
	char block[MB_LEN_MAX + 1] = { 0 };
	const char *asks = tigetstr("u7");
	mbstate_t state = { 0 };
	if (asks == NULL || asks == (char *)-1 || strcmp(asks, "\033[6n") != 0 || wcrtomb(block, L'\x2580', &state) == (size_t)-1)
		return;
	/* keypad() has flushed: this stands behind the switch to the other screen and before what clears it. */
	term.decoder.report_wanted = dprintf(fileno(term.picture), "\r%s%s\r", block, asks) > 0;
}

/* A terminal of the usual kind marks where a paste begins and ends, so that its newlines are text and not Enter. */
static void mark_pastes(bool on)
{
	const char *move_cursor = tigetstr("cup");
	if (move_cursor != NULL && move_cursor != (char *)-1 && strncmp(move_cursor, "\033[", 2) == 0)
		dprintf(fileno(term.picture), "\033[?2004%c", on ? 'h' : 'l');
}

/* A crash must not leave a terminal that shows nothing of what is typed; then it takes its course. Safe in a handler. */
static void on_crash(int signo, siginfo_t *info, void *context)
{
	(void)context;
	ssize_t ignored = write(STDOUT_FILENO, term.farewell, strlen(term.farewell));
	(void)ignored;
	tcsetattr(STDIN_FILENO, TCSANOW, &term.modes);
	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crash_signals[i], &term.crash_actions[i], NULL);
	if (info->si_code <= 0) /* sent, so it does not come again by itself */
		raise(signo);
}

static void prepare_for_crash(void)
{
	static const char *const names[] = { "sgr0", "rmkx", "cnorm", "rmcup" }, *const no_pastes = "\033[?2004l";
	struct sigaction crash = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO };
	term.farewell[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *text = tigetstr(names[i]);
		if (text != NULL && text != (char *)-1 && strstr(text, "$<") == NULL && strlen(term.farewell) + strlen(text) < sizeof term.farewell)
			strcat(term.farewell, text);
	}
	if (strlen(term.farewell) + strlen(no_pastes) < sizeof term.farewell)
		strcat(term.farewell, no_pastes);
	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crash_signals[i], &crash, &term.crash_actions[i]);
}

static char *lookup(const char *name)
{
	return tigetstr(name);
}

static int take_modes(void)
{
	struct termios raw;
	if (tcgetattr(STDIN_FILENO, &term.modes) != 0)
		return -1;
	raw = term.modes;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void set_or_unset(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* newterm looks for the size at its own descriptor, which is no terminal, and in the environment. */
static SCREEN *new_screen(FILE *picture)
{
	int rows = 0, cols = 0;
	char text[32], *old_lines = getenv("LINES"), *old_columns = getenv("COLUMNS");
	old_lines = old_lines != NULL ? strdup(old_lines) : NULL;
	old_columns = old_columns != NULL ? strdup(old_columns) : NULL;
	if (window_size(&rows, &cols)) {
		snprintf(text, sizeof text, "%d", rows);
		setenv("LINES", text, 1);
		snprintf(text, sizeof text, "%d", cols);
		setenv("COLUMNS", text, 1);
	}
	SCREEN *screen = newterm(NULL, picture, stdin);
	if (rows > 0) {
		set_or_unset("LINES", old_lines);
		set_or_unset("COLUMNS", old_columns);
	}
	free(old_lines);
	free(old_columns);
	return screen;
}

static int open_curses(const struct term_options *options, struct error *err)
{
	int fd = memfd_create("certhall-picture", MFD_CLOEXEC);
	term.picture = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (term.picture == NULL) {
		if (fd >= 0)
			close(fd);
		return error_set(err, ERR_UNEXPECTED, "memfd", "memfd_create: %s", strerror(errno));
	}
	term.screen = new_screen(term.picture);
	const char *name = getenv("TERM"), *move_cursor = term.screen != NULL ? tigetstr("cup") : NULL;
	if (move_cursor == NULL || move_cursor == (char *)-1) {
		if (term.screen != NULL)
			delscreen(term.screen);
		fclose(term.picture);
		term.picture = NULL;
		char param[128];
		snprintf(param, sizeof param, _("the terminal type \"%.40s\" (TERM) cannot be used here."), name != NULL ? name : "");
		text_sanitize(param, param, sizeof param, false);
		return error_set(err, ERR_CONFIG, param, "newterm failed for TERM");
	}
	typeahead(-1);
	nonl();
	keypad(stdscr, TRUE);
	theme_init(options->theme);
	draw_init(options->ambiguous);
	decoder_init(&term.decoder, lookup);
	term.decoder.key = on_key;
	term.decoder.report = on_report;
	if (options->ambiguous == 0)
		ask_width();
	mark_pastes(true);
	term.cursor_shown = true;
	return 0;
}

static int open_input(struct loop *loop)
{
	static const int ending[] = { SIGTERM, SIGHUP, SIGINT };
	static bool signals_taken;
	term.watch = loop_watch(loop, STDIN_FILENO, LOOP_READ, on_input, NULL);
	int rc = term.watch == NULL ? ERR_NO_MEMORY : 0;
	if (signals_taken && term.loop == loop)
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof ending / sizeof *ending; i++)
		rc = loop_signal(loop, ending[i], on_end, NULL);
	if (rc == 0)
		rc = loop_signal(loop, SIGWINCH, on_resize, NULL);
	signals_taken = true;
	return rc;
}

static int environment_delay(void) /* as curses programs have it */
{
	const char *delay = getenv("ESCDELAY");
	int ms = delay != NULL ? atoi(delay) : 0;
	return ms > 0 && ms <= 5000 ? ms : ESC_DELAY_MS;
}

int term_open(struct loop *loop, const struct term_options *options, struct error *err)
{
	static const struct term_options standard;
	if (options == NULL)
		options = &standard;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, ERR_CONFIG, _("this program needs a terminal for its input and output."), "not a tty");
	/* Stopping half-way would leave the terminal raw; the key for it is a key of ours. */
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGTSTP, &ignore, &term.stop_action);
	int rc = open_curses(options, err);
	if (rc != 0) {
		sigaction(SIGTSTP, &term.stop_action, NULL);
		return rc;
	}
	term.esc_delay_ms = options->esc_delay_ms > 0 ? options->esc_delay_ms : environment_delay();
	rc = take_modes() != 0 ? ERR_UNEXPECTED : open_input(loop);
	prepare_for_crash();
	term.loop = loop;
	term.open = true;
	if (rc != 0) {
		term_close();
		return error_set(err, (enum error_code)rc, "tty", "cannot take the terminal: %s", strerror(errno));
	}
	return 0;
}

void term_close(void)
{
	if (!term.open)
		return;
	term.open = false;
	loop_unwatch(term.loop, &term.watch);
	loop_timer_cancel(term.loop, &term.wait);
	endwin();
	mark_pastes(false);
	send_picture();
	/* An answer of the terminal that is still on its way is not for the shell. */
	tcsetattr(STDIN_FILENO, term.decoder.report_wanted ? TCSAFLUSH : TCSADRAIN, &term.modes);
	delscreen(term.screen);
	fclose(term.picture);
	bytes_free(&term.out);
	text_set_columns(NULL);
	secret_wipe(&term.decoder, sizeof term.decoder);
	sigaction(SIGTSTP, &term.stop_action, NULL);
	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crash_signals[i], &term.crash_actions[i], NULL);
	term.screen = NULL;
	term.picture = NULL;
}
