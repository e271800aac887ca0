#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/text.h>

enum { SPINNER_MS = 200, QUIT_NOT_ASKED = -1 };

static struct {
	struct loop *loop;
	void *app;
	struct screen *top;
	struct screen *popped; /* freed at the end of the turn: callbacks may still stand on them */
	struct screen *resumed;
	struct loop_timer *spin;
	int spinner;
	bool dirty;
	int quit_status; /* asked for while a page was locked */
	struct loop_timer *idle;
	int64_t idle_ms; /* 0: never */
	void (*on_idle)(void *ctx);
	void *idle_ctx;
	char project[128];
	struct screen_aside aside;
} stack;

static void mark_dirty(void)
{
	stack.dirty = true;
}

void *screen_app(struct screen *s)
{
	(void)s;
	return stack.app;
}

void *screen_state(struct screen *s)
{
	return s->state;
}

const struct screen_ops *screen_ops_of(const struct screen *s)
{
	return s->ops;
}

struct screen *screen_top(void)
{
	return stack.top;
}

void screen_touch(struct screen *s)
{
	(void)s;
	mark_dirty();
}

void screen_set_project(const char *name)
{
	text_sanitize(name != NULL ? name : "", stack.project, sizeof stack.project, false);
	mark_dirty();
}

void screen_set_aside(const struct screen_aside *aside)
{
	stack.aside = *aside;
}

const struct screen_aside *screen_aside(void)
{
	return &stack.aside;
}

void screen_notice(struct screen *s, enum style style, const char *text)
{
	free(s->notice);
	s->notice = text != NULL && *text != '\0' ? strdup(text) : NULL;
	s->notice_style = style;
	mark_dirty();
}

const struct action *screen_actions(struct screen *s)
{
	static const struct action none[] = { ACTION_END };
	const struct action *actions = s->ops->actions != NULL ? s->ops->actions(s) : NULL;
	return actions != NULL ? actions : none;
}

/* Leaving */

static bool any_locked(void)
{
	for (const struct screen *s = stack.top; s != NULL; s = s->below)
		if (s->locked)
			return true;
	return false;
}

void screen_quit(int status)
{
	if (any_locked())
		stack.quit_status = status;
	else
		loop_stop(stack.loop, status);
}

void screen_lock(struct screen *s, bool locked)
{
	s->locked = locked;
	if (stack.quit_status != QUIT_NOT_ASKED && !any_locked())
		loop_stop(stack.loop, stack.quit_status);
}

static void refuse_to_leave(void)
{
	screen_notice(stack.top, STYLE_WARN, _("This cannot be interrupted now. Please wait until it has ended."));
}

/* The stack */

static void bury(struct screen *s)
{
	s->popped = true;
	s->below = stack.popped;
	stack.popped = s;
}

static void free_popped(void)
{
	while (stack.popped != NULL) {
		struct screen *s = stack.popped;
		stack.popped = s->below;
		if (s->ops->free != NULL)
			s->ops->free(s);
		secret_wipe(s->state, s->ops->state_size);
		free(s->notice);
		free(s);
	}
}

struct screen *screen_push(const struct screen_ops *ops, void *arg)
{
	struct error err = { .code = ERR_NO_MEMORY };
	struct screen *s = calloc(1, sizeof *s + ops->state_size);
	if (s == NULL)
		return NULL;
	s->ops = ops;
	s->locked = ops->locked;
	s->below = stack.top;
	stack.top = s;
	mark_dirty();
	int rc = ops->init != NULL ? ops->init(s, arg) : 0;
	if (rc == 0)
		return s;
	screen_pop(s);
	error_set(&err, (enum error_code)rc, ops->name, "page %s cannot be opened", ops->name);
	log_error("screen", &err);
	if (strcmp(ops->name, "message") != 0)
		dialog_error(&err);
	return NULL;
}

static bool on_stack(const struct screen *s)
{
	for (const struct screen *at = stack.top; at != NULL; at = at->below)
		if (at == s)
			return true;
	return false;
}

void screen_pop(struct screen *s)
{
	if (!on_stack(s))
		return;
	struct screen *top;
	do {
		top = stack.top;
		stack.top = top->below;
		bury(top);
	} while (top != s);
	stack.resumed = stack.top;
	mark_dirty();
	screen_lock(s, false);
}

void screen_pop_to(const char *name)
{
	struct screen *at = stack.top;
	while (at != NULL && strcmp(at->ops->name, name) != 0)
		at = at->below;
	while (at != NULL && stack.top != at)
		screen_pop(stack.top);
}

bool screen_shown(const struct screen_ops *ops)
{
	const struct screen *s = stack.top;
	while (s != NULL && s->ops->dialog)
		s = s->below;
	return s != NULL && s->ops == ops;
}

bool screen_raise(struct screen *s)
{
	struct screen **at = &stack.top;
	if (!on_stack(s))
		return false;
	while (*at != s)
		at = &(*at)->below;
	*at = s->below;
	s->below = stack.top;
	stack.top = stack.resumed = s;
	mark_dirty();
	return true;
}

void screen_replace(struct screen *s, const struct screen_ops *ops, void *arg)
{
	struct screen *fresh = screen_push(ops, arg);
	if (fresh == NULL || !on_stack(s))
		return;
	for (struct screen **at = &stack.top; *at != NULL; at = &(*at)->below) {
		if (*at != s)
			continue;
		*at = s->below;
		bury(s);
		break;
	}
	screen_lock(s, false);
}

