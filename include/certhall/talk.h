/* A conversation as it goes on at this terminal, the customer's or an agent's: its messages in order, those on their way, what the
 * other side has received and read. No curses here.
 *
 * Whatever breaks between, messages are sent in the order they were written until the hall has them, each once, and those of the
 * other side are asked for by number. struct talks is one side's connection: a customer's with the one conversation, an agent's
 * with all of the desk's.
 */
#ifndef CERTHALL_TALK_H
#define CERTHALL_TALK_H

#include <certhall/hall.h>

enum talk_mark { TALK_SENDING, TALK_SENT, TALK_DELIVERED, TALK_READ, TALK_REFUSED };

struct talk;
typedef void talk_fn(void *ctx); /* something changed; from the loop */

/* ---- one conversation ---- */

const struct conversation *talk_state(const struct talk *talk);   /* as the hall last told; id "" before the first answer */
size_t talk_count(const struct talk *talk);                        /* messages, those on their way at the end */
const struct message *talk_message(const struct talk *talk, size_t index); /* seq 0: on its way */
enum talk_mark talk_mark(const struct talk *talk, size_t index);   /* of one's own; the other side's: TALK_READ */
bool talk_is_mine(const struct talk *talk, size_t index);           /* not a colleague's of the same side */
/* Puts it in line and sends it as soon as it can; the text is sanitised and masked (chat_guard). ERR_CHAT_PIN, ERR_TOO_LARGE,
 * ERR_CHAT_CLOSED; nothing is in line then. */
int talk_say(struct talk *talk, enum message_kind kind, const char *text, struct error *err) CH_MUST_CHECK;
size_t talk_unread(const struct talk *talk);                       /* the other side's messages not shown yet */
void talk_shown(struct talk *talk);                                /* all that is there has been shown */
void talk_type(struct talk *talk);                                 /* a key was pressed: told to the other side now and then */
bool talk_other_types(const struct talk *talk);
const struct error *talk_error(const struct talk *talk);           /* of the last thing asked for; NULL: none */
/* The whole of it as text, malloc'd: who, when, what. */
char *talk_transcript(const struct talk *talk) CH_MUST_CHECK;

/* ---- the customer's side ---- */

/* agent "": the next free. callback: a number with which a message is left instead. changed is called when something is new. */
int talk_begin(struct hall *hall, struct loop *loop, const struct conversation_request *request, talk_fn *changed, void *ctx, struct talk **out) CH_MUST_CHECK;
void talk_free(struct talk **talk);                                /* the conversation goes on at the hall */
bool talk_connected(const struct talk *talk);                      /* the event stream stands */
void talk_leave(struct talk *talk, const char *callback, const char *text); /* a message instead of waiting on */
void talk_close(struct talk *talk, int rating);                    /* ends it, when all that was written has arrived; again with a rating afterwards */
bool talk_is_ending(const struct talk *talk);                      /* that is to come */
bool talk_act_failed(struct talk *talk);                           /* leaving, ending or rating has, since this was asked: see talk_error */

/* ---- the agents' side ---- */

struct talks;
int talks_new(struct hall *hall, struct loop *loop, talk_fn *changed, void *ctx, struct talks **out) CH_MUST_CHECK;
void talks_free(struct talks **talks);
const struct desk *talks_desk(const struct talks *talks);          /* NULL before the hall has answered */
bool talks_connected(const struct talks *talks);
const struct error *talks_error(const struct talks *talks);        /* of the last thing asked for; NULL: none */
size_t talks_count(const struct talks *talks);                     /* as in the desk's conversations */
struct talk *talks_at(struct talks *talks, size_t index);
struct talk *talks_find(struct talks *talks, const char *id);      /* NULL: not there any more */
void talks_set_state(struct talks *talks, enum agent_state state);
void talks_take(struct talks *talks, const char *id);              /* "": the one waiting longest */
void talks_transfer(struct talks *talks, const char *id, const char *agent, const char *note);
void talks_close(struct talks *talks, const char *id);

#endif
