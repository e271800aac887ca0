/* A small hall made of every shape there is: what the tests of src/term drive on a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/screen.h>
#include <certhall/text.h>

enum { OPEN = 1, NOTICE, DUMP, SUBMIT, BACK, WRITE };
enum { NAME = 1, PHONE, KIND, DETAIL, ADDRESS, TAX };
enum { WORK_MS = 400, ITEMS = 30 };

static struct loop *loop;

/* Work that locks its page until a timer ends it. */
struct work {
	struct loop_timer *timer;
};

static const char *work_title(struct screen *s)
{
	(void)s;
	return "Working";
}

static bool work_busy(struct screen *s, const char **what)
{
	(void)s;
	*what = "Doing something slow";
	return true;
}

static void work_over(void *ctx)
{
	struct screen *s = ctx;
	screen_lock(s, false);
	screen_pop(s);
	screen_notice(screen_top(), STYLE_OK, "Work is over");
}

static int work_init(struct screen *s, void *arg)
{
	struct work *work = screen_state(s);
	(void)arg;
	screen_lock(s, true);
	return loop_timer_start(loop, &work->timer, WORK_MS, work_over, s);
}

static void work_free(struct screen *s)
{
	struct work *work = screen_state(s);
	loop_timer_cancel(loop, &work->timer);
}

static const struct screen_ops work_ops = {
	.name = "work", .title = work_title, .step = 6, .state_size = sizeof(struct work), .init = work_init, .free = work_free, .busy = work_busy,
};

/* A QR code. */
struct code {
	struct qr *qr;
};

static const char *code_title(struct screen *s)
{
	(void)s;
	return "QR";
}

static int code_init(struct screen *s, void *arg)
{
	struct code *code = screen_state(s);
	return qr_new(arg, &code->qr, NULL);
}

static void code_free(struct screen *s)
{
	struct code *code = screen_state(s);
	qr_free(&code->qr);
}

static void code_draw(struct screen *s, const struct area *body)
{
	const struct code *code = screen_state(s);
	int rows, cols;
	if (qr_fits(code->qr, body, &rows, &cols))
		qr_draw(code->qr, body);
	else
		term_textf(body, 0, 0, STYLE_WARN, "needs %d x %d", cols, rows);
}

static const struct screen_ops code_ops = {
	.name = "code", .title = code_title, .step = 5, .state_size = sizeof(struct code), .init = code_init, .free = code_free, .draw = code_draw,
};

/* A long text. */
struct reader {
	struct pager pager;
	int rows;
};

static const char *reader_title(struct screen *s)
{
	(void)s;
	return "Reader";
}

static int reader_init(struct screen *s, void *arg)
{
	struct reader *reader = screen_state(s);
	(void)arg;
	reader->pager.text = calloc(1, 16384);
	for (int i = 1; reader->pager.text != NULL && i <= 60; i++)
		sprintf(reader->pager.text + strlen(reader->pager.text), "line %d: 证书更新之前请备份用旧密钥加密的文件 and then some more words to wrap\n", i);
	return reader->pager.text != NULL ? 0 : ERR_NO_MEMORY;
}

static void reader_free(struct screen *s)
{
	struct reader *reader = screen_state(s);
	free(reader->pager.text);
}

static int reader_key(struct screen *s, const struct key *key)
{
	struct reader *reader = screen_state(s);
	return pager_key(&reader->pager, key, reader->rows - 1);
}

static void reader_draw(struct screen *s, const struct area *body)
{
	struct reader *reader = screen_state(s);
	reader->rows = body->rows;
	pager_draw(&reader->pager, body);
}

static const struct screen_ops reader_ops = {
	.name = "reader", .title = reader_title, .state_size = sizeof(struct reader), .init = reader_init, .free = reader_free,
	.key = reader_key, .draw = reader_draw,
};

/* A form. */
struct entry_page {
	struct form *form;
};

static enum field_verdict check_phone(const char *value, char *say, size_t size)
{
	if (strspn(value, "0123456789") == strlen(value) && strlen(value) == 11)
		return FIELD_GOOD;
	snprintf(say, size, "phone must be 11 digits");
	return FIELD_WRONG;
}

static enum field_verdict check_tax(const char *value, char *say, size_t size)
{
	if (strlen(value) != 18) {
		snprintf(say, size, "tax number must be 18 long");
		return FIELD_WRONG;
	}
	if (strcmp(value, "91140100MA0TEUT14N") == 0)
		return FIELD_GOOD;
	snprintf(say, size, "check digit does not fit");
	return FIELD_CONFIRM;
}

static bool wants_detail(const void *ctx)
{
	const struct entry_page *page = ctx;
	return page->form != NULL && form_checked(page->form, DETAIL);
}

