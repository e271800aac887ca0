/* The invoice as a sheet of 210 x 140 mm: fonts embedded, text selectable, visibly a sample, without a tax bureau's seal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo/cairo-pdf.h>
#include <pango/pangocairo.h>

#include "service/invoice/embedded.h"

#define MM (72.0 / 25.4)
enum { WIDTH_MM = 210, HEIGHT_MM = 140 };

/* In millimetres from the top left. */
enum {
	LEFT = 8, RIGHT = 202, TOP = 28, PARTIES = 60, ITEMS = 92, WORDS = 100, REMARK = 118, MIDDLE = 105, TAB = 6,
	CAPTION_WIDTH = 36,
};

struct pen {
	cairo_t *cr;
	PangoLayout *layout;
	const char *font;
	int unknown; /* characters that no font here has */
};

struct colour { double r, g, b; };
static const struct colour frame = { 0.55, 0.18, 0.12 }, ink = { 0.08, 0.08, 0.12 }, faint = { 0.86, 0.86, 0.88 };

static void use(struct pen *p, const struct colour *c)
{
	cairo_set_source_rgb(p->cr, c->r, c->g, c->b);
}

/* Text in a box of that width; wraps, and grows smaller when more lines than two would be needed. Gives its height in mm. */
static double letter(struct pen *p, double x, double y, double width, PangoAlignment align, double size, const char *text)
{
	PangoFontDescription *font = pango_font_description_from_string(p->font);
	int w, h, room = (int)(width * MM * PANGO_SCALE);
	pango_layout_set_text(p->layout, text, -1);
	pango_layout_set_width(p->layout, room);
	pango_layout_set_wrap(p->layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_alignment(p->layout, align);
	do {
		pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
		pango_layout_set_font_description(p->layout, font);
		size -= 0.5;
	} while (pango_layout_get_line_count(p->layout) > 2 && size > 3);
	p->unknown += pango_layout_get_unknown_glyphs_count(p->layout);
	pango_layout_get_size(p->layout, &w, &h);
	cairo_move_to(p->cr, x * MM, y * MM);
	pango_cairo_show_layout(p->cr, p->layout);
	pango_font_description_free(font);
	return h / (double)PANGO_SCALE / MM;
}

static void label(struct pen *p, double x, double y, double width, PangoAlignment align, const char *text)
{
	use(p, &frame);
	letter(p, x, y, width, align, 8.5, text);
}

static void value(struct pen *p, double x, double y, double width, PangoAlignment align, const char *text)
{
	use(p, &ink);
	letter(p, x, y, width, align, 8.5, text);
}

static void line(struct pen *p, double x1, double y1, double x2, double y2)
{
	cairo_move_to(p->cr, x1 * MM, y1 * MM);
	cairo_line_to(p->cr, x2 * MM, y2 * MM);
	cairo_stroke(p->cr);
}

static void draw_watermark(struct pen *p)
{
	cairo_save(p->cr);
	cairo_translate(p->cr, 46 * MM, 104 * MM);
	cairo_rotate(p->cr, -0.46);
	use(p, &faint);
	letter(p, 0, 0, 160, PANGO_ALIGN_LEFT, 58, "样票  测试");
	cairo_restore(p->cr);
}

static void draw_frame(struct pen *p)
{
	use(p, &frame);
	cairo_set_line_width(p->cr, 0.7);
	cairo_rectangle(p->cr, LEFT * MM, TOP * MM, (RIGHT - LEFT) * MM, (REMARK + 12 - TOP) * MM);
	cairo_stroke(p->cr);
	line(p, LEFT, PARTIES, RIGHT, PARTIES);
	line(p, LEFT, ITEMS, RIGHT, ITEMS);
	line(p, LEFT, WORDS, RIGHT, WORDS);
	line(p, LEFT, REMARK - 9, RIGHT, REMARK - 9);
	line(p, MIDDLE, TOP, MIDDLE, PARTIES);
	line(p, LEFT + TAB, TOP, LEFT + TAB, PARTIES);
	line(p, MIDDLE + TAB, TOP, MIDDLE + TAB, PARTIES);
	line(p, LEFT + TAB, REMARK - 9, LEFT + TAB, REMARK + 12);
	line(p, LEFT + CAPTION_WIDTH, WORDS, LEFT + CAPTION_WIDTH, REMARK - 9);
	line(p, 68, 20.5, 142, 20.5);
	line(p, 68, 21.3, 142, 21.3);
}

static void draw_head(struct pen *p, const struct sheet *s)
{
	char day[64];
	use(p, &frame);
	letter(p, 60, 11, 90, PANGO_ALIGN_CENTER, 19, "电子发票（普通发票）");
	letter(p, LEFT, 12, 40, PANGO_ALIGN_LEFT, 12, "样票 测试用");
	letter(p, LEFT, 17.5, 50, PANGO_ALIGN_LEFT, 7.5, "不是税务发票，不得报销");
	label(p, 146, 12, 20, PANGO_ALIGN_LEFT, "发票号码：");
	value(p, 162, 12, 44, PANGO_ALIGN_LEFT, s->order->number);
	snprintf(day, sizeof day, "%.4s年%.2s月%.2s日", s->date, s->date + 5, s->date + 8);
	label(p, 146, 17.5, 20, PANGO_ALIGN_LEFT, "开票日期：");
	value(p, 162, 17.5, 44, PANGO_ALIGN_LEFT, day);
}

/* Small, with its label; nothing when there is nothing to tell. */
static void draw_more(struct pen *p, double x, double y, const char *name, const char *first, const char *second)
{
	char text[480];
	snprintf(text, sizeof text, "%s%s%s", first, *first != '\0' && *second != '\0' ? " " : "", second);
	if (*text == '\0')
		return;
	use(p, &frame);
	letter(p, x, y, 18, PANGO_ALIGN_LEFT, 6.5, name);
	use(p, &ink);
	letter(p, x + 18, y, 70, PANGO_ALIGN_LEFT, 6.5, text);
}

static void draw_party(struct pen *p, double x, const struct seller *who)
{
	label(p, x + TAB + 1.5, TOP + 2.5, 14, PANGO_ALIGN_LEFT, "名称：");
	value(p, x + TAB + 12, TOP + 2.5, 76, PANGO_ALIGN_LEFT, who->name);
	label(p, x + TAB + 1.5, TOP + 13, 52, PANGO_ALIGN_LEFT, "统一社会信用代码/纳税人识别号：");
	value(p, x + TAB + 49, TOP + 13, 42, PANGO_ALIGN_LEFT, who->tax_no);
	draw_more(p, x + TAB + 1.5, TOP + 18.5, "地址、电话：", who->address, who->phone);
	draw_more(p, x + TAB + 1.5, TOP + 25.6, "开户行及账号：", who->bank, who->account);
}

/* Each character on a line of its own: as such labels stand on an invoice. */
static const char buyer_side[] = "购\n买\n方", seller_side[] = "销\n售\n方", remark_side[] = "备\n注";

static void draw_side(struct pen *p, double x, double y, const char *text)
{
	const char *at = text;
	use(p, &frame);
	for (int i = 0; *at != '\0'; i++) {
		char one[8];
		size_t n = strcspn(at, "\n");
		snprintf(one, sizeof one, "%.*s", (int)n, at);
		letter(p, x + 1.3, y + i * 5.2, 5, PANGO_ALIGN_LEFT, 9, one);
		at += n + (at[n] == '\n');
	}
}

static void draw_parties(struct pen *p, const struct sheet *s)
{
	const struct invoice_order *o = s->order;
	struct seller buyer;
	snprintf(buyer.name, sizeof buyer.name, "%s", o->title);
	snprintf(buyer.tax_no, sizeof buyer.tax_no, "%s", o->tax_no);
	snprintf(buyer.address, sizeof buyer.address, "%s", o->address);
	snprintf(buyer.phone, sizeof buyer.phone, "%s", o->phone);
	snprintf(buyer.bank, sizeof buyer.bank, "%s", o->bank);
	snprintf(buyer.account, sizeof buyer.account, "%s", o->account);
	draw_party(p, LEFT, &buyer);
	draw_party(p, MIDDLE, &s->issuer->seller);
	draw_side(p, LEFT, TOP + 7, buyer_side);
	draw_side(p, MIDDLE, TOP + 7, seller_side);
}

static void draw_items(struct pen *p, const struct sheet *s)
{
	static const struct column {
		double x, width;
		PangoAlignment align;
		const char *name;
	} columns[] = {
		{ 10, 60, PANGO_ALIGN_LEFT, "项目名称" }, { 72, 18, PANGO_ALIGN_CENTER, "规格型号" }, { 91, 10, PANGO_ALIGN_CENTER, "单位" },
		{ 102, 14, PANGO_ALIGN_RIGHT, "数量" }, { 117, 23, PANGO_ALIGN_RIGHT, "单价" }, { 141, 23, PANGO_ALIGN_RIGHT, "金额" },
		{ 165, 15, PANGO_ALIGN_RIGHT, "税率" }, { 181, 19, PANGO_ALIGN_RIGHT, "税额" },
	};
	char net[32], tax[32], rate[16], sum[40];
	sheet_amount(s->split.net_fen, net, sizeof net);
	sheet_amount(s->split.tax_fen, tax, sizeof tax);
	sheet_rate(s->issuer->rate, rate, sizeof rate);
	const char *cells[] = { s->issuer->item, "", s->issuer->unit, "1", net, net, rate, tax };
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		label(p, columns[i].x, PARTIES + 2, columns[i].width, columns[i].align, columns[i].name);
		value(p, columns[i].x, PARTIES + 8.5, columns[i].width, columns[i].align, cells[i]);
	}
	label(p, LEFT + 12, ITEMS + 2, 40, PANGO_ALIGN_LEFT, "合      计");
	snprintf(sum, sizeof sum, "￥%s", net);
	value(p, 130, ITEMS + 2, 34, PANGO_ALIGN_RIGHT, sum);
	snprintf(sum, sizeof sum, "￥%s", tax);
	value(p, 166, ITEMS + 2, 34, PANGO_ALIGN_RIGHT, sum);
}

