#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qrencode.h>

#include "bitmap.h"

enum { ZONE_MAX = 4, ZONE_MIN = 2 };

struct qr {
	struct bitmap code;
	unsigned char modules[];
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
		qr->code = (struct bitmap){ .width = code->width, .height = code->width, .pixels = qr->modules };
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

/* The widest quiet zone of each direction that fits; the least when none does. */
static bool fit(const struct qr *qr, const struct area *a, struct bitmap_shape *shape)
{
	for (int zone = ZONE_MAX; zone >= ZONE_MIN; zone--) {
		shape->above = shape->beside = zone;
		bitmap_measure(&qr->code, shape);
		if (shape->rows > a->rows || shape->cols > a->cols)
			continue;
		for (shape->beside = ZONE_MAX; ; shape->beside--) {
			bitmap_measure(&qr->code, shape);
			if (shape->cols <= a->cols)
				return true;
		}
	}
	return false;
}

static bool choose(const struct qr *qr, const struct area *a, struct bitmap_shape *shape)
{
	*shape = (struct bitmap_shape){ .halves = term_has_half_blocks(), .columns = 1 };
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
	struct bitmap_shape shape;
	bool fits = choose(qr, a, &shape);
	*rows = shape.rows;
	*cols = shape.cols;
	return fits;
}

void qr_draw(const struct qr *qr, const struct area *a)
{
	struct bitmap_shape shape;
	if (!choose(qr, a, &shape))
		return;
	struct area code = term_sub(a, 0, (a->cols - shape.cols) / 2, shape.rows, shape.cols);
	bitmap_paint(&qr->code, &shape, &code);
}

char *qr_text(const struct qr *qr)
{
	return bitmap_text(&qr->code, ZONE_MAX);
}
