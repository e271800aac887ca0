/* The pages of the hall: opens the terminal and runs the full-screen program. */
#ifndef CERTHALL_SCREENS_H
#define CERTHALL_SCREENS_H

#include <stdbool.h>

#include <certhall/error.h>
#include <certhall/loop.h>
#include <certhall/settings.h>

struct screens_options {
	const char *theme; /* over the settings' one; NULL: the settings' */
	int ambiguous;     /* likewise, columns of an ambiguous character; 0: the settings' */
	bool desk;         /* the agents' desk instead of the home page */
};

/* Takes the terminal, shows the home page and runs loop until the person leaves; the terminal is given back on every way
 * out. The hall, the key and the certificate authority's file are first touched after the first paint. settings is
 * written to when a component is installed. 0, or what term_open fails with. */
int screens_run(struct loop *loop, struct settings *settings, const struct screens_options *options, struct error *err) CH_MUST_CHECK;

#endif
