#include <string.h>

#include <certhall/pki.h>

#include "service/captcha.h"

enum { GLYPH_ROWS = 7, GLYPH_COLS = 5, SCALE = 2, CELL = 13, SPECKS = 24 };

static const char *const glyphs[10][GLYPH_ROWS] = {
	{ " ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### " }, { "  #  ", " ##  ", "# #  ", "  #  ", "  #  ", "  #  ", "#####" },
	{ " ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####" }, { "#### ", "    #", "    #", " ### ", "    #", "    #", "#### " },
	{ "   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # " }, { "#####", "#    ", "#    ", "#### ", "    #", "    #", "#### " },
	{ " ### ", "#    ", "#    ", "#### ", "#   #", "#   #", " ### " }, { "#####", "    #", "   # ", "  #  ", "  #  ", " #   ", " #   " },
	{ " ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### " }, { " ### ", "#   #", "#   #", " ####", "    #", "    #", " ### " },
};

static void set(struct bytes *pixels, int x, int y)
{
	if (x >= 0 && x < CAPTCHA_WIDTH && y >= 0 && y < CAPTCHA_HEIGHT)
		pixels->data[y * CAPTCHA_WIDTH / 8 + x / 8] |= (uint8_t)(0x80 >> x % 8);
}

/* Twice as large, a few pixels up or down, leaning to one side. */
static void draw_digit(struct bytes *pixels, int left, char digit, uint8_t down, uint8_t lean)
{
	const char *const *glyph = glyphs[digit - '0'];
	int top = 1 + down % (CAPTCHA_HEIGHT - GLYPH_ROWS * SCALE - 1), slope = lean % 3 - 1;
	for (int y = 0; y < GLYPH_ROWS * SCALE; y++) {
		int shift = slope * (GLYPH_ROWS * SCALE / 2 - y) / 5;
		for (int x = 0; x < GLYPH_COLS * SCALE; x++)
			if (glyph[y / SCALE][x / SCALE] != ' ')
				set(pixels, left + x + shift, top + y);
	}
}

int captcha_draw(const char digits[CAPTCHA_DIGITS + 1], const uint8_t seed[32], struct bytes *pixels)
{
	static const uint8_t blank[CAPTCHA_HEIGHT * CAPTCHA_WIDTH / 8];
	uint8_t random[PKI_SHA256];
	int rc = bytes_set(pixels, blank, sizeof blank);
	if (rc != 0)
		return rc;
	for (int i = 0; i < CAPTCHA_DIGITS; i++)
		draw_digit(pixels, 3 + i * CELL, digits[i], seed[2 * i], seed[2 * i + 1]);
	memcpy(random, seed, sizeof random);
	for (int i = 0; i < SPECKS; i++) {
		if (i % 10 == 0)
			pki_sha256(random, sizeof random, random);
		set(pixels, random[3 * (i % 10)] % CAPTCHA_WIDTH, random[3 * (i % 10) + 1] % CAPTCHA_HEIGHT);
	}
	return 0;
}
