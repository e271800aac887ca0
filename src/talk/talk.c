#include "talk/internal.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/log.h>
#include <certhall/pki.h>
#include <certhall/text.h>

enum { REFUSED = -1 };

void talk_init(struct talk *talk, struct hall *hall, struct loop *loop, enum chat_side side, talk_fn *changed, void *ctx)
{
	*talk = (struct talk){ .hall = hall, .loop = loop, .side = side, .changed = changed, .ctx = ctx };
}

void talk_end(struct talk *talk)
{
	struct hall_call **calls[] = { &talk->sending, &talk->asking, &talk->marking, &talk->begin, &talk->follow, &talk->act };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		hall_cancel(calls[i]);
	loop_timer_cancel(talk->loop, &talk->again);
	loop_timer_cancel(talk->loop, &talk->typing_ends);
	for (size_t i = 0; i < talk->count; i++)
		free(talk->messages[i]);
	free(talk->messages);
	free(talk->request);
	secret_free(&talk->token);
}

const char *talk_token(const struct talk *talk)
{
	return talk->token.text;
}

/* ---- trying again ---- */

bool talk_may_help(enum error_code code)
{
	switch (code) {
	case ERR_NET_RESOLVE:
	case ERR_NET_CONNECT:
	case ERR_NET_TIMEOUT:
	case ERR_NET_PROTOCOL:
	case ERR_NET_OVERLOADED:
	case ERR_NET_TLS:
	case ERR_STORAGE:
	case ERR_NO_MEMORY:
	case ERR_UNEXPECTED:
	case ERR_RATE_LIMITED:
	case ERR_SESSION_NEEDED: /* till the agent has signed in again */
		return true;
	default:
		return false;
	}
}

static void try_again(void *ctx)
{
	struct talk *talk = ctx;
	talk_pump(talk);
	talk->changed(talk->ctx);
}

void talk_wait(struct talk *talk, loop_timer_fn *fn)
{
	talk->again_ms = talk->again_ms == 0 ? TALK_RETRY_FIRST_MS : talk->again_ms * 2 < TALK_RETRY_MOST_MS ? talk->again_ms * 2 : TALK_RETRY_MOST_MS;
	if (talk->again == NULL && loop_timer_start(talk->loop, &talk->again, talk->again_ms, fn, talk) != 0)
		log_line(LOG_LEVEL_ERROR, "talk", "no memory for a timer");
}

void talk_later(struct talk *talk)
{
	talk_wait(talk, try_again);
}

void talk_worked(struct talk *talk)
{
	talk->again_ms = 0;
	talk->err = (struct error){ 0 };
}

/* What was asked for has failed: kept to be told, and tried again if that may help. */
static void failed(struct talk *talk, const struct error *err)
{
	talk->err = *err;
	log_error("talk", err);
	if (talk_may_help(err->code))
		talk_later(talk);
}

/* ---- sending: one at a time, so that they arrive as they were written ---- */

static void on_sent(void *ctx, const struct error *err, const void *result)
{
	struct talk *talk = ctx;
	talk->sending = NULL;
	if (err == NULL) {
		talk_worked(talk);
		if (talk_log_add(talk, result) != 0)
			log_line(LOG_LEVEL_ERROR, "talk", "no memory for a message");
	} else {
		struct message *message = talk_log_find(talk, talk->sent_id);
		if (message != NULL && message->seq == 0 && !talk_may_help(err->code))
			message->seq = REFUSED;
		failed(talk, err);
	}
	if (talk->again == NULL)
		talk_pump(talk);
	talk_settle(talk);
	talk->changed(talk->ctx);
}

void talk_settle(struct talk *talk)
{
	void (*all_sent)(struct talk *) = talk->all_sent;
	if (all_sent == NULL || talk_log_next(talk) != NULL)
		return;
	talk->all_sent = NULL;
	all_sent(talk);
}

bool talk_is_ending(const struct talk *talk)
{
	return talk->all_sent != NULL;
}

static void send_next(struct talk *talk)
{
	const struct message *next = talk_log_next(talk);
	if (next == NULL || talk->sending != NULL || talk->state.id[0] == '\0')
		return;
	struct message_request *request = calloc(1, sizeof *request);
	if (request != NULL) {
		*request = (struct message_request){ .kind = next->kind };
		memcpy(request->id, next->id, sizeof request->id);
		memcpy(request->body, next->body, sizeof request->body);
		memcpy(talk->sent_id, next->id, sizeof talk->sent_id);
		talk->sending = hall_send_message(talk->hall, talk_token(talk), talk->state.id, request, on_sent, talk);
	}
	if (talk->sending == NULL)
		talk_later(talk);
	free(request);
}

