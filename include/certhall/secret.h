/* A secret (PIN, session token): locked, wiped memory that is never logged, dumped or printed. */
#ifndef CERTHALL_SECRET_H
#define CERTHALL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <certhall/error.h>

#define SECRET_MAX 255

struct secret {
	char *text; /* NUL-terminated, in locked memory; NULL when there is none */
	size_t len;
};

/* Call once at the start of a program that handles secrets: locked memory, no core dumps, not traceable by
 * other processes of the same user. False: the system does not let memory be locked, and secrets may come into a swap page. */
bool secret_init(void);

int secret_set(struct secret *s, const char *text, size_t len) CH_MUST_CHECK; /* copies; ERR_NO_MEMORY, ERR_PIN_LENGTH */
void secret_move(struct secret *to, struct secret *from);                     /* to takes it over, from is left empty */
void secret_free(struct secret *s);                                           /* wipes; fine on an empty one */
void secret_wipe(void *p, size_t len);                                        /* for a buffer of the caller's */

#endif
