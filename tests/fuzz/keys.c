/* What comes from the keyboard: bytes become keys, keys fill a form's fields and a PIN's. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "term/internal.h"

enum { PIN_MAX = 33 };

static struct form *form;
static struct edit pin;

static enum field_verdict odd(const char *value, char *say, size_t size)
{
	snprintf(say, size, "%s", "odd");
	return strlen(value) % 2 == 0 ? FIELD_GOOD : FIELD_CONFIRM;
}

static const char *const choices[] = { "one", "two", NULL };
static const struct field fields[] = {
	{ .id = 1, .kind = FIELD_TEXT, .label = "text", .required = true, .max = 40, .validate = odd },
	{ .id = 2, .kind = FIELD_TEXT, .label = "number", .max = 12, .narrow = true },
	{ .id = 3, .kind = FIELD_CHOICE, .label = "choice", .choices = choices },
	{ .id = 4, .kind = FIELD_CHECK, .label = "check" },
};

static void holds(const char *value, size_t max)
{
	HOLDS(strlen(value) < max && u8_check((const uint8_t *)value, strlen(value)) == NULL);
}

static void on_key(const struct key *key)
{
	HOLDS(strlen(key->text) < sizeof key->text);
	edit_key(&pin, key);
	holds(pin.text, PIN_MAX);
	HOLDS(pin.at <= strlen(pin.text));
	form_key(form, key);
	holds(form_value(form, 1), 40);
	holds(form_value(form, 2), 12);
	HOLDS(form_choice(form, 3) >= 0 && form_choice(form, 3) < 2);
}

static void on_report(int row, int column)
{
	(void)row, (void)column;
}

static char *no_keys(const char *name)
{
	(void)name;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoder decoder = { 0 };
	if (size == 0 || size > 4096)
		return 0;
	HOLDS(form_new(fields, sizeof fields / sizeof *fields, NULL, &form) == 0 && edit_init(&pin, PIN_MAX) == 0);
	decoder_init(&decoder, no_keys);
	decoder.key = on_key;
	decoder.report = on_report;
	for (size_t at = 0, piece = 1 + data[0] % 9; at < size; at += piece)
		(void)decoder_feed(&decoder, (const char *)data + at, size - at < piece ? size - at : piece);
	decoder_flush(&decoder);
	(void)form_submit(form);
	form_free(&form);
	edit_free(&pin);
	return 0;
}
