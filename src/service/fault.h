/* Places where a test lets the process die, to prove that what comes after finds its way. Nothing in an ordinary build.
 * With -DCERTHALL_FAULTS, CERTHALL_CRASH=NAME[:N] in the environment kills at the N-th passing (first when not given). */
#ifndef SERVICE_FAULT_H
#define SERVICE_FAULT_H

#ifdef CERTHALL_FAULTS
void fault_point(const char *name);
#define CH_CRASH(name) fault_point(name)
#else
#define CH_CRASH(name) ((void)0)
#endif

#endif
