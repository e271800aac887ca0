#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>
#include <certhall/text.h>

/* 帮助中心: a text that scrolls. */
struct reading {
	struct bar bar;
	struct pager pager;
	int visible;
};

static int add(struct bytes *out, const char *text)
{
	return bytes_append(out, text, strlen(text));
}

/* The plain key of an F-key is the digit beside it; all of them from the one table. */
static int add_keys(struct bytes *out)
{
	char line[160], f[8];
	int code = 0;
	for (const struct action *row = page_actions; row->id != 0 && code == 0; row++) {
		bool has_f = row->f_key >= KEY_CODE_F1 && row->f_key <= KEY_CODE_F12;
		snprintf(f, sizeof f, "F%d", has_f ? (int)(row->f_key - KEY_CODE_F1) + 1 : 0);
		snprintf(line, sizeof line, "  %-4s %-7s %s\n", has_f ? f : "", _(row->plain_name), _(row->label));
		code = add(out, line);
	}
	return code;
}

static int init_help(struct screen *s, void *arg)
{
	struct reading *reading = screen_state(s);
	struct bytes text = { 0 };
	(void)arg;
	int code = add(&text, _("How renewing goes\n"
		"1. Renewal: insert the key and choose Renew certificate.\n"
		"2. Check: the environment is checked; what is wrong says what to do. A missing key component is installed there.\n"
		"3. Certificate: choose the one to renew and enter the key's PIN.\n"
		"4. Details: contact and invoice; price and new validity are shown before anything is paid.\n"
		"5. Payment: scan the code with WeChat, Alipay or UnionPay; the payment is noticed by itself.\n"
		"6. Install: enter the PIN; do not pull the key out meanwhile. If it fails, choose Recover: nothing is paid twice.\n"
		"7. Done: the new certificate is on the key; the invoice follows.\n\n"
		"A certificate can be renewed from a while before its end until a while after it; View certificates says from when until when.\n"
		"You can leave at any time before the installation writes to the key, and go on later, also from another computer.\n\n"
		"Questions and answers, downloads and online service are being built.\n\n"
		"Keys (F1 or ? on any page shows those of that page)\n"));
	if (code == 0)
		code = add_keys(&text);
	reading->pager.text = (char *)text.data;
	return code;
}

static void free_reading(struct screen *s)
{
	struct reading *reading = screen_state(s);
	free(reading->pager.text);
}

static const char *title_help(struct screen *s)
{
	(void)s;
	return _("Help centre");
}

static const struct action *actions(struct screen *s)
{
	struct reading *reading = screen_state(s);
	return BAR(&reading->bar, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	(void)action;
	screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct reading *reading = screen_state(s);
	return pager_key(&reading->pager, key, reading->visible);
}

static void draw(struct screen *s, const struct area *body)
{
	struct reading *reading = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	reading->visible = a.rows;
	pager_draw(&reading->pager, &a);
}

#define READING(page_name, page_title, page_init) \
	.name = page_name, .title = page_title, .state_size = sizeof(struct reading), .init = page_init, .free = free_reading, \
	.actions = actions, .act = act, .key = key, .draw = draw

const struct screen_ops page_help = { READING("help", title_help, init_help) };
