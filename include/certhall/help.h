/* The help centre's content: questions and process pages in Markdown files, looked up and searched. Staff change the files;
 * `certhall help check` says what is wrong with them (docs/help.md); the hall serves them as a bundle. No network, no curses.
 */
#ifndef CERTHALL_HELP_H
#define CERTHALL_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <certhall/error.h>
#include <certhall/model.h>

enum help_category { HELP_PROCESS, HELP_CERT, HELP_DRIVER, HELP_COMPONENT, HELP_OTHER, HELP_CATEGORIES };
extern const char *const help_languages[];      /* the folders' names: "zh_CN", "en", NULL */
extern const char *const help_category_names[]; /* the files' names: "process", "cert" ... */

/* One question or page. Texts are sanitised. */
struct help_entry {
	char id[16];               /* "C01" */
	enum help_category category;
	char *title;
	char *keywords;            /* separated by spaces, may be empty */
	char *errors;              /* names of error_codes.h it answers, separated by spaces */
	char *pages;               /* names of pages it fits, separated by spaces */
	char *body;                /* paragraphs; the marks of Markdown taken out */
	int line;                  /* in its file */
};

struct help;

/* What the texts name as {name} and the hall's configuration says. */
struct help_values {
	char before[64], after[64];    /* "1 month", "1 year" */
	char pay_ttl[64], invoice_days[64], hotline[96], pinmax[64], drift[64];
};

/* Reads folder/language/CATEGORY.md of every category; what is wrong with a file is told to complain (may be NULL) and passed over.
 * values: NULL leaves {names} as they are. ERR_FILE when there is nothing to read. */
typedef void help_complain_fn(void *ctx, const char *file, int line, const char *what);
int help_open(const char *folder, const char *language, const struct help_values *values, help_complain_fn *complain, void *ctx,
	struct help **out, struct error *err) CH_MUST_CHECK;
/* The same of the agents' canned answers, folder/language/answers.md, which customers never get. */
int help_open_answers(const char *folder, const char *language, const struct help_values *values, help_complain_fn *complain, void *ctx,
	struct help **out, struct error *err) CH_MUST_CHECK;
struct help *help_hold(struct help *help); /* the same, for one more holder */
void help_free(struct help **help);        /* gone with its last holder */

size_t help_count(const struct help *help);
const struct help_entry *help_at(const struct help *help, size_t index);
/* The first that answers an error, fits a page, or has that id; NULL: none. */
const struct help_entry *help_for_error(const struct help *help, enum error_code code);
const struct help_entry *help_for_page(const struct help *help, const char *page);
const struct help_entry *help_by_id(const struct help *help, const char *id);

/* What is wrong with a folder's content: each language by itself, the two against each other, errors that nothing answers. ERR_FILE when
 * there is nothing to read. questions: how many there are. */
int help_check(const char *folder, help_complain_fn *complain, void *ctx, size_t *questions, struct error *err) CH_MUST_CHECK;

/* The same of the canned answers. answers: how many there are. */
int help_check_answers(const char *folder, help_complain_fn *complain, void *ctx, size_t *answers, struct error *err) CH_MUST_CHECK;

/* ---- the bundle of one language, as the hall serves it ---- */

/* Of a folder, with its version; issued is the caller's to fill in. ERR_CONFIG when something was to complain of: that is not served.
 * Release with codec_free(help_bundle_codec). */
int help_bundle_read(const char *folder, const char *language, help_complain_fn *complain, void *ctx, struct help_bundle *out,
	struct error *err) CH_MUST_CHECK;
/* As help_open. */
int help_open_bundle(const struct help_bundle *bundle, const struct help_values *values, struct help **out, struct error *err) CH_MUST_CHECK;

/* The bundle that is kept on this machine (data folder, "help/LANGUAGE.json"), its signature checked by the certificate in the file
 * signer as of its issue. Whatever is not in order counts as none: ERR_NOT_FOUND. */
int help_kept_read(const char *language, const char *signer, struct help_bundle *out, struct error *err) CH_MUST_CHECK;
/* Keeps what the hall sent, whose signature was checked at now. Refused (ERR_NET_PROTOCOL): another language, nothing that can be
 * opened, from the future, or older than what is kept. */
int help_keep(const struct signed_manifest *manifest, const char *language, const char *signer, int64_t now, struct error *err) CH_MUST_CHECK;

/* ---- search ---- */

struct help_hit {
	size_t index;
	int score;
	size_t mark_at, mark_len;  /* of the title, in bytes: what to mark; len 0: found elsewhere */
};
/* Every word of the query must be found: as text (in any case and width) in title, keywords or body, or as pinyin initials of the
 * title or keywords ("zsgx": 证书更新). Best first; gives how many of at most max. */
size_t help_search(const struct help *help, const char *query, struct help_hit *hits, size_t max);

/* Where the letters are the pinyin initials of consecutive characters of text (letters and digits of text stand for themselves):
 * true with the span in bytes. */
bool pinyin_find(const char *text, const char *letters, size_t *at, size_t *len);

#endif
