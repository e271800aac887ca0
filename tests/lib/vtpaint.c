/*
 * A page for the tests of vtdrive: attributes, wide characters, line drawing, the window's size and the last key; F2 shows a QR code in half
 * blocks instead (the argument, or vtdrive), q leaves with 3, Ctrl-D dies by a signal.
 */
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include <curses.h>
#include <qrencode.h>

enum { QUIET = 4, PAIR_RED = 1, PAIR_QR = 2 };

static bool dark(const QRcode *code, int x, int y)
{
	x -= QUIET;
	y -= QUIET;
	return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1) != 0;
}

static void draw_qr(const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (code == NULL)
		return;
	int side = code->width + 2 * QUIET;
	attrset(COLOR_PAIR(PAIR_QR));
	for (int y = 0; y < side; y += 2) {
		move(y / 2, 0);
		for (int x = 0; x < side; x++) {
			bool top = dark(code, x, y), bottom = dark(code, x, y + 1);
			addwstr(top && bottom ? L"\u2588" : top ? L"\u2580" : bottom ? L"\u2584" : L" ");
		}
	}
	attrset(0);
	QRcode_free(code);
}

static void draw_page(int key)
{
	attrset(A_BOLD);
	mvaddwstr(1, 2, L"\u8bc1\u4e66\u66f4\u65b0");
	attrset(0);
	mvaddstr(2, 2, "plain");
	attrset(A_REVERSE);
	mvaddwstr(3, 2, L"\uff08\u6837\u7968\uff09 ok");
	attrset(COLOR_PAIR(PAIR_RED) | A_UNDERLINE);
	mvaddstr(4, 2, "red");
	attrset(0);
	mvhline(5, 2, ACS_HLINE, 10);
	mvaddwstr(6, 2, L"\u25cf|");
	mvprintw(8, 2, "size %dx%d", COLS, LINES);
	if (key != ERR)
		mvprintw(9, 2, "key %s", keyname(key));
	move(9, 0);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	initscr();
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	start_color();
	use_default_colors();
	init_pair(PAIR_RED, COLOR_RED, COLOR_BLUE);
	init_pair(PAIR_QR, COLOR_BLACK, COLORS > 8 ? 15 : COLOR_WHITE);
	int key = ERR;
	do {
		erase();
		if (key == KEY_F(2))
			draw_qr(argc > 1 ? argv[1] : "vtdrive");
		else
			draw_page(key);
		refresh();
		key = getch();
	} while (key != 'q' && key != 4);
	endwin();
	if (key == 4)
		raise(SIGUSR1);
	return 3;
}
