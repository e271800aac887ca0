/* Named places where a test takes hold of a program. In an ordinary build there are none.
 *
 * Built with --enable-faults and started with CERTHALL_FAULTS=PATH, a program that comes to such a place connects to the Unix
 * socket at PATH, says "PID PROGRAM PLACE\n" and waits for the answer: meanwhile the test kills it or another program, pulls
 * the key, stops the hall. "fail\n" has it go on as if what the place stands for had failed; anything else, as if nothing
 * had been there.
 */
#ifndef CERTHALL_FAULT_H
#define CERTHALL_FAULT_H

#include <stdbool.h>

#ifdef CERTHALL_FAULTS
/* The place's name is first, and then second after a space unless it is NULL. True: to fail. */
bool fault_point(const char *first, const char *second);
#else
static inline bool fault_point(const char *first, const char *second)
{
	(void)first, (void)second;
	return false;
}
#endif

#endif
