#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qrencode.h>

#include "internal.h"

enum { ZONE_MAX = 4, ZONE_MIN = 2 };

struct qr {
	int size; /* modules a side */
	unsigned char modules[];
};

/* How the code is painted: cells and quiet zones, in modules, of each direction. */
struct shape {
	bool halves;  /* two modules above each other in a cell */
	int columns;  /* cells a module takes beside each other, when not halves */
	int above, beside;
	int rows, cols;
};

int qr_new(const char *text, struct qr **out, struct error *err)
{
	*out = NULL;
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	if (code == NULL)
		return error_set(err, errno == ENOMEM ? ERR_NO_MEMORY : ERR_BAD_INPUT, "QR", "QRcode_encodeString: %s", strerror(errno));
	size_t count = (size_t)code->width * (size_t)code->width;
	struct qr *qr = malloc(sizeof *qr + count);
	if (qr != NULL) {
		qr->size = code->width;
		for (size_t i = 0; i < count; i++)
			qr->modules[i] = code->data[i] & 1;
	}
	QRcode_free(code);
	*out = qr;
	return qr != NULL ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "QR code");
}

void qr_free(struct qr **qr)
{
	free(*qr);
	*qr = NULL;
}

/* The quiet zone is light: a module outside is none. */
static bool dark(const struct qr *qr, int y, int x)
{
	return y >= 0 && x >= 0 && y < qr->size && x < qr->size && qr->modules[y * qr->size + x];
}

static void measure(const struct qr *qr, struct shape *shape)
{
	int high = qr->size + 2 * shape->above;
	shape->rows = shape->halves ? (high + 1) / 2 : high;
	shape->cols = (qr->size + 2 * shape->beside) * shape->columns;
}

/* The widest quiet zone of each direction that fits; the least when none does. */
static bool fit(const struct qr *qr, const struct area *a, struct shape *shape)
{
	for (int zone = ZONE_MAX; zone >= ZONE_MIN; zone--) {
		shape->above = shape->beside = zone;
		measure(qr, shape);
		if (shape->rows > a->rows || shape->cols > a->cols)
			continue;
		for (shape->beside = ZONE_MAX; ; shape->beside--) {
			measure(qr, shape);
			if (shape->cols <= a->cols)
				return true;
		}
	}
	return false;
}

static bool choose(const struct qr *qr, const struct area *a, struct shape *shape)
{
	*shape = (struct shape){ .halves = term_has_half_blocks(), .columns = 1 };
	if (shape->halves)
		return fit(qr, a, shape);
	shape->columns = 2; /* square modules where there is room, tall ones (readers take 1:2) where there is not */
	if (fit(qr, a, shape))
		return true;
	shape->columns = 1;
	return fit(qr, a, shape);
}

bool qr_fits(const struct qr *qr, const struct area *a, int *rows, int *cols)
{
	struct shape shape;
	bool fits = choose(qr, a, &shape);
	*rows = shape.rows;
	*cols = shape.cols;
	return fits;
}

/* One row of cells as text, drawn black on white. */
static char *half_row(const struct qr *qr, const struct shape *shape, int row, char *out)
{
	static const char *const blocks[] = { " ", "\xe2\x96\x84", "\xe2\x96\x80", "\xe2\x96\x88" };
	char *at = out;
	int y = row * 2 - shape->above;
	for (int x = -shape->beside; x < qr->size + shape->beside; x++)
		at = stpcpy(at, blocks[dark(qr, y, x) * 2 + dark(qr, y + 1, x)]);
	return out;
}

static void draw_cells(const struct qr *qr, const struct shape *shape, const struct area *a, int row)
{
	for (int x = -shape->beside; x < qr->size + shape->beside; x++) {
		struct area module = term_sub(a, row, (x + shape->beside) * shape->columns, 1, shape->columns);
		term_clear(&module, dark(qr, row - shape->above, x) ? STYLE_QR_DARK : STYLE_QR_LIGHT);
	}
}

void qr_draw(const struct qr *qr, const struct area *a)
{
	struct shape shape;
	if (!choose(qr, a, &shape))
		return;
	struct area code = term_sub(a, 0, (a->cols - shape.cols) / 2, shape.rows, shape.cols);
	char line[4 * (177 + 2 * ZONE_MAX)];
	for (int row = 0; row < shape.rows; row++)
		if (shape.halves)
			term_text(&code, row, 0, STYLE_QR_LIGHT, half_row(qr, &shape, row, line));
		else
			draw_cells(qr, &shape, &code, row);
}

char *qr_text(const struct qr *qr)
{
	struct shape shape = { .halves = true, .columns = 1, .above = ZONE_MAX, .beside = ZONE_MAX };
	measure(qr, &shape);
	char *text = malloc((size_t)shape.rows * (4 * (size_t)shape.cols + 16) + 1), *at = text;
	for (int row = 0; at != NULL && row < shape.rows; row++) {
		at = stpcpy(at, "\033[30;47m");
		half_row(qr, &shape, row, at);
		at = stpcpy(at + strlen(at), "\033[0m\n");
	}
	return text;
}