static void draw_foot(struct pen *p, const struct sheet *s)
{
	char amount[32], text[96];
	label(p, LEFT + 3, WORDS + 2.5, CAPTION_WIDTH - 4, PANGO_ALIGN_CENTER, "价税合计（大写）");
	value(p, LEFT + CAPTION_WIDTH + 4, WORDS + 2.5, 92, PANGO_ALIGN_LEFT, s->capital);
	label(p, 142, WORDS + 2.5, 18, PANGO_ALIGN_LEFT, "（小写）");
	snprintf(text, sizeof text, "￥%s", sheet_amount(s->order->amount_fen, amount, sizeof amount));
	value(p, 158, WORDS + 2.5, 42, PANGO_ALIGN_LEFT, text);
	draw_side(p, LEFT, REMARK - 6, remark_side);
	snprintf(text, sizeof text, "订单号：%s", s->order->order);
	value(p, LEFT + TAB + 3, REMARK - 6, 110, PANGO_ALIGN_LEFT, text);
	value(p, LEFT + TAB + 3, REMARK + 1, 110, PANGO_ALIGN_LEFT, "样票，测试用，不是税务发票");
	label(p, LEFT + 6, REMARK + 14, 20, PANGO_ALIGN_LEFT, "开票人：");
	value(p, LEFT + 20, REMARK + 14, 60, PANGO_ALIGN_LEFT, s->issuer->drawer);
}

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned int len)
{
	return bytes_append(closure, data, len) == 0 ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* Gives how many characters no font here has. */
static int draw(cairo_surface_t *surface, const struct sheet *s)
{
	struct pen pen = { .cr = cairo_create(surface), .font = s->issuer->font };
	pen.layout = pango_cairo_create_layout(pen.cr);
	draw_watermark(&pen);
	draw_frame(&pen);
	draw_head(&pen, s);
	draw_parties(&pen, s);
	draw_items(&pen, s);
	draw_foot(&pen, s);
	g_object_unref(pen.layout);
	cairo_show_page(pen.cr);
	cairo_destroy(pen.cr);
	return pen.unknown;
}

int sheet_pdf(const struct sheet *sheet, struct bytes *out, struct error *err)
{
	char title[96];
	cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(collect, out, WIDTH_MM * MM, HEIGHT_MM * MM);
	snprintf(title, sizeof title, "电子发票（样票）%s", sheet->order->number);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
	int unknown = draw(surface, sheet);
	cairo_surface_finish(surface);
	cairo_status_t status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (status != CAIRO_STATUS_SUCCESS)
		return error_set(err, status == CAIRO_STATUS_NO_MEMORY ? ERR_NO_MEMORY : ERR_UNEXPECTED, "PDF", "%s", cairo_status_to_string(status));
	return unknown == 0 ? 0 : error_set(err, ERR_CONFIG, "invoice.font", "no font on this machine has %d of the characters (%s)", unknown,
		sheet->issuer->font);
}
