/* What the pages of invoices hand to each other. */
#ifndef SCREENS_INVOICES_H
#define SCREENS_INVOICES_H

#include "app.h"

/* How the chosen ones are to be saved. Borrowed for the page's init. */
struct save_order {
	const struct invoice *const *invoices;
	size_t count;
	const char *grant;
	bool pdf, xml;
	char folder[1024];
	bool open;                 /* then shown by the configured viewer */
	char name[200];            /* 另存为 of one: without its ending; empty: fapiao_NUMBER */
};

/* What 打开 shows. */
struct view_order {
	const struct invoice *invoice;
	const char *grant;
};

extern const struct screen_ops page_invoices,  /* arg: const struct invoice_page * */
	page_invoice_save,                         /* arg: const struct save_order * */
	page_invoice_view;                         /* arg: const struct view_order * */

#endif
