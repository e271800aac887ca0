/* Messages in the reader's language. N_ marks a text where _ cannot be called (tables). */
#ifndef CERTHALL_I18N_H
#define CERTHALL_I18N_H

#include <libintl.h>

#define _(text) gettext(text)
#ifndef N_
#define N_(text) text
#endif

/* A short word that is translated differently here than elsewhere: the context is not shown. */
#define NC_(context, text) context "\004" text
const char *i18n_in_context(const char *marked); /* the translation of an NC_ text */

/* Sets the locale and the message catalogue. lang: "zh_CN", "en", or NULL to go by the environment, in which
 * Chinese is taken when it says nothing. Falls back to C.UTF-8 when the locale named is not installed.
 * The catalogues are looked for in $CERTHALL_LOCALEDIR (for a program that is not installed), else where they are installed.
 * Returns 0, or -1 when the locale's encoding is neither UTF-8 nor GB18030/GBK (messages are then English). */
int i18n_init(const char *lang);

#endif
