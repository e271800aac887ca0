#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/text.h>

#include "terms.h"

enum field_id {
	F_CONTACT = 1, F_PHONE, F_KIND, F_TITLE, F_TAX_NO, F_EMAIL, F_DETAILED, F_ADDRESS, F_UNIT_PHONE, F_BANK, F_ACCOUNT, F_ACK,
};

struct details {
	struct form *form;
	struct pager terms;
	struct bar bar;
	int visible;
};

/* ---- the fields ---- */

static enum field_verdict verdict(enum check_verdict checked)
{
	return checked == CHECK_GOOD ? FIELD_GOOD : checked == CHECK_CONFIRM ? FIELD_CONFIRM : FIELD_WRONG;
}

static enum field_verdict on_contact(const char *value, char *say, size_t size)
{
	return verdict(check_contact(value, say, size));
}

static enum field_verdict on_phone(const char *value, char *say, size_t size)
{
	char phone[sizeof((struct applicant *)0)->phone];
	snprintf(phone, sizeof phone, "%s", value);
	phone_normalize(phone, sizeof phone);
	return verdict(check_phone(phone, say, size));
}

static enum field_verdict on_title(const char *value, char *say, size_t size)
{
	return verdict(check_title(value, say, size));
}

static enum field_verdict on_tax_no(const char *value, char *say, size_t size)
{
	char tax_no[sizeof((struct applicant *)0)->tax_no];
	snprintf(tax_no, sizeof tax_no, "%s", value);
	tax_no_normalize(tax_no, sizeof tax_no);
	return verdict(check_tax_no(tax_no, say, size));
}

static enum field_verdict on_email(const char *value, char *say, size_t size)
{
	return verdict(check_email(value, say, size));
}

static enum field_verdict on_address(const char *value, char *say, size_t size)
{
	return verdict(check_address(value, "", say, size));
}

static enum field_verdict on_bank(const char *value, char *say, size_t size)
{
	return verdict(check_bank(value, "", say, size));
}

static bool detailed(const void *ctx)
{
	const struct details *details = ctx;
	return details->form != NULL && form_choice(details->form, F_DETAILED) == 1;
}

#define SIZE_OF(member) sizeof(((struct applicant *)0)->member)

static const char *const kinds[] = { N_("Electronic invoice"), NULL };
static const char *const no_yes[] = { N_("No"), N_("Yes"), NULL };

static const struct field fields[] = {
	{ .id = F_CONTACT, .label = N_("Contact"), .required = true, .max = SIZE_OF(contact), .hint = N_("the contact's name"), .validate = on_contact },
	{ .id = F_PHONE, .label = N_("Phone"), .required = true, .max = SIZE_OF(phone), .hint = N_("needed to look up the invoice"), .narrow = true, .validate = on_phone },
	{ .id = F_KIND, .kind = FIELD_CHOICE, .label = N_("Invoice type"), .choices = kinds },
	{ .id = F_TITLE, .label = N_("Organisation"), .required = true, .max = SIZE_OF(title), .hint = N_("as on the invoice"), .validate = on_title },
	{ .id = F_TAX_NO, .label = N_("Taxpayer number"), .required = true, .max = SIZE_OF(tax_no), .hint = N_("as on the invoice"), .narrow = true, .validate = on_tax_no },
	{ .id = F_EMAIL, .label = N_("E-mail"), .max = SIZE_OF(email), .narrow = true, .validate = on_email },
	{ .id = F_DETAILED, .kind = FIELD_CHOICE, .label = N_("Fill in details"), .choices = no_yes },
	{ .id = F_ADDRESS, .label = N_("Address"), .max = SIZE_OF(address), .validate = on_address, .visible = detailed },
	{ .id = F_UNIT_PHONE, .label = N_("Office phone"), .max = SIZE_OF(unit_phone), .narrow = true, .validate = on_phone, .visible = detailed },
	{ .id = F_BANK, .label = N_("Bank"), .max = SIZE_OF(bank), .validate = on_bank, .visible = detailed },
	{ .id = F_ACCOUNT, .label = N_("Account"), .max = SIZE_OF(account), .narrow = true, .visible = detailed },
	{ .id = F_ACK, .kind = FIELD_CHECK, .label = N_("I have read the note on encrypted files"), .required = true },
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* Which member of struct applicant a text field stands for; its JSON name is the member's. */
static const struct member {
	enum field_id id;
	const char *name;
	size_t offset, size;
} members[] = {
#define MEMBER(id, member) { id, #member, offsetof(struct applicant, member), SIZE_OF(member) }
	MEMBER(F_CONTACT, contact), MEMBER(F_PHONE, phone), MEMBER(F_TITLE, title), MEMBER(F_TAX_NO, tax_no), MEMBER(F_EMAIL, email),
	MEMBER(F_ADDRESS, address), MEMBER(F_UNIT_PHONE, unit_phone), MEMBER(F_BANK, bank), MEMBER(F_ACCOUNT, account),
};
enum { MEMBERS = sizeof members / sizeof *members };

static int fill(struct form *form, const struct applicant *applicant)
{
	int code = form_set(form, F_DETAILED, applicant->detailed ? "1" : "0");
	for (size_t i = 0; i < MEMBERS && code == 0; i++)
		code = form_set(form, (int)members[i].id, (const char *)applicant + members[i].offset);
	return code;
}

static void gather(const struct details *details, struct applicant *out)
{
	*out = (struct applicant){ .invoice_kind = INVOICE_ELECTRONIC, .detailed = detailed(details) };
	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].id < F_ADDRESS || out->detailed)
			snprintf((char *)out + members[i].offset, members[i].size, "%s", form_value(details->form, (int)members[i].id));
}

