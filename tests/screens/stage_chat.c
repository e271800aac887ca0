/* The customer's side on the stage: who is on duty, and an agent who does what is said to him ("close", "types", "lose", "many",
 * "question", "transfer"; "away": waits until something else is shown) and answers anything else. */
#include "stage_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/screen.h>
#include <certhall/signin.h>

enum { MANY = 24 };

static const char agent[] = "测试一号", other[] = "测试二号";

/* One conversation at a time, as in the program. */
static struct {
	talk_fn *changed;
	void *ctx;
	struct talk *talk;
	size_t answered;  /* messages that have been looked at */
	struct conversation_request request;
} chat;

/* ---- who is on duty ---- */

static void give_service(void *ctx)
{
	struct hall_call *call = ctx;
	static const struct chat_service full = { .time = STAGE_NOW, .waiting = 2, .answer_seconds = 15, .agents_count = 5, .agents = {
		{ "a1", "测试一号", ROLE_AGENT, AGENT_ONLINE, 1, 3 }, { "a2", "测试二号", ROLE_AGENT, AGENT_BUSY, 3, 3 },
		{ "a3", "测试三号（样票）", ROLE_AGENT, AGENT_AWAY, 0, 3 }, { "a4", "测试四号", ROLE_AGENT, AGENT_OFFLINE, 0, 3 },
		{ "s1", "测试主管", ROLE_SUPERVISOR, AGENT_ONLINE, 0, 0 } } };
	struct chat_service service = full;
	struct error err;
	error_set(&err, ERR_NET_CONNECT, NULL, "stage");
	if (stage_has("nobody"))
		service.agents_count = 0, service.waiting = 0;
	call->done(call->ctx, stage_has("hall-down") ? &err : NULL, stage_has("hall-down") ? NULL : &service);
	free(call);
}

struct hall_call *hall_get_service(struct hall *hall, hall_fn *done, void *ctx)
{
	struct hall_call *call = calloc(1, sizeof *call);
	(void)hall;
	*call = (struct hall_call){ .done = done, .ctx = ctx };
	stage_later(give_service, call);
	return call;
}

/* ---- signing in: with the PIN 12345678 ---- */

bool stage_signed_in;

struct signin {
	signin_fn *done;
	void *ctx;
	bool right;
};

static void on_signin(void *ctx)
{
	struct signin *signin = ctx;
	struct error err;
	error_set(&err, ERR_PIN_INCORRECT, NULL, "stage");
	stage_signed_in = signin->right;
	signin->done(signin->ctx, signin->right ? NULL : &err);
	free(signin);
}

struct signin *signin_start(const struct world *world, const struct keyed_cert *cert, struct secret *pin, signin_fn *done, void *ctx)
{
	struct signin *signin = malloc(sizeof *signin);
	(void)world, (void)cert;
	*signin = (struct signin){ done, ctx, pin->text != NULL && strcmp(pin->text, "12345678") == 0 };
	secret_free(pin);
	stage_later(on_signin, signin);
	return signin;
}

void signin_cancel(struct signin **signin)
{
	if (*signin != NULL)
		stage_forget(*signin);
	free(*signin);
	*signin = NULL;
}

/* ---- the agent ---- */

static void hears(int kind, const char *author, const char *body)
{
	size_t shown = chat.talk->shown;
	stage_talk_add(chat.talk, kind, author, 0, body);
	chat.talk->shown = shown;
}

static void many(void)
{
	char text[64];
	for (int i = 1; i <= MANY; i++) {
		snprintf(text, sizeof text, "第 %d 步：测试，样票。Step %d of the test.", i, i);
		hears(MESSAGE_TEXT, agent, text);
	}
}

static void end(const char *author)
{
	hears(MESSAGE_CLOSED, author, "");
	chat.talk->state.state = CONVERSATION_CLOSED;
}

static void answer_when_away(void *ctx)
{
	if (strcmp(screen_ops_of(screen_top())->name, "chat") == 0) {
		stage_later(answer_when_away, ctx);
		return;
	}
	hears(MESSAGE_TEXT, agent, "您还在吗？");
	chat.changed(chat.ctx);
}

