/* What a person agrees to before anything is paid: price, validity, and the note on encrypted files. */
#ifndef SCREENS_TERMS_H
#define SCREENS_TERMS_H

#include "app.h"

int terms_text(const struct app *app, char **text) CH_MUST_CHECK; /* malloc'd */
/* The end of the new certificate: the order's promise, the session's, or so many months from the day of issue. */
char *terms_new_end(const struct renewal *renewal, char *out, size_t size);

#endif
