#include <certhall/invoice.h>

#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

const char *const invoice_state_names[] = { "waiting", "issued", "failed", NULL };

const struct codec captcha_codec[] = {
	CODEC_ROW(struct captcha, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct captcha, expires, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct captcha, width, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct captcha, height, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct captcha, pixels, CODEC_BYTES, CODEC_REQUIRED),
	{ 0 }
};

const struct codec invoice_query_codec[] = {
	CODEC_ROW(struct invoice_query, title, CODEC_TEXT, 0),
	CODEC_ROW(struct invoice_query, tax_no, CODEC_TEXT, 0),
	CODEC_ROW(struct invoice_query, phone, CODEC_TEXT, 0),
	CODEC_ROW(struct invoice_query, captcha, CODEC_TEXT, 0),
	CODEC_ROW(struct invoice_query, answer, CODEC_TEXT, 0),
	{ 0 }
};

static const struct codec invoice_file_codec[] = {
	CODEC_ROW(struct invoice_file, format, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice_file, size, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice_file, sha256, CODEC_TEXT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec invoice_codec[] = {
	CODEC_ROW(struct invoice, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct invoice, state, invoice_state_names, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, reason, CODEC_TEXT, 0),
	CODEC_ROW(struct invoice, number, CODEC_TEXT, 0),
	CODEC_ROW(struct invoice, order, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, title, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, tax_no, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, amount_fen, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, contact, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, phone, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, ordered, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct invoice, issued, CODEC_TIME, 0),
	CODEC_ARRAY_ROW(struct invoice, files, invoice_file_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec invoice_page_codec[] = {
	CODEC_ROW(struct invoice_page, grant, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice_page, expires, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct invoice_page, total, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct invoice_page, next, CODEC_TEXT, 0),
	CODEC_ARRAY_ROW(struct invoice_page, invoices, invoice_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec invoice_more_codec[] = {
	CODEC_ROW(struct invoice_more, next, CODEC_TEXT, CODEC_REQUIRED),
	{ 0 }
};

unsigned char *captcha_unpack(const struct captcha *captcha)
{
	int64_t w = captcha->width, h = captcha->height, row = (w + 7) / 8;
	if (w < 1 || h < 1 || w > CAPTCHA_SIDE || h > CAPTCHA_SIDE || captcha->pixels.len != (size_t)(row * h))
		return NULL;
	unsigned char *pixels = malloc((size_t)(w * h));
	for (int64_t at = 0; pixels != NULL && at < w * h; at++)
		pixels[at] = captcha->pixels.data[at / w * row + at % w / 8] >> (7 - at % w % 8) & 1;
	return pixels;
}

struct tax_split tax_split(int64_t total_fen, int rate)
{
	int64_t whole = 10000 + rate;
	int64_t net = (total_fen * 10000 + whole / 2) / whole;
	return (struct tax_split){ net, total_fen - net };
}

void mask_phone(char *phone)
{
	size_t len = strlen(phone), keep = len >= 11 ? 3 : len >= 8 ? 2 : 0, tail = len >= 8 ? 4 : 0;
	for (size_t i = keep; i + tail < len; i++)
		phone[i] = '*';
}

void mask_name(char *name, size_t size)
{
	size_t first = text_next(name, 0), len = 0;
	int behind = 0;
	for (size_t at = first; name[at] != '\0'; at = text_next(name, at))
		behind++;
	if (behind > 0)
		len = first; /* the family name */
	else
		behind = 1;
	for (int i = 0; i < behind && i < 3 && len + 1 < size; i++)
		name[len++] = '*';
	name[len] = '\0';
}