static const char *const kinds[] = { N_("electronic"), N_("paper"), NULL };
static const struct field fields[] = {
	{ .id = NAME, .label = N_("Contact"), .required = true, .max = 41, .hint = N_("a person") },
	{ .id = PHONE, .label = N_("Phone"), .required = true, .max = 34, .narrow = true, .validate = check_phone },
	{ .id = KIND, .kind = FIELD_CHOICE, .label = N_("Invoice"), .choices = kinds },
	{ .id = DETAIL, .kind = FIELD_CHECK, .label = N_("with details") },
	{ .id = ADDRESS, .label = N_("Address"), .max = 101, .visible = wants_detail },
	{ .id = TAX, .label = N_("Tax number"), .required = true, .max = 64, .narrow = true, .validate = check_tax },
};

static const char *entry_title(struct screen *s)
{
	(void)s;
	return "Form";
}

static int entry_init(struct screen *s, void *arg)
{
	struct entry_page *page = screen_state(s);
	(void)arg;
	return form_new(fields, sizeof fields / sizeof *fields, page, &page->form);
}

static void entry_free(struct screen *s)
{
	struct entry_page *page = screen_state(s);
	form_free(&page->form);
}

static const struct action *entry_actions(struct screen *s)
{
	static const struct action actions[] = {
		{ SUBMIT, N_("Next"), KEY_CODE_F8, { KEY_CODE_ENTER, "", 0 }, "Enter" },
		{ BACK, N_("Back"), KEY_CODE_CHAR, { KEY_CODE_ESC, "", 0 }, "Esc" },
		ACTION_END
	};
	(void)s;
	return actions;
}

static int entry_act(struct screen *s, int action)
{
	struct entry_page *page = screen_state(s);
	char text[512];
	if (action == SUBMIT && !form_submit(page->form)) {
		screen_notice(s, STYLE_BAD, "Not complete");
		return SCREEN_HANDLED | SCREEN_REDRAW;
	}
	if (action == SUBMIT) {
		snprintf(text, sizeof text, "name=%s phone=%s kind=%d tax=%s", form_value(page->form, NAME), form_value(page->form, PHONE),
			form_choice(page->form, KIND), form_value(page->form, TAX));
		dialog_message(STYLE_OK, "Submitted", text);
	}
	if (action == BACK)
		screen_pop(s);
	return SCREEN_HANDLED;
}

static int entry_key(struct screen *s, const struct key *key)
{
	struct entry_page *page = screen_state(s);
	return form_key(page->form, key);
}

static void entry_draw(struct screen *s, const struct area *body)
{
	struct entry_page *page = screen_state(s);
	form_draw(page->form, body);
}

static const struct screen_ops entry_ops = {
	.name = "entry", .title = entry_title, .step = 4, .state_size = sizeof(struct entry_page), .init = entry_init, .free = entry_free,
	.actions = entry_actions, .act = entry_act, .key = entry_key, .input = true, .draw = entry_draw,
};

/* A text being written; Enter says its lines. */
struct writing {
	struct draft *draft;
};

static int writing_init(struct screen *s, void *arg)
{
	struct writing *writing = screen_state(s);
	(void)arg;
	return draft_new(80, &writing->draft);
}

static void writing_free(struct screen *s)
{
	struct writing *writing = screen_state(s);
	draft_free(&writing->draft);
}

static int writing_key(struct screen *s, const struct key *key)
{
	struct writing *writing = screen_state(s);
	char text[128], *at;
	if (key->code != KEY_CODE_ENTER)
		return draft_key(writing->draft, key);
	snprintf(text, sizeof text, "[%s]", draft_text(writing->draft));
	while ((at = strchr(text, '\n')) != NULL)
		*at = '|';
	screen_notice(s, STYLE_OK, text);
	return SCREEN_HANDLED;
}

static void writing_draw(struct screen *s, const struct area *body)
{
	struct writing *writing = screen_state(s);
	int rows = draft_rows(writing->draft, 20);
	struct area box = term_sub(body, 1, 0, rows < 3 ? rows : 3, 20);
	term_text(body, 0, 0, STYLE_NORMAL, draft_full(writing->draft) ? "full" : "room");
	draft_draw(writing->draft, &box, true, "write here");
}

static const struct screen_ops writing_ops = {
	.name = "writing", .state_size = sizeof(struct writing), .init = writing_init, .free = writing_free, .key = writing_key, .input = true, .draw = writing_draw,
};

/* A page that cannot be opened. */
static int broken_init(struct screen *s, void *arg)
{
	(void)s, (void)arg;
	return ERR_NET_TIMEOUT;
}

static const struct screen_ops broken_ops = { .name = "broken", .init = broken_init };

/* Home. */
struct home {
	struct list list;
};

static const char *const items[] = { "Form", "Message", "Choice", "PIN", "Text", "Work", "QR", "Reader", "Broken", "宽字符「￥」",
	"\xe2\x80\x9cquoted\xe2\x80\x9d names",
	"一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
	"bad \x1b[31m\x9b" "31m\xe2\x80\xae\r\n\x08\xf3\xa0\x81\x81 text\xff" };

static void say(const char *what, const char *value)
{
	char text[256];
	snprintf(text, sizeof text, "%s %s", what, value);
	screen_notice(screen_top(), STYLE_OK, text);
}

