/* A terminal anybody may stand at: what a person could bring along decides nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <certhall/confine.h>
#include <certhall/log.h>

#include "certhall/line.h"

/* None of these may name a file of the person's; HOME is the account's own, sshd and login set it. */
static const char *const kept[] = { "HOME", "TERM", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "COLORTERM", "NO_COLOR", "ESCDELAY" };
enum { KEPT = sizeof kept / sizeof *kept };

static void keep_environment(void)
{
	char *values[KEPT];
	for (size_t i = 0; i < KEPT; i++) {
		const char *value = getenv(kept[i]);
		bool harmless = value != NULL && (i == 0 || strchr(value, '/') == NULL);
		values[i] = harmless ? strdup(value) : NULL;
	}
	clearenv();
	setenv("PATH", "/usr/bin:/bin", 1);
	for (size_t i = 0; i < KEPT; i++) {
		if (values[i] != NULL)
			setenv(kept[i], values[i], 1);
		free(values[i]);
	}
}

void kiosk_begin(void)
{
	signal(SIGINT, SIG_IGN); /* before the terminal is ours its keys for these still work */
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	keep_environment();
}

int kiosk_confine(const struct settings *settings, struct error *err)
{
	if (confine_supported())
		return confine_programs(settings->helper[0] != '\0' ? settings->helper : PKGLIBEXECDIR "/certhall-token", err);
	log_line(LOG_LEVEL_WARN, "kiosk", "this kernel has no Landlock: were there a fault in this program or in the key's module, other programs could be started");
	return 0;
}
