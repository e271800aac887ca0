#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/screens.h>

enum { LATER_MAX = 32 };

static struct {
	struct loop *loop;
	char **words;
	struct later {
		struct loop_timer *timer;
		void (*fn)(void *ctx);
		void *ctx;
	} later[LATER_MAX];
} stage;

bool stage_has(const char *word)
{
	for (char **at = stage.words; *at != NULL; at++)
		if (strcmp(*at, word) == 0)
			return true;
	return false;
}

static void on_time(void *ctx)
{
	struct later *later = ctx;
	later->fn(later->ctx);
}

void stage_later(void (*fn)(void *ctx), void *ctx)
{
	for (size_t i = 0; i < LATER_MAX; i++) {
		struct later *later = &stage.later[i];
		if (later->timer != NULL)
			continue;
		later->fn = fn;
		later->ctx = ctx;
		if (loop_timer_start(stage.loop, &later->timer, 3, on_time, later) != 0)
			abort();
		return;
	}
	abort();
}

void stage_forget(void *ctx)
{
	for (size_t i = 0; i < LATER_MAX; i++)
		if (stage.later[i].ctx == ctx)
			loop_timer_cancel(stage.loop, &stage.later[i].timer);
}

int main(int argc, char **argv)
{
	struct settings settings = { .esc_delay_ms = 25 };
	if (getenv("STAGE_ANSWERS") != NULL)
		snprintf(settings.answers_folder, sizeof settings.answers_folder, "%s", getenv("STAGE_ANSWERS"));
	if (getenv("STAGE_HELP") != NULL)
		snprintf(settings.help_folder, sizeof settings.help_folder, "%s", getenv("STAGE_HELP"));
	struct screens_options options = { 0 };
	struct error err = { 0 };
	(void)argc;
	stage.words = argv + 1;
	options.desk = stage_has("desk");
	secret_init();
	if (i18n_init(NULL) != 0)
		return 3;
	if (getenv("STAGE_CATALOGUE") != NULL)
		bindtextdomain("certhall", getenv("STAGE_CATALOGUE"));
	if (!stage_has("no-module"))
		snprintf(settings.module, sizeof settings.module, "/usr/lib/example-pkcs11.so");
	settings.idle_s = stage_has("idle") ? 1 : 0;
	stage.loop = loop_new();
	if (stage.loop == NULL)
		return 3;
	int code = screens_run(stage.loop, &settings, &options, &err);
	char text[512];
	if (code != 0)
		fprintf(stderr, "%s\n", error_sentence(&err, text, sizeof text));
	loop_free(&stage.loop);
	return code != 0;
}