static void on_choice(void *ctx, int choice)
{
	char number[16];
	(void)ctx;
	snprintf(number, sizeof number, "%d", choice);
	say("chosen", number);
}

static void on_pin(void *ctx, struct secret *pin)
{
	(void)ctx;
	say("pin", pin == NULL ? "none" : strcmp(pin->text, "Ab12*") == 0 ? "right" : "wrong");
}

static void on_text(void *ctx, const char *value)
{
	(void)ctx;
	say("text", value != NULL ? value : "none");
}

static void open_item(int index)
{
	static const char *const choices[] = { "first", "second", "third" };
	switch (index) {
	case 0: screen_push(&entry_ops, NULL); break;
	case 1: dialog_message(STYLE_NORMAL, "Message", "One sentence which is somewhat longer than the box is wide, so that it wraps. 中文也会换行，标点不在行首。"); break;
	case 2: dialog_choose("Choice", "Which one?", choices, 3, on_choice, NULL); break;
	case 3: dialog_pin("PIN", "Key of 测试样票有限公司", "Two tries are left.", on_pin, NULL); break;
	case 4: dialog_text("Text", "Where to save", "/home/样票.txt", 40, on_text, NULL); break;
	case 5: screen_push(&work_ops, NULL); break;
	case 6: screen_push(&code_ops, (void *)(uintptr_t)"https://pay.example.cn/bills/qrCode.do?id=101720261122000000000001"); break;
	case 7: screen_push(&reader_ops, NULL); break;
	case 8: screen_push(&broken_ops, NULL); break;
	default: screen_notice(screen_top(), STYLE_WARN, "Nothing there"); break;
	}
}

static const char *home_title(struct screen *s)
{
	(void)s;
	return "Demo";
}

static int home_init(struct screen *s, void *arg)
{
	struct home *home = screen_state(s);
	(void)arg;
	home->list.count = ITEMS;
	return 0;
}

static const struct action *home_actions(struct screen *s)
{
	static const struct action actions[] = {
		{ OPEN, N_("Open"), KEY_CODE_CHAR, { KEY_CODE_ENTER, "", 0 }, "Enter" },
		{ NOTICE, N_("Notice"), KEY_CODE_F5, { KEY_CODE_CHAR, "0", '0' }, "0" },
		{ DUMP, N_("Dump"), KEY_CODE_F12, { KEY_CODE_CTRL, "", 'D' }, "Ctrl-D" },
		{ WRITE, N_("Write"), KEY_CODE_F9, { KEY_CODE_CTRL, "", 'W' }, "Ctrl-W" },
		ACTION_END
	};
	(void)s;
	return actions;
}

static int home_act(struct screen *s, int action)
{
	struct home *home = screen_state(s);
	char *dump;
	FILE *file;
	if (action == OPEN)
		open_item(home->list.selected);
	if (action == WRITE)
		screen_push(&writing_ops, NULL);
	if (action == NOTICE)
		screen_notice(s, STYLE_OK, "Noticed");
	if (action == DUMP && (dump = term_dump()) != NULL) {
		file = fopen(getenv("TERM_DEMO_DUMP"), "w");
		fputs(dump, file);
		fclose(file);
		free(dump);
		screen_notice(s, STYLE_OK, "Dumped");
	}
	return SCREEN_HANDLED;
}

static int home_key(struct screen *s, const struct key *key)
{
	struct home *home = screen_state(s);
	return list_key(&home->list, key, 10);
}

static void home_row(void *ctx, const struct area *a, int index, bool selected)
{
	(void)ctx, (void)selected;
	term_textf(a, 0, 0, STYLE_NORMAL, "%2d %s", index + 1, index < (int)(sizeof items / sizeof *items) ? items[index] : "more");
}

static void home_draw(struct screen *s, const struct area *body)
{
	struct home *home = screen_state(s);
	list_draw(&home->list, body, 1, home_row, home);
}

static const struct screen_ops home_ops = {
	.name = "home", .title = home_title, .state_size = sizeof(struct home), .init = home_init,
	.actions = home_actions, .act = home_act, .key = home_key, .draw = home_draw,
};

int main(void)
{
	struct error err = { 0 };
	const char *theme = getenv("TERM_DEMO_THEME"), *ambiguous = getenv("TERM_DEMO_AMBIGUOUS");
	struct term_options options = { .theme = theme, .ambiguous = ambiguous != NULL ? atoi(ambiguous) : 0 };
	secret_init();
	if (i18n_init(NULL) != 0)
		return 3;
	loop = loop_new();
	if (loop == NULL)
		return 3;
	if (term_open(loop, &options, &err) != 0) {
		char sentence[512];
		fprintf(stderr, "%s\n", error_sentence(&err, sentence, sizeof sentence));
		loop_free(&loop);
		return 2;
	}
	screen_start(loop, NULL);
	screen_set_project("样票项目");
	screen_push(&home_ops, NULL);
	int status = loop_run(loop);
	screen_finish();
	term_close();
	loop_free(&loop);
	return status;
}
