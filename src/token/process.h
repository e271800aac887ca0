/* The helper's process, seen from certhall. */
#ifndef CERTHALL_TOKEN_PROCESS_H
#define CERTHALL_TOKEN_PROCESS_H

#include <sys/types.h>

#include <certhall/error.h>

struct process {
	struct process *next;
	pid_t pid;
	int fd; /* our end of the socketpair, non-blocking; its end of file says that the process is gone */
};

/* Starts program with up to two arguments (NULL: none), the socketpair as descriptor 3, its standard error in log
 * (NULL: /dev/null), in a session of its own so that no key of the terminal ends it in the middle of a write. */
int process_start(const char *program, const char *const args[2], const char *log, struct process *out,
	struct error *err) CH_MUST_CHECK;
void process_kill(const struct process *process);
/* Takes the exit status of a process that is gone or about to be, and closes the descriptor. */
void process_reap(struct process *process);
/* Waits at most ms for its end: 0, or -1 when it still runs. */
int process_wait_end(const struct process *process, int ms);

#endif
