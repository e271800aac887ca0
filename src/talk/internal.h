/* Inside a conversation at this terminal. */
#ifndef TALK_INTERNAL_H
#define TALK_INTERNAL_H

#include <certhall/loop.h>
#include <certhall/secret.h>
#include <certhall/talk.h>

enum { TALK_RETRY_FIRST_MS = 1000, TALK_RETRY_MOST_MS = 15000, TALK_TYPING_MS = 3000, TALK_TYPES_MS = 5000 };

struct talk {
	struct hall *hall;
	struct loop *loop;
	talk_fn *changed;
	void *ctx;
	enum chat_side side;
	char self[64];                 /* an agent's own name: a colleague's messages are of the same side */
	bool quiet;                    /* its messages are asked for when it is looked at */
	struct secret token;           /* empty: the session's */
	struct conversation state;
	struct error err;

	size_t count, room;            /* of messages: those the hall has by their numbers, then those on their way as they were written */
	struct message **messages;     /* seq 0: on its way; -1: refused */
	int64_t have;                  /* all up to this number are there */
	int64_t asked_after;           /* what is asked for is behind this number */
	int64_t shown;                 /* the last that was shown */
	int64_t got_told, read_told;   /* as the hall has them */

	struct hall_call *sending, *asking, *marking;
	char sent_id[CHAT_ID];         /* of the message that is on its way */
	struct loop_timer *again;      /* tries what failed anew */
	int64_t again_ms;
	void (*all_sent)(struct talk *talk); /* what waits until all that was written has arrived, or was refused, and nothing else is under way; NULL: nothing */
	int64_t typed_ms, other_typed_ms; /* monotonic; 0: not */
	struct loop_timer *typing_ends;

	/* the customer's side */
	struct conversation_request *request;
	struct hall_call *begin, *follow, *act;
	bool connected;
	int rating;                    /* told with the end */
	bool act_failed;               /* and nobody has asked about it yet */
};

void talk_init(struct talk *talk, struct hall *hall, struct loop *loop, enum chat_side side, talk_fn *changed, void *ctx);
void talk_end(struct talk *talk); /* releases what is in it */
/* The hall's newest word; does what follows from it. */
void talk_take(struct talk *talk, const struct conversation *state);
void talk_take_typing(struct talk *talk, const struct chat_typing *typing);
/* Does what has waited (all_sent) if it need not wait any more. */
void talk_settle(struct talk *talk);
/* Sends, asks and marks whatever is to be. */
void talk_pump(struct talk *talk);
void talk_wait(struct talk *talk, loop_timer_fn *fn); /* after a while, longer each time */
void talk_later(struct talk *talk);  /* tries again what failed, after such a while */
void talk_worked(struct talk *talk); /* the way is good */
const char *talk_token(const struct talk *talk); /* NULL: the session's */
/* Whether trying the same again may help. */
bool talk_may_help(enum error_code code);

/* log.c: messages in their order */
int talk_log_add(struct talk *talk, const struct message *message); /* by its number; one that is there stays as it is */
int talk_log_write(struct talk *talk, const struct message *message); /* at the end, on its way */
struct message *talk_log_next(struct talk *talk); /* the first on its way; NULL: none */
struct message *talk_log_find(struct talk *talk, const char *id);

#endif
