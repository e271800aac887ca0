/* How a picture of black and white pixels is painted in cells: what the QR code and the bitmap share. */
#ifndef TERM_BITMAP_H
#define TERM_BITMAP_H

#include <certhall/term.h>

/* Cells and quiet zones, in pixels, of each direction. */
struct bitmap_shape {
	bool halves;        /* two pixels above each other in a cell */
	bool squashed;      /* likewise without half blocks: a cell is dark when either is */
	int columns;        /* cells a pixel takes beside each other, when not halves */
	int above, beside;
	int rows, cols;     /* cells; of bitmap_measure */
};

void bitmap_measure(const struct bitmap *bitmap, struct bitmap_shape *shape);
void bitmap_paint(const struct bitmap *bitmap, const struct bitmap_shape *shape, const struct area *a);
/* One row of cells as half blocks; out holds 4 bytes a column and one more. Gives its end. */
char *bitmap_half_row(const struct bitmap *bitmap, const struct bitmap_shape *shape, int row, char *out);

#endif
