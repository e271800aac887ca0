#include "app.h"

#include <stdlib.h>

struct cert_detail {
	struct bar bar;
	struct pager pager;
	char holder[PKI_NAME];
	int visible;
};

static int init(struct screen *s, void *arg)
{
	struct cert_detail *detail = screen_state(s);
	const struct keyed_cert *cert = arg;
	snprintf(detail->holder, sizeof detail->holder, "%s", cert->info.holder);
	return cert_describe(cert->der.data, cert->der.len, &detail->pager.text, NULL);
}

static void free_detail(struct screen *s)
{
	struct cert_detail *detail = screen_state(s);
	free(detail->pager.text);
}

static const char *title(struct screen *s)
{
	return ((struct cert_detail *)screen_state(s))->holder;
}

static const struct action *actions(struct screen *s)
{
	struct cert_detail *detail = screen_state(s);
	return BAR(&detail->bar, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	(void)action;
	screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct cert_detail *detail = screen_state(s);
	return pager_key(&detail->pager, key, detail->visible);
}

static void draw(struct screen *s, const struct area *body)
{
	struct cert_detail *detail = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	detail->visible = a.rows;
	pager_draw(&detail->pager, &a);
}

const struct screen_ops page_cert_detail = {
	.name = "cert-detail",
	.title = title,
	.state_size = sizeof(struct cert_detail),
	.init = init,
	.free = free_detail,
	.actions = actions,
	.act = act,
	.key = key,
	.draw = draw,
};
