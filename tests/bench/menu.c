/* The least a full-screen menu costs: ncursesw, eight rows in a frame, cursor keys, q. Enter shows a page, Esc the menu again. */
#include <locale.h>
#include <stdbool.h>

#include <curses.h>

static const char *const items[] = { "Renew a certificate", "Certificates on the key", "Invoices", "Help", "Settings", "Environment check",
	"Orders", "About" };
enum { ITEMS = sizeof items / sizeof items[0] };

static void draw_menu(int at)
{
	box(stdscr, 0, 0);
	mvaddstr(1, 4, "Online service hall");
	for (int i = 0; i < ITEMS; i++) {
		attrset(i == at ? A_REVERSE : A_NORMAL);
		mvprintw(4 + i, 4, " %-70s", items[i]);
	}
	attrset(A_NORMAL);
}

static void draw_page(int at)
{
	box(stdscr, 0, 0);
	mvaddstr(1, 4, items[at]);
	for (int i = 0; i < 16; i++)
		mvprintw(3 + i, 4, "%s: line %d of a page of text that fills most of the row", items[at], i + 1);
}

int main(void)
{
	setlocale(LC_ALL, "");
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	int at = 0;
	bool page = false;
	for (int key = 0; key != 'q'; key = getch()) {
		if (key == KEY_DOWN)
			at = (at + 1) % ITEMS;
		else if (key == KEY_UP)
			at = (at + ITEMS - 1) % ITEMS;
		else if (key == '\n' || key == 27)
			page = key == '\n';
		erase();
		if (page)
			draw_page(at);
		else
			draw_menu(at);
		refresh();
	}
	endwin();
	return 0;
}
