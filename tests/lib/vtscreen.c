#include "vtscreen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <unistr.h>
#include <zbar.h>

enum { CELL_WIDTH = 8, CELL_HEIGHT = 16, CELL_TEXT = VTERM_MAX_CHARS_PER_CELL * 4 };

#define CONTINUED ((uint32_t)-1) /* libvterm's mark in the second cell of a wide character */

static VTermScreenCell cell_at(VTermScreen *screen, int row, int col)
{
	VTermScreenCell cell = { 0 };
	vterm_screen_get_cell(screen, (VTermPos){ .row = row, .col = col }, &cell);
	return cell;
}

static size_t cell_text(const VTermScreenCell *cell, uint8_t text[CELL_TEXT])
{
	size_t len = 0;
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i] != 0; i++) {
		int n = u8_uctomb(text + len, cell->chars[i], (long)(CELL_TEXT - len));
		len += n > 0 ? (size_t)n : 0;
	}
	if (len == 0)
		text[len++] = ' ';
	return len;
}

struct json_object *vtscreen_rows(VTermScreen *screen, int rows, int cols)
{
	struct json_object *list = json_object_new_array_ext(rows);
	char *line = malloc((size_t)cols * CELL_TEXT);
	for (int row = 0; row < rows && line != NULL; row++) {
		size_t len = 0;
		for (int col = 0; col < cols; col++) {
			VTermScreenCell cell = cell_at(screen, row, col);
			if (cell.chars[0] != CONTINUED)
				len += cell_text(&cell, (uint8_t *)line + len);
		}
		json_object_array_add(list, json_object_new_string_len(line, (int)len));
	}
	free(line);
	return list;
}

static struct json_object *color_json(VTermScreen *screen, VTermColor color)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(&color) || VTERM_COLOR_IS_DEFAULT_BG(&color))
		return json_object_new_string("default");
	vterm_screen_convert_color_to_rgb(screen, &color);
	char text[8];
	snprintf(text, sizeof text, "#%02x%02x%02x", color.rgb.red, color.rgb.green, color.rgb.blue);
	return json_object_new_string(text);
}

static void add_flag(struct json_object *cell, const char *name, bool on)
{
	if (on)
		json_object_object_add(cell, name, json_object_new_boolean(true));
}

struct json_object *vtscreen_cells(VTermScreen *screen, int row, int cols)
{
	struct json_object *list = json_object_new_array();
	for (int col = 0; col < cols; col++) {
		VTermScreenCell cell = cell_at(screen, row, col);
		if (cell.chars[0] == CONTINUED)
			continue;
		uint8_t text[CELL_TEXT];
		size_t len = cell_text(&cell, text);
		struct json_object *object = json_object_new_object();
		json_object_object_add(object, "text", json_object_new_string_len((char *)text, (int)len));
		json_object_object_add(object, "col", json_object_new_int(col));
		json_object_object_add(object, "width", json_object_new_int(cell.width));
		json_object_object_add(object, "fg", color_json(screen, cell.fg));
		json_object_object_add(object, "bg", color_json(screen, cell.bg));
		add_flag(object, "bold", cell.attrs.bold);
		add_flag(object, "underline", cell.attrs.underline != VTERM_UNDERLINE_OFF);
		add_flag(object, "italic", cell.attrs.italic);
		add_flag(object, "blink", cell.attrs.blink);
		add_flag(object, "reverse", cell.attrs.reverse);
		json_object_array_add(list, object);
	}
	return list;
}

/* Whether the glyph has ink at this pixel of its cells. */
static bool glyph_ink(uint32_t glyph, int width, int x, int y)
{
	if (glyph == 0 || glyph == ' ' || glyph == 0x3000)
		return false;
	if (glyph == 0x2580)
		return y < CELL_HEIGHT / 2;
	if (glyph >= 0x2581 && glyph <= 0x2588)
		return y >= CELL_HEIGHT - (int)(glyph - 0x2580) * CELL_HEIGHT / 8;
	if (glyph == 0x258c)
		return x < width / 2;
	if (glyph == 0x2590)
		return x >= width / 2;
	return x > 0 && x < width - 1 && y > 1 && y < CELL_HEIGHT - 2 && (x == 1 || x == width - 2 || y == 2 || y == CELL_HEIGHT - 3);
}

static void raster_cell(VTermScreen *screen, int row, int col, uint8_t *rgb, int stride)
{
	VTermScreenCell cell = cell_at(screen, row, col);
	if (cell.chars[0] == CONTINUED)
		return;
	VTermColor ink = cell.attrs.reverse ? cell.bg : cell.fg, paper = cell.attrs.reverse ? cell.fg : cell.bg;
	vterm_screen_convert_color_to_rgb(screen, &ink);
	vterm_screen_convert_color_to_rgb(screen, &paper);
	int width = CELL_WIDTH * (cell.width > 1 ? 2 : 1);
	for (int y = 0; y < CELL_HEIGHT; y++) {
		for (int x = 0; x < width; x++) {
			const VTermColor *color = glyph_ink(cell.chars[0], width, x, y) ? &ink : &paper;
			uint8_t *pixel = rgb + 3 * ((row * CELL_HEIGHT + y) * stride + col * CELL_WIDTH + x);
			pixel[0] = color->rgb.red;
			pixel[1] = color->rgb.green;
			pixel[2] = color->rgb.blue;
		}
	}
}

uint8_t *vtscreen_raster(VTermScreen *screen, int rows, int cols, int *width, int *height)
{
	*width = cols * CELL_WIDTH;
	*height = rows * CELL_HEIGHT;
	uint8_t *rgb = calloc((size_t)*width * (size_t)*height, 3);
	for (int row = 0; row < rows && rgb != NULL; row++)
		for (int col = 0; col < cols; col++)
			raster_cell(screen, row, col, rgb, *width);
	return rgb;
}

struct json_object *vtscreen_qr(const uint8_t *rgb, int width, int height)
{
	struct json_object *list = json_object_new_array();
	size_t pixels = (size_t)width * (size_t)height;
	uint8_t *grey = malloc(pixels);
	zbar_image_t *image = zbar_image_create();
	zbar_image_scanner_t *scanner = zbar_image_scanner_create();
	if (grey != NULL && image != NULL && scanner != NULL) {
		for (size_t i = 0; i < pixels; i++)
			grey[i] = (uint8_t)((rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2]) / 3);
		zbar_image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
		zbar_image_set_size(image, (unsigned)width, (unsigned)height);
		zbar_image_set_data(image, grey, pixels, NULL);
		zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
		zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
		zbar_scan_image(scanner, image);
		for (const zbar_symbol_t *symbol = zbar_image_first_symbol(image); symbol != NULL; symbol = zbar_symbol_next(symbol))
			json_object_array_add(list, json_object_new_string(zbar_symbol_get_data(symbol)));
	}
	zbar_image_scanner_destroy(scanner);
	zbar_image_destroy(image);
	free(grey);
	return list;
}

bool vtscreen_png(const char *path, const uint8_t *rgb, int width, int height)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)width,
		.height = (png_uint_32)height,
		.format = PNG_FORMAT_RGB,
	};
	return png_image_write_to_file(&image, path, 0, rgb, 0, NULL) != 0;
}
