/* What the pages of invoices hand to each other. */
#ifndef SCREENS_INVOICES_H
#define SCREENS_INVOICES_H

#include "app.h"

/* What 打开 shows. */
struct view_order {
	const struct invoice *invoice;
	const char *grant;
};

extern const struct screen_ops page_invoices,  /* arg: const struct invoice_page * */
	page_invoice_view;                         /* arg: const struct view_order * */

#endif
