#include "app.h"

#include <certhall/text.h>

enum { STATE_COL = 23, SEEN_COL = 37 };

struct check_page {
	struct doctor *doctor;
	struct bar bar;
	struct list list;
	int visible;
	bool touched; /* the person has moved in the list */
};

/* When all is done, the first item that is wrong is the one to read about. */
static void point_at_trouble(struct check_page *page)
{
	for (enum check_state wanted = CHECK_BROKEN; wanted >= CHECK_WARNING && !page->touched; wanted--)
		for (int i = 0; i < CHECK_ITEMS; i++)
			if (doctor_check(page->doctor, (enum check_item)i)->state == wanted) {
				page->list.selected = i;
				return;
			}
}

static void doctor_changed(void *ctx)
{
	struct screen *s = ctx;
	struct check_page *page = screen_state(s);
	if (page->doctor == NULL)
		return;
	if (doctor_done(page->doctor))
		point_at_trouble(page);
	screen_touch(s);
}

static int init(struct screen *s, void *arg)
{
	struct check_page *page = screen_state(s);
	struct app *app = screen_app(s);
	struct area screen = term_screen();
	(void)arg;
	struct doctor_options options = {
		.loop = app->loop, .hall = app->world.hall, .token = app->world.token, .settings = app->settings,
		.terminal_rows = screen.rows, .terminal_cols = screen.cols, .terminal_colours = term_colours(),
	};
	int code = doctor_new(&options, doctor_changed, s, &page->doctor);
	if (code != 0)
		return code;
	page->list.count = CHECK_ITEMS;
	app->component_installed = false;
	doctor_run(page->doctor);
	return 0;
}

static void free_check(struct screen *s)
{
	struct check_page *page = screen_state(s);
	doctor_free(&page->doctor);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Environment check");
}

static enum check_offer offer_of(const struct check_page *page)
{
	return doctor_check(page->doctor, (enum check_item)page->list.selected)->offer;
}

static bool any_offer(const struct check_page *page, enum check_offer offer)
{
	for (int i = 0; i < CHECK_ITEMS; i++)
		if (doctor_check(page->doctor, (enum check_item)i)->offer == offer)
			return true;
	return false;
}

static const struct action *actions(struct screen *s)
{
	struct check_page *page = screen_state(s);
	enum page_action ids[BAR_MAX + 1] = { 0 };
	size_t n = 0;
	if (doctor_passed(page->doctor))
		ids[n++] = ACT_NEXT;
	else if (offer_of(page) != OFFER_NONE)
		ids[n++] = ACT_OPEN;
	ids[n++] = ACT_CHECK_ALL;
	ids[n++] = ACT_CHECK_ONE;
	if (ids[0] == ACT_OPEN) /* what follows says it once more: leaving is told before it */
		ids[n++] = ACT_BACK;
	if (any_offer(page, OFFER_INSTALL_COMPONENT))
		ids[n++] = ACT_COMPONENT;
	if (any_offer(page, OFFER_RECOVERY))
		ids[n++] = ACT_ORDER;
	if (ids[0] != ACT_OPEN)
		ids[n++] = ACT_BACK;
	bar_set(&page->bar, ids);
	if (ids[0] == ACT_OPEN)
		page->bar.rows[0].label = offer_of(page) == OFFER_RECOVERY ? N_("Recover") : N_("Install component");
	return page->bar.rows;
}

static void recover(struct app *app)
{
	const struct keyed_cert *cert = keyring_unfinished(app->keyring);
	if (cert != NULL)
		flow_begin(app, cert);
	else
		keyring_refresh(app->keyring);
}

static int act(struct screen *s, int action)
{
	struct check_page *page = screen_state(s);
	if (action == ACT_OPEN)
		action = offer_of(page) == OFFER_RECOVERY ? ACT_ORDER : ACT_COMPONENT;
	if (action == ACT_NEXT)
		screen_push(&page_choose, NULL);
	else if (action == ACT_CHECK_ALL)
		doctor_run(page->doctor);
	else if (action == ACT_CHECK_ONE)
		doctor_run_one(page->doctor, (enum check_item)page->list.selected);
	else if (action == ACT_COMPONENT)
		screen_push(&page_component, NULL);
	else if (action == ACT_ORDER)
		recover(screen_app(s));
	else if (action == ACT_BACK)
		screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct check_page *page = screen_state(s);
	int flags = list_key(&page->list, key, page->visible);
	if (flags != SCREEN_IGNORED)
		page->touched = true;
	return flags;
}

static void resume(struct screen *s)
{
	struct check_page *page = screen_state(s);
	struct app *app = screen_app(s);
	if (!app->component_installed)
		return;
	app->component_installed = false;
	page->touched = false;
	doctor_run(page->doctor);
}

static enum style style_of(enum check_state state)
{
	switch (state) {
	case CHECK_OK: return STYLE_OK;
	case CHECK_WARNING: return STYLE_WARN;
	case CHECK_BROKEN: return STYLE_BAD;
	default: return STYLE_DIM;
	}
}

static void draw_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct check_page *page = ctx;
	const struct check *check = doctor_check(page->doctor, (enum check_item)index);
	(void)selected;
	term_cell(a, 0, 0, STATE_COL - 1, STYLE_NORMAL, check_item_name((enum check_item)index));
	term_cell(a, 0, STATE_COL, SEEN_COL - STATE_COL - 1, style_of(check->state), check_state_name(check->state));
	term_cell(a, 0, SEEN_COL, a->cols - SEEN_COL, STYLE_DIM, check->seen);
}

/* Of the selected item, below the list: the cure, and what was seen where the list has no room for it. A sound item has
 * nothing here that would be painted anew with every cursor key. */
static void draw_chosen(const struct check_page *page, const struct area *a)
{
	const struct check *check = doctor_check(page->doctor, (enum check_item)page->list.selected);
	int row = 1;
	term_rule(a, 0, STYLE_DIM);
	if (*check->cure != '\0' || text_width(check->seen) > a->cols - SEEN_COL - 2)
		row = term_paragraph(a, row, STYLE_NORMAL, check->seen, true);
	if (*check->cure != '\0')
		row = term_paragraph(a, row, STYLE_HEADING, check->cure, true);
	if (doctor_passed(page->doctor))
		term_paragraph(a, a->rows - 1 > row ? a->rows - 1 : row, STYLE_OK, _("The environment is in order. Enter goes on."), true);
}

static void draw(struct screen *s, const struct area *body)
{
	struct check_page *page = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	int below = a.rows - CHECK_ITEMS < 5 ? 5 : a.rows - CHECK_ITEMS;
	int above = a.rows - below < 1 ? 1 : a.rows - below;
	struct area list = term_sub(&a, 0, 0, above, a.cols), chosen = term_sub(&a, above, 0, a.rows - above, a.cols);
	page->visible = above;
	list_draw(&page->list, &list, 1, draw_row, page);
	draw_chosen(page, &chosen);
}

static bool busy(struct screen *s, const char **what)
{
	const struct check_page *page = screen_state(s);
	*what = _("Checking the environment");
	return !doctor_done(page->doctor);
}

const struct screen_ops page_check = {
	.name = "check",
	.title = title,
	.step = 2,
	.state_size = sizeof(struct check_page),
	.init = init,
	.free = free_check,
	.actions = actions,
	.act = act,
	.key = key,
	.resume = resume,
	.draw = draw,
	.busy = busy,
};