/* Idleness */

static void on_idle(void *ctx);

static void restart_idle(void)
{
	if (stack.idle_ms > 0 && loop_timer_start(stack.loop, &stack.idle, stack.idle_ms, on_idle, NULL) != 0)
		log_line(LOG_LEVEL_WARN, "screen", "no memory for the idle time");
}

static void on_idle(void *ctx)
{
	(void)ctx;
	if (any_locked())
		restart_idle(); /* what must not be left is not left */
	else
		stack.on_idle(stack.idle_ctx);
}

void screen_on_idle(int seconds, void (*idle)(void *ctx), void *ctx)
{
	loop_timer_cancel(stack.loop, &stack.idle);
	stack.idle_ms = seconds * (int64_t)1000;
	stack.on_idle = idle;
	stack.idle_ctx = ctx;
	restart_idle();
}

/* Keys */

static bool matches(const struct action *action, const struct key *key)
{
	if (action->f_key != KEY_CODE_CHAR && key->code == action->f_key)
		return true;
	if (key->code != action->plain.code || action->plain_name == NULL)
		return false;
	if (key->code == KEY_CODE_CHAR)
		return action->plain.ch != 0 && key_ascii(key) == action->plain.ch;
	return key->code != KEY_CODE_CTRL || key->ch == action->plain.ch;
}

static int try_actions(struct screen *s, const struct key *key)
{
	for (const struct action *action = screen_actions(s); action->id != 0; action++)
		if (matches(action, key))
			return s->ops->act != NULL ? s->ops->act(s, action->id) : SCREEN_HANDLED;
	return SCREEN_IGNORED;
}

static int try_key(struct screen *s, const struct key *key)
{
	return s->ops->key != NULL ? s->ops->key(s, key) : SCREEN_IGNORED;
}

static void common_key(struct screen *s, const struct key *key)
{
	if (key->code == KEY_CODE_CTRL && key->ch == 'L') {
		term_repair();
		mark_dirty();
	} else if (key->code == KEY_CODE_F1 || key_ascii(key) == '?' || (key->code == KEY_CODE_CTRL && key->ch == 'G')) {
		dialog_help(s);
	} else if (key->code == KEY_CODE_F4 || (key->code == KEY_CODE_CTRL && key->ch == 'O')) {
		if (stack.aside.open != NULL && !s->ops->dialog)
			stack.aside.open(stack.aside.ctx, s->ops->name);
	} else if (key->code == KEY_CODE_CTRL && key->ch == 'C') {
		if (any_locked())
			refuse_to_leave();
		else
			dialog_quit();
	} else if (key->code == KEY_CODE_ESC) {
		if (s->locked)
			refuse_to_leave();
		else if (s->below != NULL)
			screen_pop(s);
	}
}

static void on_key(const struct key *key)
{
	struct screen *s = stack.top;
	if (s == NULL)
		return;
	restart_idle();
	bool named = (key->code >= KEY_CODE_F1 && key->code <= KEY_CODE_F12) || key->code == KEY_CODE_CTRL;
	bool key_first = s->ops->input && !named;
	int flags = key_first ? try_key(s, key) : try_actions(s, key);
	if (flags == SCREEN_IGNORED && !s->popped)
		flags = key_first ? try_actions(s, key) : try_key(s, key);
	if (flags == SCREEN_IGNORED && !s->popped && s == stack.top)
		common_key(s, key);
	if (flags & SCREEN_REDRAW)
		mark_dirty();
}

/* Painting */

static void on_spin(void *ctx)
{
	(void)ctx;
	stack.spinner++;
	mark_dirty();
}

static void resume(void)
{
	struct screen *s = stack.resumed;
	stack.resumed = NULL;
	if (s != NULL && s == stack.top && s->ops->resume != NULL)
		s->ops->resume(s);
}

static void on_before_wait(void *ctx)
{
	const char *what;
	(void)ctx;
	while (stack.resumed != NULL || stack.popped != NULL) {
		resume();
		free_popped();
	}
	if (!stack.dirty || stack.top == NULL || !term_is_open())
		return;
	stack.dirty = false;
	term_blank();
	frame_draw(stack.top, stack.project, stack.spinner);
	term_show();
	if (stack.spin == NULL && frame_busy(stack.top, &what) && loop_timer_start(stack.loop, &stack.spin, SPINNER_MS, on_spin, NULL) != 0)
		log_line(LOG_LEVEL_WARN, "screen", "no memory for the spinner");
}

void screen_start(struct loop *loop, void *app)
{
	stack.loop = loop;
	stack.app = app;
	stack.quit_status = QUIT_NOT_ASKED;
	term_set_hooks(&(struct term_hooks){ .key = on_key, .resized = mark_dirty, .ended = screen_quit });
	loop_before_wait(loop, on_before_wait, NULL);
}

void screen_finish(void)
{
	loop_timer_cancel(stack.loop, &stack.spin);
	loop_timer_cancel(stack.loop, &stack.idle);
	while (stack.top != NULL) {
		struct screen *top = stack.top;
		stack.top = top->below;
		bury(top);
		free_popped();
	}
	free_popped();
	stack.resumed = NULL;
}
