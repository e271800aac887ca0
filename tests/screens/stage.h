/* A stage for the pages: the doors they stand on, played by actors that always do the same at the same moment, so that every
 * page and phase can be shown, compared and shaken without services. The journey tests use the real doors. */
#ifndef TESTS_SCREENS_STAGE_H
#define TESTS_SCREENS_STAGE_H

#include <certhall/doctor.h>
#include <certhall/renewal.h>

enum { STAGE_NOW = 1772416800, STAGE_DAY = 86400 }; /* 2026-03-02 10:00 in China */

/* The scenario of the command line: words after the program's name. */
bool stage_has(const char *word);

/* A question to the hall's actor. */
struct hall_call {
	hall_fn *done;
	hall_progress_fn *progress;
	void *ctx;
	int64_t got, total;
	size_t from;                /* of a page of invoices */
};

/* Calls fn(ctx) from the loop, after what is under way; the same ctx may be called off. */
void stage_later(void (*fn)(void *ctx), void *ctx);
void stage_forget(void *ctx);
extern bool stage_signed_in;
void stage_open(struct loop *loop);
void stage_close(void);

#endif
