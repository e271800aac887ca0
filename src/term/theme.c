#include "curses_style.h"

#include <stdlib.h>
#include <string.h>

/* Colours by their ANSI number; -1 is the terminal's own, which may be dark or light: what is not on a ground of ours must
 * be readable on both, so no yellow, cyan or blue text. */
struct look {
	attr_t attrs;
	signed char text, ground;
};

static const struct look colour[STYLE_COUNT] = {
	[STYLE_NORMAL] = { A_NORMAL, -1, -1 },
	[STYLE_DIM] = { A_DIM, -1, -1 },
	[STYLE_TITLE] = { A_BOLD, COLOR_WHITE, COLOR_BLUE },
	[STYLE_HEADING] = { A_BOLD, -1, -1 },
	[STYLE_LABEL] = { A_NORMAL, -1, -1 },
	[STYLE_FIELD] = { A_UNDERLINE, -1, -1 },
	[STYLE_FIELD_FOCUS] = { A_NORMAL, COLOR_BLACK, COLOR_CYAN },
	[STYLE_SELECTED] = { A_BOLD | A_REVERSE, -1, -1 },
	[STYLE_KEY] = { A_BOLD, -1, -1 },
	[STYLE_BAR] = { A_NORMAL, -1, -1 },
	[STYLE_OK] = { A_NORMAL, COLOR_GREEN, -1 },
	[STYLE_WARN] = { A_NORMAL, COLOR_BLACK, COLOR_YELLOW },
	[STYLE_BAD] = { A_BOLD, COLOR_RED, -1 },
	[STYLE_STEP_DONE] = { A_NORMAL, COLOR_GREEN, -1 },
	[STYLE_STEP_NOW] = { A_BOLD, -1, -1 },
	[STYLE_STEP_TODO] = { A_DIM, -1, -1 },
	[STYLE_DIALOG] = { A_NORMAL, -1, -1 },
};

static const struct look mono[STYLE_COUNT] = {
	[STYLE_TITLE] = { A_REVERSE, -1, -1 },
	[STYLE_HEADING] = { A_BOLD, -1, -1 },
	[STYLE_FIELD] = { A_UNDERLINE, -1, -1 },
	[STYLE_FIELD_FOCUS] = { A_REVERSE, -1, -1 },
	[STYLE_SELECTED] = { A_BOLD | A_REVERSE, -1, -1 },
	[STYLE_KEY] = { A_BOLD, -1, -1 },
	[STYLE_WARN] = { A_BOLD, -1, -1 },
	[STYLE_BAD] = { A_BOLD, -1, -1 },
	[STYLE_STEP_NOW] = { A_BOLD, -1, -1 },
	[STYLE_QR_LIGHT] = { A_REVERSE, -1, -1 }, /* as good as it gets: right where the ground is dark */
};

static struct brush brushes[STYLE_COUNT];

/* Black and white that no palette of the user's changes: the colour cube has both where there are 256 colours. */
static void init_qr(void)
{
	short black = COLOR_BLACK, white = COLOR_WHITE;
	if (COLORS >= 256)
		black = 16, white = 231;
	else if (COLORS >= 16)
		white = 15;
	init_pair(STYLE_QR_LIGHT, black, white);
	init_pair(STYLE_QR_DARK, white, black);
	brushes[STYLE_QR_LIGHT] = (struct brush){ A_NORMAL, STYLE_QR_LIGHT };
	brushes[STYLE_QR_DARK] = (struct brush){ A_NORMAL, STYLE_QR_DARK };
}

void theme_init(const char *name)
{
	const char *no_color = getenv("NO_COLOR");
	bool colours = has_colors() && start_color() == OK && COLORS >= 8 && COLOR_PAIRS >= STYLE_COUNT;
	bool plain = !colours || (name == NULL ? no_color != NULL && *no_color != '\0' : strcmp(name, "mono") == 0);
	bool own = colours && use_default_colors() == OK;
	for (int i = 0; i < STYLE_COUNT; i++) {
		const struct look *look = plain ? &mono[i] : &colour[i];
		short pair = 0;
		if (!plain && (look->text >= 0 || look->ground >= 0)) {
			pair = (short)i;
			init_pair(pair, look->text < 0 && !own ? COLOR_WHITE : look->text, look->ground < 0 && !own ? COLOR_BLACK : look->ground);
		}
		brushes[i] = (struct brush){ look->attrs, pair };
	}
	if (colours)
		init_qr();
}

struct brush theme_brush(enum style style)
{
	return brushes[style];
}

int term_colours(void)
{
	return has_colors() ? COLORS : 0;
}
