#include "token/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "token/wire.h"

enum { SLICE_MS = 20 };

static int open_log(const char *log)
{
	int fd = log != NULL ? open(log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	return fd >= 0 ? fd : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static int spawn(const char *program, char *const argv[], int theirs, int log, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipe_only;
	sigemptyset(&none);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	int rc = posix_spawn_file_actions_init(&actions);
	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return rc;
	}
	/* theirs and log stand above WIRE_FD: see process_start */
	if ((rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) == 0 &&
			(rc = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)) == 0 &&
			(rc = posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO)) == 0 &&
			(rc = posix_spawn_file_actions_adddup2(&actions, theirs, WIRE_FD)) == 0 &&
			(rc = posix_spawn_file_actions_addclosefrom_np(&actions, WIRE_FD + 1)) == 0 &&
			(rc = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
			(rc = posix_spawnattr_setsigdefault(&attributes, &pipe_only)) == 0 &&
			(rc = posix_spawnattr_setflags(&attributes,
				POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) == 0)
		rc = posix_spawn(pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

int process_start(const char *program, const char *const args[2], const char *log, struct process *out, struct error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(err, ERR_TOKEN_HELPER, NULL, "socketpair: %s", strerror(errno));
	int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, WIRE_FD + 1);
	int log_low = open_log(log), log_fd = fcntl(log_low, F_DUPFD_CLOEXEC, WIRE_FD + 1);
	char *argv[] = { (char *)program, (char *)args[0], (char *)args[1], NULL };
	pid_t pid = -1;
	int rc = theirs < 0 || log_fd < 0 ? errno : spawn(program, argv, theirs, log_fd, &pid);
	close(pair[1]);
	if (theirs >= 0)
		close(theirs);
	if (log_low >= 0)
		close(log_low);
	if (log_fd >= 0)
		close(log_fd);
	if (rc == 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0) {
		*out = (struct process){ .pid = pid, .fd = pair[0] };
		return 0;
	}
	close(pair[0]);
	return error_set(err, ERR_TOKEN_HELPER, NULL, "start %s: %s", program, strerror(rc != 0 ? rc : errno));
}

void process_kill(const struct process *process)
{
	kill(process->pid, SIGKILL);
}

void process_reap(struct process *process)
{
	int status;
	close(process->fd);
	process->fd = -1;
	while (waitpid(process->pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (WIFSIGNALED(status))
		log_line(LOG_LEVEL_WARN, "token", "helper ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_line(LOG_LEVEL_WARN, "token", "helper ended with status %d", WEXITSTATUS(status));
}

/* The socket says it at once; when a child of the module still holds it, the process itself does. */
int process_wait_end(const struct process *process, int ms)
{
	char drop[4096];
	int64_t end = clock_monotonic_ms() + ms;
	for (;;) {
		siginfo_t info = { 0 };
		ssize_t n = recv(process->fd, drop, sizeof drop, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
		if (n > 0)
			continue;
		if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0)
			return 0;
		int64_t left = end - clock_monotonic_ms();
		if (left <= 0)
			return -1;
		struct pollfd wait = { .fd = process->fd, .events = POLLIN };
		poll(&wait, 1, left < SLICE_MS ? (int)left : SLICE_MS);
	}
}
