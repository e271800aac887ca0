/* A style in terms of curses; only for the files that include curses. */
#ifndef CERTHALL_TERM_CURSES_STYLE_H
#define CERTHALL_TERM_CURSES_STYLE_H

#include "internal.h"

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <curses.h>

struct brush {
	attr_t attrs;
	short pair;
};
struct brush theme_brush(enum style style);

#endif
