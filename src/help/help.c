#include "help/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>
#include <certhall/file.h>
#include <certhall/text.h>

enum { LINE_MAX_BYTES = 2048, ENTRIES_MAX = 10000 };

const char *const help_languages[] = { "zh_CN", "en", NULL };
const char *const help_category_names[] = { "process", "cert", "driver", "component", "other", NULL };

struct reader {
	struct help *help;
	const struct help_values *values;
	help_complain_fn *complain;
	void *ctx;
	const char *file;
	int line;
	enum help_category category;
	struct help_entry *entry;  /* being read */
	bool in_head;
	struct bytes body;
	int code;
};

static void complain(const struct reader *r, int line, const char *what)
{
	if (r->complain != NULL)
		r->complain(r->ctx, r->file, line, what);
}

/* ---- values ---- */

static const char *value_of(const struct help_values *values, const char *name, size_t len)
{
	const struct {
		const char *name, *value;
	} all[] = { { "before", values->before }, { "after", values->after }, { "pay_ttl", values->pay_ttl }, { "invoice_days", values->invoice_days },
		{ "hotline", values->hotline }, { "pinmax", values->pinmax }, { "drift", values->drift } };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strlen(all[i].name) == len && memcmp(all[i].name, name, len) == 0)
			return all[i].value;
	return NULL;
}

/* Chinese stands off from a number, not from Chinese: where the value is words the space before it goes. */
static void close_up(struct bytes *out, const char *value)
{
	if (out->len >= 2 && out->data[out->len - 1] == ' ' && out->data[out->len - 2] >= 0x80 && (unsigned char)*value >= 0x80)
		out->len--;
}

/* {name} becomes its value; ** and ` are taken out. */
static void put_text(struct reader *r, struct bytes *out, const char *text)
{
	static const struct help_values none;
	for (size_t n; *text != '\0' && r->code == 0; text += n) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;
		n = 1;
		if (end != NULL) {
			const char *value = value_of(r->values != NULL ? r->values : &none, text + 1, (size_t)(end - text - 1));
			if (value == NULL)
				complain(r, r->line, "no such value in { }");
			n = value != NULL && r->values != NULL ? (size_t)(end - text + 1) : 1;
			if (n > 1)
				close_up(out, value);
			r->code = value != NULL && r->values != NULL ? bytes_append(out, value, strlen(value)) : bytes_append(out, text, 1);
		} else if (strncmp(text, "**", 2) == 0) {
			n = 2;
		} else if (*text != '`') {
			r->code = bytes_append(out, text, 1);
		}
	}
}

/* ---- entries ---- */

static char *copy(struct reader *r, const char *text)
{
	struct bytes out = { 0 };
	put_text(r, &out, text);
	if (r->code == 0)
		r->code = bytes_append(&out, "", 1);
	return (char *)out.data;
}

static void finish_entry(struct reader *r)
{
	struct help_entry *e = r->entry;
	if (e == NULL)
		return;
	while (r->body.len > 0 && r->body.data[r->body.len - 1] == '\n')
		r->body.len--;
	if (r->code == 0)
		r->code = bytes_append(&r->body, "", 1);
	e->body = (char *)r->body.data;
	r->body = (struct bytes){ 0 };
	if (r->code == 0 && *e->body == '\0')
		complain(r, e->line, "an entry without an answer");
	if (e->keywords == NULL)
		e->keywords = copy(r, "");
	if (e->errors == NULL)
		e->errors = copy(r, "");
	if (e->pages == NULL)
		e->pages = copy(r, "");
	r->entry = NULL;
}

static void begin_entry(struct reader *r, const char *rest)
{
	struct help *help = r->help;
	size_t id = strcspn(rest, " ");
	finish_entry(r);
	if (id == 0 || id >= sizeof help->entries->id || rest[id] == '\0') {
		complain(r, r->line, "a heading is \"## ID question\"");
		return;
	}
	struct help_entry *more = help->count < ENTRIES_MAX ? reallocarray(help->entries, help->count + 1, sizeof *more) : NULL;
	if (more == NULL) {
		r->code = ERR_NO_MEMORY;
		return;
	}
	help->entries = more;
	r->entry = &more[help->count++];
	*r->entry = (struct help_entry){ .category = r->category, .line = r->line };
	memcpy(r->entry->id, rest, id);
	for (size_t i = 0; r->complain != NULL && i + 1 < help->count; i++)
		if (strcmp(help->entries[i].id, r->entry->id) == 0)
			complain(r, r->line, "this id is used already");
	r->entry->title = copy(r, rest + id + 1);
	r->in_head = true;
}