static void show_field_error(struct details *details, const struct error *err)
{
	char say[512];
	const char *text = *err->detail != '\0' ? err->detail : error_sentence(err, say, sizeof say);
	for (size_t i = 0; i < MEMBERS; i++)
		if (strcmp(members[i].name, err->param) == 0) {
			form_error(details->form, (int)members[i].id, text);
			return;
		}
	dialog_error(err);
}

/* ---- the page ---- */

static int prefill(struct app *app, struct form *form)
{
	const struct renewal *renewal = app->flow.renewal;
	const struct order *order = renewal_order(renewal);
	const struct session *session = renewal_session(renewal);
	struct applicant applicant = { 0 };
	if (app->flow.has_draft)
		applicant = app->flow.draft;
	else if (order != NULL)
		applicant = order->applicant;
	else if (session != NULL && session->has_applicant)
		applicant = session->applicant;
	if (*applicant.title == '\0')
		snprintf(applicant.title, sizeof applicant.title, "%s", renewal_cert(renewal)->info.organisation);
	return fill(form, &applicant);
}

static void changed(struct screen *s)
{
	struct details *details = screen_state(s);
	const struct renewal *renewal = ((struct app *)screen_app(s))->flow.renewal;
	const struct error *err = renewal_error(renewal);
	if (renewal_phase(renewal) == RENEWAL_NEED_DETAILS && err != NULL && err->code == ERR_INVALID_FIELD)
		show_field_error(details, err);
}

static int init(struct screen *s, void *arg)
{
	struct details *details = screen_state(s);
	struct app *app = screen_app(s);
	(void)arg;
	int code = form_new(fields, FIELDS, details, &details->form);
	if (code == 0)
		code = prefill(app, details->form);
	if (code == 0)
		code = terms_text(app, &details->terms.text);
	if (code == 0)
		flow_join(s, changed);
	return code;
}

static void free_details(struct screen *s)
{
	struct details *details = screen_state(s);
	form_free(&details->form);
	free(details->terms.text);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Confirm details");
}

static const struct action *actions(struct screen *s)
{
	struct details *details = screen_state(s);
	const char *what;
	if (flow_busy(s, &what))
		return BAR(&details->bar, ACT_STOP);
	return BAR(&details->bar, ACT_SUBMIT, ACT_TERMS, ACT_BACK);
}

static void submit(struct screen *s)
{
	struct details *details = screen_state(s);
	struct app *app = screen_app(s);
	struct applicant applicant;
	struct error err = { 0 };
	if (!form_submit(details->form)) {
		screen_notice(s, STYLE_WARN, _("Some fields are not right yet; the first one is marked."));
		return;
	}
	screen_notice(s, STYLE_NORMAL, NULL);
	gather(details, &applicant);
	if (applicant_check(&applicant, &err) != 0) {
		show_field_error(details, &err);
		return;
	}
	app->flow.draft = applicant;
	app->flow.has_draft = true;
	renewal_submit(app->flow.renewal, &applicant, form_checked(details->form, F_ACK));
}

static void on_leave(void *ctx, int choice)
{
	if (choice == 1)
		flow_leave(ctx);
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	struct details *details = screen_state(s);
	if (action == ACT_SUBMIT) {
		submit(s);
	} else if (action == ACT_STOP) {
		renewal_abandon_work(app->flow.renewal);
	} else if (action == ACT_TERMS) {
		dialog_message(STYLE_NORMAL, _("Price, validity and what to mind"), details->terms.text);
	} else if (action == ACT_BACK) {
		const char *choices[] = { _("Stay"), _("Leave") };
		dialog_choose(_("Leave this page?"), _("What you have typed is not kept."), choices, 2, on_leave, app);
	}
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct details *details = screen_state(s);
	const char *what;
	if (flow_busy(s, &what))
		return SCREEN_IGNORED; /* what was submitted stays as it is */
	screen_notice(s, STYLE_NORMAL, NULL);
	if (key->code == KEY_CODE_PAGE_UP || key->code == KEY_CODE_PAGE_DOWN)
		return pager_key(&details->terms, key, details->visible);
	return form_key(details->form, key);
}

/* The terms stand beside the form where there is room, else below it. */
static void draw(struct screen *s, const struct area *body)
{
	struct details *details = screen_state(s);
	struct area a = term_inset(body, 0, 1), form, terms;
	if (a.cols >= 72) {
		int right = a.cols * 2 / 5;
		form = term_sub(&a, 0, 0, a.rows, a.cols - right - 2);
		terms = term_sub(&a, 0, a.cols - right, a.rows, right);
	} else {
		int below = a.rows / 3;
		form = term_sub(&a, 0, 0, a.rows - below - 1, a.cols);
		term_rule(&a, a.rows - below - 1, STYLE_DIM);
		terms = term_sub(&a, a.rows - below, 0, below, a.cols);
	}
	details->visible = terms.rows;
	pager_draw(&details->terms, &terms);
	form_draw(details->form, &form);
}

const struct screen_ops page_details = {
	.name = "details",
	.title = title,
	.step = 4,
	.state_size = sizeof(struct details),
	.init = init,
	.free = free_details,
	.actions = actions,
	.act = act,
	.key = key,
	.input = true,
	.draw = draw,
	.busy = flow_busy,
};
