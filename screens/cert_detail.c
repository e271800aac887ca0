#include "app.h"

#include <stdio.h>
#include <stdlib.h>

#include <certhall/clock.h>

struct cert_detail {
	struct bar bar;
	struct pager pager;
	char holder[PKI_NAME];
	int visible;
};

/* What a person looks for, in the person's language; then all of it, as programmers read it. */
static char *describe(const struct cert_info *info, const char *all)
{
	char *text = NULL, from[24], until[24];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	fprintf(out, _("Holder: %s\nIssuer: %s\n"), info->holder, info->issuer);
	fprintf(out, _("Valid: %s to %s\nSerial number: %s\nAlgorithm: %s\nFingerprint (SHA-256): %s\n"), clock_date(info->not_before, from, sizeof from),
		clock_date(info->not_after, until, sizeof until), info->serial, info->key_text, info->fingerprint);
	fprintf(out, "\n%s\n\n%s", _("The whole certificate, in technical terms:"), all);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int init(struct screen *s, void *arg)
{
	struct cert_detail *detail = screen_state(s);
	const struct keyed_cert *cert = arg;
	char *all = NULL;
	snprintf(detail->holder, sizeof detail->holder, "%s", cert->info.holder);
	int rc = cert_describe(cert->der.data, cert->der.len, &all, NULL);
	if (rc == 0 && (detail->pager.text = describe(&cert->info, all)) == NULL)
		rc = ERR_NO_MEMORY;
	free(all);
	return rc;
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