static void take_head(struct reader *r, const char *text)
{
	const struct {
		const char *name;
		char **to;
	} rows[] = { { "keywords:", &r->entry->keywords }, { "errors:", &r->entry->errors }, { "pages:", &r->entry->pages } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(text, rows[i].name, strlen(rows[i].name)) == 0) {
			const char *value = text + strlen(rows[i].name);
			if (*rows[i].to == NULL)
				*rows[i].to = copy(r, value + strspn(value, " "));
			else
				complain(r, r->line, "said twice");
			return;
		}
	complain(r, r->line, "after a heading only keywords:, errors: and pages: are known; then an empty line");
}

static void check_text(const struct reader *r, const char *text)
{
	static const char *const ambiguous[] = { "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x98", "\xe2\x80\x99", "\xe2\x80\x94", "\xe2\x80\xa6", "\xe2\x86\x92", "\xe2\x9c\x93" };
	for (size_t i = 0; i < sizeof ambiguous / sizeof *ambiguous; i++)
		if (strstr(text, ambiguous[i]) != NULL) {
			complain(r, r->line, "a character whose width differs between terminals (quotes, dash, ellipsis, arrow, tick)");
			return;
		}
	if (*text == '#' || *text == '|' || *text == '<' || strncmp(text, "![", 2) == 0)
		complain(r, r->line, "Markdown that is not known here (headings in the text, tables, HTML, pictures)");
}

static void take_line(struct reader *r, const char *text)
{
	if (strncmp(text, "## ", 3) == 0) {
		begin_entry(r, text + 3);
	} else if (r->entry == NULL) {
		if (*text != '\0' && strncmp(text, "# ", 2) != 0)
			complain(r, r->line, "text before the first question");
	} else if (r->in_head && *text == '\0') {
		r->in_head = false;
	} else if (r->in_head) {
		take_head(r, text);
	} else if (r->code == 0 && (r->body.len > 0 || *text != '\0')) {
		check_text(r, text);
		put_text(r, &r->body, text);
		if (r->code == 0)
			r->code = bytes_append(&r->body, "\n", 1);
	}
}

/* text is used up. */
static void read_text(struct reader *r, char *text)
{
	char line[LINE_MAX_BYTES], *rest = text, *raw;
	r->line = 0;
	while (rest != NULL && r->code == 0 && (raw = strsep(&rest, "\n")) != NULL) {
		r->line++;
		if (strlen(raw) >= sizeof line)
			complain(r, r->line, "too long a line");
		text_sanitize(raw, line, sizeof line, false);
		size_t len = strlen(line);
		while (len > 0 && line[len - 1] == ' ')
			line[--len] = '\0';
		take_line(r, line);
	}
	finish_entry(r);
}

static char *folded(const char *text, int *code)
{
	size_t size = strlen(text) * 3 + 1; /* a character grows by NFKC, though hardly ever */
	char *out = malloc(size);
	if (out == NULL)
		*code = ERR_NO_MEMORY;
	else
		help_fold(text, out, size);
	return out;
}

static int fold_all(struct help *help)
{
	int code = 0;
	help->folded = calloc(help->count + 1, sizeof *help->folded);
	if (help->folded == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < help->count && code == 0; i++)
		help->folded[i] = (struct folded){ folded(help->entries[i].title, &code), folded(help->entries[i].keywords, &code),
			folded(help->entries[i].body, &code) };
	return code;
}

