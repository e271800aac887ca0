/* Live service: conversations between customers and agents. Messages and marks are rows; who types is told and forgotten. */
#ifndef SERVICE_CHAT_H
#define SERVICE_CHAT_H

#include <certhall/chat.h>

#include "service/service.h"

/* Streams of a conversation and of an agent's desk. */
#define CHAT_SUBJECT "c/"
#define DESK_SUBJECT "desk/"

/* ---- agents ---- */

/* The one whose certificate this is; agent->id empty: none. */
int agent_of_certificate(struct sql *db, const char *fingerprint, int64_t now, struct agent *out, struct error *err) CH_MUST_CHECK;
/* All that are registered, with how many they serve, those on duty first; count gets their number, at most CHAT_AGENTS. */
int agent_list(struct sql *db, int64_t now, struct agent out[CHAT_AGENTS], size_t *count, struct error *err) CH_MUST_CHECK;
/* Agents of the role that are not offline. */
int agent_on_duty(struct sql *db, int64_t now, int64_t *count, struct error *err) CH_MUST_CHECK;

/* ---- conversations ---- */

/* What a conversation's row says, its newest message, its place in the queue; ERR_CHAT_NONE. For the customer's eyes: without
 * what is for agents only. */
int chat_load(struct sql *db, const char *id, enum chat_side eyes, int64_t now, struct conversation *out, struct error *err) CH_MUST_CHECK;
/* The same rows by a condition of the caller's: prepare with CHAT_SELECT, read each with chat_row. */
#define CHAT_SELECT "SELECT c.id, c.state, c.revision, c.topic, c.language, c.holder, c.wanted, c.agent, COALESCE(a.name, ''), c.created, c.since," \
	" c.offered_until, c.last_seq, c.customer_got, c.customer_read, c.agent_got, c.agent_read, c.rating, c.callback" \
	" FROM conversation c LEFT JOIN agent a ON a.id = c.agent "
void chat_row(struct sql_stmt *q, int64_t now, struct conversation *out);
int chat_last(struct sql *db, enum chat_side eyes, struct conversation *conversation, struct error *err) CH_MUST_CHECK;
int chat_position(struct sql *db, struct conversation *conversation, struct error *err) CH_MUST_CHECK;
/* Messages behind after, as many as a page holds. */
int chat_history(struct sql *db, const char *id, enum chat_side eyes, int64_t after, struct message_page *out, struct error *err) CH_MUST_CHECK;

/* The message of that id as it was stored, if it was. */
int chat_find(struct sql *db, const char *conversation, struct message *message, bool *found, struct error *err) CH_MUST_CHECK;
/* In a transaction: a new one. seq and at are set; id empty: one is made. */
int chat_add(struct sql *db, const char *conversation, struct message *message, int64_t now, struct error *err) CH_MUST_CHECK;
/* In a transaction: a line of the hall's. */
int chat_note(struct sql *db, const char *conversation, enum message_kind kind, const char *author, int64_t now, struct error *err) CH_MUST_CHECK;

/* ---- who answers ---- */

/* Offers what waits to agents who are free, takes back what was not answered in time or whose agent has gone, and tells everybody
 * concerned. One at a time. */
void chat_assign(struct hall *hall, struct sql *db, int64_t now);
int chat_start(struct hall *hall, struct error *err) CH_MUST_CHECK; /* its clock */
void chat_stop(struct hall *hall);
/* After the commit: the conversation's streams and its agent's; the queue's and every agent's. */
void chat_publish(const struct hall *hall, const char *id, const char *agent);
void chat_publish_queue(const struct hall *hall, struct sql *db);

int chat_render(struct hall *hall, const char *subject, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err);
int desk_render(struct hall *hall, const char *subject, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err);
int desk_load(struct hall *hall, struct sql *db, const struct agent *agent, int64_t now, struct desk *out, struct error *err) CH_MUST_CHECK;

/* ---- who asks ---- */

struct chat_party {
	enum chat_side side;
	struct agent agent;         /* side SIDE_AGENT */
	struct conversation about;  /* as it stands, with agents' eyes */
};
/* The bearer of the conversation's token, of the session of its certificate, or of an agent's session. ERR_CHAT_NONE, ERR_SESSION_NEEDED,
 * ERR_RATE_LIMITED. */
int chat_party(struct call *call, struct chat_party *out, struct error *err) CH_MUST_CHECK;
/* Whether it may do something in the conversation now. ERR_CHAT_CLOSED, ERR_CHAT_TAKEN, ERR_CHAT_READ_ONLY. */
int chat_may_act(const struct chat_party *party, struct error *err) CH_MUST_CHECK;
/* Tells everybody, and answers with the conversation. */
int chat_changed(struct call *call, const struct chat_party *party, struct error *err) CH_MUST_CHECK;
int chat_answer(struct call *call, int status, const char *id, enum chat_side eyes, const char *token, struct error *err) CH_MUST_CHECK;
bool chat_id_ok(const char *id); /* 32 hex digits */
/* The agent whose session it is. ERR_STAFF_ONLY. */
int chat_agent(struct call *call, struct agent *out, struct error *err) CH_MUST_CHECK;

#endif
