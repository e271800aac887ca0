/* Confinement by the kernel (Landlock): what holds even when somebody else's code has got to run in this process. */
#ifndef CERTHALL_CONFINE_H
#define CERTHALL_CONFINE_H

#include <stdbool.h>

#include <certhall/error.h>

/* Whether this kernel has it, and it is turned on. */
bool confine_supported(void);

/* From here on, for good, this process and all it starts execute no file but program (and the dynamic loader it needs), and read
 * nothing in the folders of programs (/bin, /usr/bin ...), so that the loader starts none of them either. For a process without
 * threads. ERR_CONFINE when the kernel does not do it, and when it has none of it. */
int confine_programs(const char *program, struct error *err) CH_MUST_CHECK;

#endif