/* One category's text, NUL-terminated. file: what it is called in complaints. */
static int load(const struct help_source *from, const char *category, char *file, size_t size, struct bytes *out)
{
	if (from->bundle == NULL) {
		snprintf(file, size, "%s/%s/%s.md", from->folder, from->language, category);
		return file_read(file, MODEL_HELP_TEXT - 1, out, NULL);
	}
	char name[sizeof from->bundle->files->name];
	snprintf(name, sizeof name, "%s.md", category);
	snprintf(file, size, "%s/%s", from->language, name);
	for (size_t i = 0; i < from->bundle->files_count; i++)
		if (strcmp(from->bundle->files[i].name, name) == 0)
			return bytes_set(out, from->bundle->files[i].text, strlen(from->bundle->files[i].text));
	return ERR_NOT_FOUND;
}

int help_open_source(const struct help_source *from, const struct help_values *values, help_complain_fn *complain_to, void *ctx,
	struct help **out, struct error *err)
{
	struct reader r = { .help = calloc(1, sizeof *r.help), .values = values, .complain = complain_to, .ctx = ctx };
	char file[FILE_PATH_MAX];
	const char *const *names = from->names != NULL ? from->names : help_category_names;
	int missing = 0, files = 0;
	*out = NULL;
	if (r.help == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "help");
	r.help->holders = 1;
	for (; names[files] != NULL && r.code == 0; files++) {
		struct bytes text = { 0 };
		r.file = file;
		r.category = from->names != NULL ? HELP_OTHER : (enum help_category)files;
		if (load(from, names[files], file, sizeof file, &text) == 0) {
			read_text(&r, (char *)text.data);
		} else {
			missing++;
			complain(&r, 0, "cannot be read");
		}
		bytes_free(&text);
	}
	if (r.code == 0)
		r.code = fold_all(r.help);
	bytes_free(&r.body);
	*out = r.help;
	if (r.code == 0 && missing < files)
		return 0;
	help_free(out);
	return error_set(err, r.code != 0 ? ERR_NO_MEMORY : ERR_FILE, from->folder, "help content");
}

int help_open(const char *folder, const char *language, const struct help_values *values, help_complain_fn *complain_to, void *ctx,
	struct help **out, struct error *err)
{
	const struct help_source from = { .folder = folder, .language = language };
	return help_open_source(&from, values, complain_to, ctx, out, err);
}

int help_open_answers(const char *folder, const char *language, const struct help_values *values, help_complain_fn *complain_to, void *ctx,
	struct help **out, struct error *err)
{
	static const char *const names[] = { "answers", NULL };
	const struct help_source from = { .folder = folder, .language = language, .names = names };
	return help_open_source(&from, values, complain_to, ctx, out, err);
}

struct help *help_hold(struct help *help)
{
	help->holders++;
	return help;
}

void help_free(struct help **help_ref)
{
	struct help *help = *help_ref;
	*help_ref = NULL;
	if (help == NULL || --help->holders > 0)
		return;
	for (size_t i = 0; i < help->count; i++) {
		struct help_entry *e = &help->entries[i];
		free(e->title);
		free(e->keywords);
		free(e->errors);
		free(e->pages);
		free(e->body);
		if (help->folded != NULL) {
			free(help->folded[i].title);
			free(help->folded[i].keywords);
			free(help->folded[i].body);
		}
	}
	free(help->entries);
	free(help->folded);
	free(help);
}

/* ---- looking up ---- */

size_t help_count(const struct help *help)
{
	return help->count;
}

const struct help_entry *help_at(const struct help *help, size_t index)
{
	return index < help->count ? &help->entries[index] : NULL;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

const struct help_entry *help_for_error(const struct help *help, enum error_code code)
{
	for (size_t i = 0; i < help->count; i++)
		if (has_word(help->entries[i].errors, error_name(code)))
			return &help->entries[i];
	return NULL;
}

const struct help_entry *help_for_page(const struct help *help, const char *page)
{
	for (size_t i = 0; i < help->count; i++)
		if (has_word(help->entries[i].pages, page))
			return &help->entries[i];
	return NULL;
}

const struct help_entry *help_by_id(const struct help *help, const char *id)
{
	for (size_t i = 0; i < help->count; i++)
		if (strcmp(help->entries[i].id, id) == 0)
			return &help->entries[i];
	return NULL;
}
