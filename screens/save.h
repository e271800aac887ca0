/* 保存, 另存为: what the hall has, put where the person wants it. */
#ifndef SCREENS_SAVE_H
#define SCREENS_SAVE_H

#include "app.h"

/* How what was chosen is to be saved. Borrowed for the page's init. */
struct save_order {
	const struct package *package;     /* one of 相关下载; NULL: the invoices */
	const struct invoice *const *invoices;
	size_t count;
	const char *grant;
	bool pdf, xml;
	char folder[1024];
	bool open;                 /* then shown by the configured viewer */
	char name[200];            /* 另存为 of one: an invoice's without its ending; empty: fapiao_NUMBER, or as the hall names the file */
};

extern const struct screen_ops page_save; /* arg: const struct save_order * */

/* Where 保存 puts things: the configured folder, the desktop's, or one of that name in the home folder. */
void save_folder(const struct app *app, const char *name, char *out, size_t size);
/* The folder and the name of a path that was typed; false when there is none. */
bool save_place(const char *typed, struct save_order *order);

#endif
