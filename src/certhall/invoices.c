/* certhall invoices: query, list, save. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/invoice.h>
#include <certhall/path.h>
#include <certhall/term.h>

#include "certhall/line.h"

enum { INVOICES_MAX = 100000 };

/* One question to the hall at a time; the loop runs until it is answered. */
struct asking {
	struct world *world;
	struct error err;          /* code ERR_OK: answered */
	struct captcha captcha;
	struct invoice *rows;
	size_t count;
	char grant[96], next[64];
};

static void answered(struct asking *a, const struct error *err)
{
	a->err = err != NULL ? *err : (struct error){ 0 };
	loop_stop(a->world->loop, 0);
}

static bool wait_for(struct asking *a, struct hall_call *call)
{
	if (call == NULL)
		error_set(&a->err, ERR_NO_MEMORY, NULL, "invoices");
	else
		loop_run(a->world->loop);
	return a->err.code == ERR_OK;
}

static void on_captcha(void *ctx, const struct error *err, const void *result)
{
	struct asking *a = ctx;
	if (err == NULL) {
		a->captcha = *(const struct captcha *)result;
		((struct captcha *)(uintptr_t)result)->pixels = (struct bytes){ 0 }; /* moved */
	}
	answered(a, err);
}

static void on_page(void *ctx, const struct error *err, const void *result)
{
	struct asking *a = ctx;
	const struct invoice_page *page = result;
	struct error short_of_memory;
	error_set(&short_of_memory, ERR_NO_MEMORY, NULL, "invoices");
	struct invoice *rows = err == NULL ? reallocarray(a->rows, a->count + page->invoices_count + 1, sizeof *rows) : NULL;
	if (rows != NULL) {
		a->rows = rows;
		memcpy(rows + a->count, page->invoices, page->invoices_count * sizeof *rows);
		a->count += page->invoices_count;
		memcpy(a->grant, page->grant, sizeof a->grant);
		memcpy(a->next, page->next, sizeof a->next);
	}
	answered(a, err != NULL ? err : rows == NULL ? &short_of_memory : NULL);
}

static void on_saved(void *ctx, const struct error *err, const void *result)
{
	struct asking *a = ctx;
	if (err == NULL)
		line_say(stdout, _("Saved: %s\n"), (const char *)result);
	answered(a, err);
}

/* ---- the picture ---- */

static void draw(const struct captcha *captcha)
{
	unsigned char *pixels = captcha_unpack(captcha);
	if (pixels == NULL)
		return;
	const struct bitmap bitmap = { .width = (int)captcha->width, .height = (int)captcha->height, .pixels = pixels };
	char *text = bitmap_text(&bitmap, 1);
	if (text != NULL)
		fputs(text, stderr);
	free(text);
	free(pixels);
}

static bool solve(struct asking *a, struct invoice_query *query)
{
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
		line_say(stderr, "%s\n", _("The picture needs a UTF-8 terminal; use the full-screen program."));
		error_set(&a->err, ERR_CANCELLED, NULL, "encoding");
		return false;
	}
	if (!wait_for(a, hall_get_captcha(a->world->hall, on_captcha, a)))
		return false;
	draw(&a->captcha);
	bytes_free(&a->captcha.pixels);
	snprintf(query->captcha, sizeof query->captcha, "%s", a->captcha.id);
	if (line_ask(_("The digits in the picture: "), query->answer, sizeof query->answer))
		return true;
	error_set(&a->err, ERR_CANCELLED, NULL, "no digits");
	return false;
}

static bool query(struct asking *a, const struct options *options)
{
	struct invoice_query asked = { 0 };
	const struct {
		const char *given, *question;
		char *to;
		size_t size;
	} fields[] = {
		{ options->title, _("Organisation: "), asked.title, sizeof asked.title },
		{ options->tax_no, _("Taxpayer number: "), asked.tax_no, sizeof asked.tax_no },
		{ options->phone, _("Contact's phone: "), asked.phone, sizeof asked.phone },
	};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].given != NULL) {
			snprintf(fields[i].to, fields[i].size, "%s", fields[i].given);
		} else if (!line_ask(fields[i].question, fields[i].to, fields[i].size)) {
			error_set(&a->err, ERR_CANCELLED, NULL, "no answer");
			return false;
		}
	tax_no_normalize(asked.tax_no, sizeof asked.tax_no);
	phone_normalize(asked.phone, sizeof asked.phone);
	bool good = solve(a, &asked) && wait_for(a, hall_query_invoices(a->world->hall, &asked, on_page, a));
	while (good && a->next[0] != '\0' && a->count < INVOICES_MAX)
		good = wait_for(a, hall_more_invoices(a->world->hall, a->grant, a->next, on_page, a));
	return good;
}

/* ---- what was found ---- */

static void list_text(const struct asking *a)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct invoice *v = &a->rows[i];
		char money[32], date[16];
		const char *state = v->state == INVOICE_ISSUED ? _("issued") : v->state == INVOICE_FAILED ? _("issue failed") : _("to be issued");
		line_say(stdout, "%s  %s  %s  %s  %s\n    %s  %s  %s  %s\n", clock_date(v->issued != 0 ? v->issued : v->ordered, date, sizeof date),
			money_text(v->amount_fen, money, sizeof money), state, v->number, v->title, v->tax_no, v->contact, v->phone, v->order);
	}
}

static int list_json(const struct asking *a)
{
	struct json_object *all = json_object_new_object(), *rows = json_object_new_array();
	for (size_t i = 0; i < a->count; i++)
		json_object_array_add(rows, codec_write(invoice_codec, &a->rows[i]));
	json_object_object_add(all, "invoices", rows);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	return EXIT_DONE;
}

/* What is saved already stays as it is: a batch may be run again. */
static int save(struct asking *a, const struct options *options)
{
	static const char *const formats[] = { "pdf", "xml" };
	char folder[1024], name[64];
	int status = EXIT_DONE;
	path_expand(options->save, folder, sizeof folder);
	for (size_t i = 0; i < a->count; i++)
		for (size_t f = 0; f < 2 && a->rows[i].state == INVOICE_ISSUED; f++) {
			if (strcmp(options->format, "both") != 0 && strcmp(options->format, formats[f]) != 0)
				continue;
			snprintf(name, sizeof name, "fapiao_%s.%s", a->rows[i].number, formats[f]);
			if (wait_for(a, hall_save_invoice(a->world->hall, a->grant, &a->rows[i], formats[f], folder, name, false, NULL, on_saved, a)))
				continue;
			line_error(&a->err);
			status = a->err.code == ERR_FILE_EXISTS ? status : EXIT_FAILED;
		}
	return status;
}

int command_invoices(struct world *world, const struct options *options)
{
	struct asking asking = { .world = world };
	int status = EXIT_DONE;
	if (!query(&asking, options)) {
		line_error(&asking.err);
		status = asking.err.code == ERR_INVOICE_NO_MATCH ? EXIT_REFUSED : EXIT_FAILED;
	} else if (options->json) {
		status = list_json(&asking);
	} else {
		list_text(&asking);
	}
	if (status == EXIT_DONE && options->save != NULL)
		status = save(&asking, options);
	free(asking.rows);
	return status;
}
