/* An electronic invoice read from its XML (财政部, 电子凭证会计数据标准) and laid out as text. No network, no entities. */
#ifndef CERTHALL_SHEET_H
#define CERTHALL_SHEET_H

#include <certhall/bytes.h>
#include <certhall/error.h>

/* The invoice as lines of at most columns (at least 40), in the current language; malloc'd. Everything is sanitised. ERR_BAD_INPUT:
 * not an invoice. */
int sheet_text(const struct bytes *xml, int columns, char **out, struct error *err) CH_MUST_CHECK;

#endif
