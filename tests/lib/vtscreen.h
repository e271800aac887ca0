/* A libvterm screen seen as JSON and as pixels. Functions that return JSON give the caller the reference. */
#ifndef TESTS_VTSCREEN_H
#define TESTS_VTSCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>
#include <vterm.h>

/* One string a row; a wide character is one character of the string, so its columns are those of vtscreen_cells. */
struct json_object *vtscreen_rows(VTermScreen *screen, int rows, int cols);

/* One object a character of the row: text, col, width, fg, bg ("#rrggbb" as shown, or "default"), and bold, underline, italic, blink,
 * reverse where true. fg and bg are as the program set them: reverse is not applied. */
struct json_object *vtscreen_cells(VTermScreen *screen, int row, int cols);

/* The screen in pixels of r, g, b: 8x16 for each cell, white on black by default; blocks drawn as geometry, any other glyph as a frame.
 * NULL when out of memory; the caller frees. */
uint8_t *vtscreen_raster(VTermScreen *screen, int rows, int cols, int *width, int *height);

/* The texts of the QR codes in the picture, as zbar reads them. */
struct json_object *vtscreen_qr(const uint8_t *rgb, int width, int height);

/* Whether the picture could be written. */
bool vtscreen_png(const char *path, const uint8_t *rgb, int width, int height);

#endif