static void answer(const char *said)
{
	if (strcmp(said, "close") == 0)
		end(agent);
	else if (strcmp(said, "away") == 0)
		stage_later(answer_when_away, chat.talk);
	else if (strcmp(said, "types") == 0)
		chat.talk->types = true;
	else if (strcmp(said, "lose") == 0)
		chat.talk->lost = true;
	else if (strcmp(said, "many") == 0)
		many();
	else if (strcmp(said, "question") == 0)
		hears(MESSAGE_QUESTION, agent, "Q21 在线客服怎么用？");
	else if (strcmp(said, "transfer") == 0) {
		hears(MESSAGE_TRANSFERRED, agent, "");
		hears(MESSAGE_NOTE, agent, "");
		hears(MESSAGE_JOINED, other, "");
		snprintf(chat.talk->state.agent_name, sizeof chat.talk->state.agent_name, "%s", other);
	} else {
		hears(MESSAGE_TEXT, agent, "好的，请稍等。");
	}
}

static void on_change(void *ctx)
{
	(void)ctx;
	size_t count = chat.talk->count;
	for (; chat.answered < count; chat.answered++) {
		const struct message *m = chat.talk->messages[chat.answered];
		if (m->seq == 0)
			break;
		if (m->side == SIDE_CUSTOMER && chat.talk->state.state == CONVERSATION_TALKING) {
			chat.talk->types = false;
			answer(m->body);
		}
	}
	chat.changed(chat.ctx);
}

/* ---- beginning and end ---- */

static void on_begun(void *ctx)
{
	struct conversation *state = &chat.talk->state;
	(void)ctx;
	if (stage_has("hall-down")) {
		error_set(&chat.talk->error, ERR_NET_CONNECT, NULL, "stage");
	} else if (stage_has("gone") && chat.request.callback[0] == '\0') { /* the last one on duty has just left */
		error_set(&chat.talk->error, ERR_CHAT_NOBODY, NULL, "stage");
	} else {
		snprintf(state->id, sizeof state->id, "%s", "1f");
		if (chat.request.callback[0] != '\0') {
			state->state = CONVERSATION_LEFT;
		} else if (stage_has("queue")) {
			state->position = 2;
		} else {
			state->state = CONVERSATION_TALKING;
			snprintf(state->agent_name, sizeof state->agent_name, "%s", agent);
			hears(MESSAGE_JOINED, agent, "");
			hears(MESSAGE_TEXT, agent, "您好，我是测试一号，请问有什么可以帮您？更新证书时请不要把 PIN 告诉任何人，也不要写在这里。");
		}
	}
	chat.changed(chat.ctx);
}

int talk_begin(struct hall *hall, struct loop *loop, const struct conversation_request *request, talk_fn *changed, void *ctx, struct talk **out)
{
	const struct conversation state = { .state = CONVERSATION_WAITING, .created = STAGE_NOW, .since = STAGE_NOW - (stage_has("queue") ? 150 : 0), .on_duty = 2 };
	(void)hall, (void)loop;
	chat.changed = changed;
	chat.ctx = ctx;
	chat.request = *request;
	chat.answered = 0;
	*out = chat.talk = stage_talk_new(SIDE_CUSTOMER, &state, on_change, NULL);
	stage_later(on_begun, *out);
	return 0;
}

void talk_free(struct talk **talk)
{
	stage_talk_free(talk);
}

bool talk_connected(const struct talk *talk)
{
	return !talk->lost;
}

void talk_leave(struct talk *talk, const char *callback, const char *text)
{
	(void)callback, (void)text;
	talk->state.state = CONVERSATION_LEFT;
	chat.changed(chat.ctx);
}

bool talk_act_failed(struct talk *talk)
{
	(void)talk;
	return false;
}

bool talk_is_ending(const struct talk *talk)
{
	(void)talk;
	return false;
}

void talk_close(struct talk *talk, int rating)
{
	if (talk->state.state != CONVERSATION_CLOSED)
		end("");
	talk->state.rating = rating;
	chat.changed(chat.ctx);
}