/* ---- asking for what is missing ---- */

static bool has_next(const struct message_page *page, int64_t after)
{
	for (size_t i = 0; i < page->messages_count; i++)
		if (page->messages[i].seq == after + 1)
			return true;
	return false;
}

static void on_history(void *ctx, const struct error *err, const void *result)
{
	struct talk *talk = ctx;
	const struct message_page *page = result;
	talk->asking = NULL;
	if (err != NULL)
		failed(talk, err);
	else if (has_next(page, talk->asked_after))
		talk_worked(talk);
	else
		talk_later(talk); /* the hall tells of more than it has: not asked again at once */
	for (size_t i = 0; err == NULL && i < page->messages_count; i++)
		if (talk_log_add(talk, &page->messages[i]) != 0)
			log_line(LOG_LEVEL_ERROR, "talk", "no memory for a message");
	if (talk->again == NULL)
		talk_pump(talk);
	talk->changed(talk->ctx);
}

static void ask_missing(struct talk *talk)
{
	if (talk->asking != NULL || talk->quiet || talk->have >= talk->state.last_seq)
		return;
	talk->asked_after = talk->have;
	talk->asking = hall_get_history(talk->hall, talk_token(talk), talk->state.id, talk->have, on_history, talk);
	if (talk->asking == NULL)
		talk_later(talk);
}

/* ---- telling what has come and was read ---- */

/* The highest number of the other side's up to most. */
static int64_t others_upto(const struct talk *talk, int64_t most)
{
	for (size_t i = talk->count; i > 0; i--) {
		const struct message *m = talk->messages[i - 1];
		if (m->seq > 0 && m->seq <= most && m->side != (int)talk->side)
			return m->seq;
	}
	return 0;
}

static bool marks_wanted(const struct talk *talk, struct chat_marks *marks)
{
	*marks = (struct chat_marks){ .got = others_upto(talk, talk->have), .read = others_upto(talk, talk->shown < talk->have ? talk->shown : talk->have) };
	return !talk->quiet && (marks->got > talk->got_told || marks->read > talk->read_told);
}

static void on_marked(void *ctx, const struct error *err, const void *result)
{
	struct talk *talk = ctx;
	(void)result;
	talk->marking = NULL;
	if (err != NULL && talk_may_help(err->code)) {
		talk->got_told = talk->read_told = 0;
		failed(talk, err);
	} else if (err == NULL) {
		talk_worked(talk);
		talk_pump(talk);
	}
}

static void tell_marks(struct talk *talk)
{
	struct chat_marks marks;
	if (talk->marking != NULL || talk->state.id[0] == '\0' || !marks_wanted(talk, &marks))
		return;
	talk->marking = hall_mark_messages(talk->hall, talk_token(talk), talk->state.id, &marks, on_marked, talk);
	if (talk->marking == NULL) {
		talk_later(talk);
		return;
	}
	talk->got_told = marks.got;
	talk->read_told = marks.read;
}

void talk_pump(struct talk *talk)
{
	if (talk->state.id[0] == '\0')
		return;
	send_next(talk);
	ask_missing(talk);
	tell_marks(talk);
}

/* ---- what the hall says ---- */

void talk_take(struct talk *talk, const struct conversation *state)
{
	bool first = talk->state.id[0] == '\0';
	if (!first && state->revision < talk->state.revision)
		return; /* an answer was faster */
	talk->state = *state;
	secret_wipe(talk->state.token, sizeof talk->state.token);
	if (first) {
		bool customer = talk->side == SIDE_CUSTOMER;
		talk->shown = customer ? state->customer_read : state->agent_read;
		talk->got_told = customer ? state->customer_got : state->agent_got;
		talk->read_told = talk->shown;
	}
	if (state->has_last && !talk->quiet && talk_log_add(talk, &state->last) != 0)
		log_line(LOG_LEVEL_ERROR, "talk", "no memory for a message");
	talk_pump(talk);
}

static void types_no_more(void *ctx)
{
	struct talk *talk = ctx;
	talk->other_typed_ms = 0;
	talk->changed(talk->ctx);
}

