/* The end of a conversation, and what is kept of it. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/file.h>
#include <certhall/path.h>

#include "save.h"

static void on_end(void *ctx, int choice)
{
	struct app *app = ctx;
	if (choice != 1 || !chat_under_way(&app->chat))
		return;
	talk_close(app->chat.talk, 0);
	if (talk_is_ending(app->chat.talk) && app->chat.page != NULL)
		screen_notice(app->chat.page, STYLE_NORMAL, _("It ends as soon as your messages have arrived."));
}

void chat_ask_end(struct app *app)
{
	const char *choices[] = { _("Go on"), _("End it") };
	dialog_choose(_("End the conversation?"), _("What was said can still be saved, and the service rated."), choices, 2, on_end, app);
}

/* ---- the transcript ---- */

static void ask_path(struct app *app, const char *initial);

/* The folder of a path that was typed is not made, the download folder is. */
static int write_file(const struct app *app, const char *path, struct error *err)
{
	char folder[FILE_PATH_MAX];
	save_folder(app, "certhall-chats", folder, sizeof folder);
	size_t len = strlen(folder);
	int code = strncmp(path, folder, len) == 0 && path[len] == '/' ? file_make_folder(folder, err) : 0;
	char *text = code == 0 ? talk_transcript(app->chat.talk) : NULL;
	if (code == 0)
		code = text == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "transcript") : file_create(path, text, strlen(text), err);
	free(text);
	return code;
}

static void on_path(void *ctx, const char *typed)
{
	struct app *app = ctx;
	char path[FILE_PATH_MAX], say[FILE_PATH_MAX + 64];
	struct error err = { 0 };
	if (typed == NULL || *typed == '\0' || app->chat.talk == NULL)
		return;
	path_expand(typed, path, sizeof path);
	if (write_file(app, path, &err) != 0) {
		ask_path(app, path);
		dialog_error(&err);
		return;
	}
	snprintf(say, sizeof say, _("The conversation was saved as %s."), path);
	if (app->chat.page != NULL)
		screen_notice(app->chat.page, STYLE_OK, say);
}

static void ask_path(struct app *app, const char *initial)
{
	dialog_path(_("Save conversation"), _("The file to save the conversation as (one that does not exist yet); Tab completes:"), initial, on_path, app);
}

/* certhall-chat-20260302-1005.txt */
void chat_save(struct app *app)
{
	char folder[FILE_PATH_MAX - 80], path[FILE_PATH_MAX], when[24], name[24], *to = name;
	if (app->settings->kiosk) {
		dialog_message(STYLE_WARN, _("Save conversation"), _("This terminal is for everybody: conversations are not saved here."));
		return;
	}
	save_folder(app, "certhall-chats", folder, sizeof folder);
	clock_date_time(talk_state(app->chat.talk)->created, when, sizeof when);
	for (const char *at = when; *at != '\0' && to < name + sizeof "20260302-1005" - 1; at++)
		if (*at != '-' && *at != ':')
			*to++ = *at == ' ' ? '-' : *at;
	*to = '\0';
	snprintf(path, sizeof path, "%s/certhall-chat-%s.txt", folder, name);
	ask_path(app, path);
}
