#include "bitmap.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 400 };

/* The quiet zone is light: a pixel outside is none. */
static bool dark(const struct bitmap *b, int y, int x)
{
	return y >= 0 && x >= 0 && y < b->height && x < b->width && b->pixels[y * b->width + x] != 0;
}

void bitmap_measure(const struct bitmap *b, struct bitmap_shape *shape)
{
	int high = b->height + 2 * shape->above;
	shape->rows = shape->halves || shape->squashed ? (high + 1) / 2 : high;
	shape->cols = (b->width + 2 * shape->beside) * shape->columns;
}

char *bitmap_half_row(const struct bitmap *b, const struct bitmap_shape *shape, int row, char *out)
{
	static const char *const blocks[] = { " ", "\xe2\x96\x84", "\xe2\x96\x80", "\xe2\x96\x88" };
	int y = row * 2 - shape->above;
	*out = '\0';
	for (int x = -shape->beside; x < b->width + shape->beside; x++)
		out = stpcpy(out, blocks[dark(b, y, x) * 2 + dark(b, y + 1, x)]);
	return out;
}

static void paint_cells(const struct bitmap *b, const struct bitmap_shape *shape, const struct area *a, int row)
{
	for (int x = -shape->beside; x < b->width + shape->beside; x++) {
		struct area cell = term_sub(a, row, (x + shape->beside) * shape->columns, 1, shape->columns);
		int y = shape->squashed ? row * 2 - shape->above : row - shape->above;
		term_clear(&cell, dark(b, y, x) || (shape->squashed && dark(b, y + 1, x)) ? STYLE_QR_DARK : STYLE_QR_LIGHT);
	}
}

void bitmap_paint(const struct bitmap *b, const struct bitmap_shape *shape, const struct area *a)
{
	char line[4 * COLUMNS_MAX];
	if (b->width + 2 * shape->beside >= COLUMNS_MAX)
		return;
	for (int row = 0; row < shape->rows; row++)
		if (shape->halves) {
			bitmap_half_row(b, shape, row, line);
			term_text(a, row, 0, STYLE_QR_LIGHT, line);
		} else {
			paint_cells(b, shape, a, row);
		}
}

/* A quiet zone of one pixel beside where there is room, none above: the picture has its own margin. */
static struct bitmap_shape shape_of(const struct bitmap *b, const struct area *a)
{
	struct bitmap_shape shape = { .halves = term_has_half_blocks(), .columns = 1, .beside = b->width + 2 <= a->cols };
	shape.squashed = !shape.halves;
	bitmap_measure(b, &shape);
	return shape;
}

bool bitmap_fits(const struct bitmap *b, const struct area *a, int *rows, int *cols)
{
	struct bitmap_shape shape = shape_of(b, a);
	*rows = shape.rows;
	*cols = shape.cols;
	return shape.rows <= a->rows && shape.cols <= a->cols;
}

void bitmap_draw(const struct bitmap *b, const struct area *a)
{
	struct bitmap_shape shape = shape_of(b, a);
	bitmap_paint(b, &shape, a);
}

static char *half_lines(const struct bitmap *b, const struct bitmap_shape *shape)
{
	char *text = malloc((size_t)shape->rows * (4 * (size_t)shape->cols + 16) + 1), *at = text;
	for (int row = 0; at != NULL && row < shape->rows; row++) {
		at = stpcpy(at, "\033[30;47m");
		at = stpcpy(bitmap_half_row(b, shape, row, at), "\033[0m\n");
	}
	return text;
}

char *bitmap_text(const struct bitmap *b, int quiet)
{
	struct bitmap_shape shape = { .halves = true, .columns = 1, .above = quiet, .beside = quiet };
	bitmap_measure(b, &shape);
	return half_lines(b, &shape);
}