void talk_take_typing(struct talk *talk, const struct chat_typing *typing)
{
	if (typing->side == (int)talk->side || strcmp(typing->conversation, talk->state.id) != 0)
		return;
	talk->other_typed_ms = clock_monotonic_ms();
	if (loop_timer_start(talk->loop, &talk->typing_ends, TALK_TYPES_MS, types_no_more, talk) != 0)
		talk->other_typed_ms = 0;
	talk->changed(talk->ctx);
}

/* ---- what the person does ---- */

int talk_say(struct talk *talk, enum message_kind kind, const char *text, struct error *err)
{
	if (talk->state.state == CONVERSATION_CLOSED || talk->state.state == CONVERSATION_LEFT)
		return error_set(err, ERR_CHAT_CLOSED, NULL, "closed");
	if (strlen(text) >= CHAT_TEXT)
		return error_set(err, ERR_TOO_LARGE, NULL, "%zu bytes", strlen(text));
	struct message *message = calloc(1, sizeof *message);
	if (message == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "message");
	message->side = (int)talk->side;
	message->kind = (int)kind;
	message->at = hall_now(talk->hall);
	text_sanitize(text, message->body, sizeof message->body, true);
	int rc = message->body[strspn(message->body, " \n")] == '\0' ? error_set(err, ERR_INVALID_FIELD, "body", "nothing was written") : 0;
	if (rc == 0 && !chat_guard(message->body))
		rc = error_set(err, ERR_CHAT_PIN, NULL, "looks like a PIN");
	if (rc == 0)
		rc = pki_random_hex(CHAT_ID_BYTES, message->id, err);
	if (rc == 0 && talk_log_write(talk, message) != 0)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "message");
	free(message);
	if (rc == 0 && talk->again == NULL)
		talk_pump(talk);
	return rc;
}

size_t talk_unread(const struct talk *talk)
{
	size_t unread = 0;
	for (size_t i = talk->count; i > 0; i--) {
		const struct message *m = talk->messages[i - 1];
		if (m->seq > 0 && m->seq <= talk->shown)
			break;
		unread += m->seq > 0 && m->side != (int)talk->side && m->side != SIDE_HALL && (m->kind != MESSAGE_NOTE || talk->side == SIDE_AGENT);
	}
	return unread;
}

void talk_shown(struct talk *talk)
{
	bool was_quiet = talk->quiet;
	talk->quiet = false;
	if (talk->shown >= talk->have && !was_quiet)
		return;
	talk->shown = talk->have;
	talk_pump(talk);
}

void talk_type(struct talk *talk)
{
	int64_t now = clock_monotonic_ms();
	const struct chat_marks marks = { .typing = true };
	if (talk->state.state != CONVERSATION_TALKING || talk->marking != NULL || (talk->typed_ms != 0 && now < talk->typed_ms + TALK_TYPING_MS))
		return;
	talk->typed_ms = now;
	talk->marking = hall_mark_messages(talk->hall, talk_token(talk), talk->state.id, &marks, on_marked, talk);
}

/* ---- looking ---- */

const struct conversation *talk_state(const struct talk *talk)
{
	return &talk->state;
}

size_t talk_count(const struct talk *talk)
{
	return talk->count;
}

const struct message *talk_message(const struct talk *talk, size_t index)
{
	return talk->messages[index];
}

bool talk_is_mine(const struct talk *talk, size_t index)
{
	const struct message *m = talk->messages[index];
	return m->side == (int)talk->side && (m->author[0] == '\0' || talk->self[0] == '\0' || strcmp(m->author, talk->self) == 0);
}

enum talk_mark talk_mark(const struct talk *talk, size_t index)
{
	const struct message *m = talk->messages[index];
	bool customer = talk->side == SIDE_CUSTOMER;
	int64_t got = customer ? talk->state.agent_got : talk->state.customer_got, read = customer ? talk->state.agent_read : talk->state.customer_read;
	if (m->side != (int)talk->side)
		return TALK_READ;
	if (m->seq <= 0)
		return m->seq == 0 ? TALK_SENDING : TALK_REFUSED;
	return m->seq <= read ? TALK_READ : m->seq <= got ? TALK_DELIVERED : TALK_SENT;
}

bool talk_other_types(const struct talk *talk)
{
	return talk->other_typed_ms != 0;
}

const struct error *talk_error(const struct talk *talk)
{
	return talk->err.code != ERR_OK ? &talk->err : NULL;
}
