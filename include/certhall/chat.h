/* Live service (在线客服) as both programs know it: conversations, messages, agents, and the tables that make them JSON. No I/O here.
 *
 * A conversation's messages are numbered from 1 without gaps; whoever was away asks for those behind the last number it has. A
 * message's id is made by its sender, so that sending it again does no harm. Moments are int64_t seconds.
 */
#ifndef CERTHALL_CHAT_H
#define CERTHALL_CHAT_H

#include <certhall/model.h>

enum { CHAT_TEXT = 4096, CHAT_PAGE = 32, CHAT_AGENTS = 64, CHAT_ROWS = 128, CHAT_ID = 40, CHAT_ID_BYTES = 16 /* random ones of an id */ };

enum agent_state { AGENT_OFFLINE, AGENT_ONLINE, AGENT_BUSY, AGENT_AWAY }; /* 在线, 忙碌, 离开 */
extern const char *const agent_state_names[];

enum agent_role { ROLE_AGENT, ROLE_SUPERVISOR /* reads everything, says nothing */ };
extern const char *const agent_role_names[];

/* One who answers. state: AGENT_OFFLINE also for one whose program has not been heard of for a while. */
struct agent {
	char id[CHAT_ID];
	char name[64];
	int role;                 /* enum agent_role */
	int state;                /* enum agent_state */
	int64_t serving;          /* conversations under way */
	int64_t most;             /* so many at once */
};

/* GET /v1/service: who is on duty. Needs no login. */
struct chat_service {
	int64_t time;
	int64_t waiting;          /* customers in the queue */
	int64_t answer_seconds;   /* an agent who does not answer within them is passed over */
	size_t agents_count;
	struct agent agents[CHAT_AGENTS];
};

enum chat_side { SIDE_CUSTOMER, SIDE_AGENT, SIDE_HALL };
extern const char *const chat_side_names[];

enum message_kind {
	MESSAGE_TEXT,
	MESSAGE_REPORT,      /* body: the environment check's report */
	MESSAGE_ORDER,       /* body: an order's number and what the terminal knew of it */
	MESSAGE_QUESTION,    /* body: id and title of one of the help centre's */
	MESSAGE_NOTE,        /* for agents only; the customer gets it with an empty body, which is not shown */
	MESSAGE_JOINED,      /* by the hall from here on; author: the agent */
	MESSAGE_TRANSFERRED, /* author: the agent who handed over */
	MESSAGE_CLOSED,      /* author: who closed it; empty: the customer */
};
extern const char *const message_kind_names[];

struct message {
	int64_t seq;              /* by the hall */
	char id[CHAT_ID];         /* by the sender: 32 hex digits */
	int side;                 /* enum chat_side */
	int kind;                 /* enum message_kind */
	char author[64];          /* an agent's name; empty: the customer, the hall */
	int64_t at;               /* the hall's clock */
	char body[CHAT_TEXT];     /* may hold newlines */
};

enum conversation_state {
	CONVERSATION_WAITING,     /* in the queue, or offered to an agent who has not answered yet */
	CONVERSATION_TALKING,
	CONVERSATION_CLOSED,
	CONVERSATION_LEFT,        /* a message was left with a number to call back; an agent closes it when that is done */
};
extern const char *const conversation_state_names[];

/* got, read: the highest number that side's program has received, and has shown. */
struct conversation {
	char id[CHAT_ID];
	int state;                /* enum conversation_state */
	int64_t revision;         /* grows with every change */
	int64_t time;             /* the hall's clock when this was written */
	char topic[64];           /* the page the customer came from, a name of screen_ops; may be empty */
	char language[8];
	char holder[96];          /* of the customer's certificate; empty: no key was shown */
	char wanted[CHAT_ID];     /* the agent the customer asked for; empty: the next free */
	char agent[CHAT_ID], agent_name[64]; /* who answers, or is offered it */
	int64_t created, since;   /* since: waits, talks or is closed since then */
	int64_t offered_until;    /* offered to the agent till then; 0: not */
	int64_t last_seq;
	int64_t customer_got, customer_read, agent_got, agent_read;
	int64_t position;         /* in the queue, from 1; 0: not in it */
	int64_t on_duty;          /* agents who could answer, now or when they are free */
	int64_t rating;           /* 1 to 5; 0: not given */
	char callback[40];        /* left: the number to call; told to agents only */
	char token[96];           /* a secret: of POST /v1/conversations only, RFC 6750 bearer for all about this conversation */
	bool has_last;
	struct message last;      /* the newest */
};

/* POST /v1/conversations. request: 32 hex digits made by the terminal and known to nobody else: asking again gives the same
 * conversation. With a session, the open conversation of that certificate, on whichever terminal it was begun. ERR_CHAT_NOBODY when
 * there is no agent on duty and callback is empty; with callback and text a message is left. */
struct conversation_request {
	char request[CHAT_ID];
	char agent[CHAT_ID];      /* wanted; empty: the next free */
	char topic[64];
	char language[8];
	char callback[40];
	char text[CHAT_TEXT];
};

/* POST /v1/conversations/{id}/messages: gives the struct message as it was stored, again and again for the same id. */
struct message_request {
	char id[CHAT_ID];
	int kind;
	char body[CHAT_TEXT];
};

/* POST /v1/conversations/{id}/history: the messages behind after, in order. */
struct history_request { int64_t after; };
struct message_page {
	int64_t last_seq;
	size_t messages_count;
	struct message messages[CHAT_PAGE];
};

/* POST /v1/conversations/{id}/marks. They only ever grow. typing: told to the other side, not kept. */
struct chat_marks { int64_t got, read; bool typing; };
/* The event "typing" of a stream. */
struct chat_typing { char conversation[CHAT_ID]; int side; };

/* POST /v1/conversations/{id}/leave: instead of waiting on. */
struct leave_request { char callback[40]; char text[CHAT_TEXT]; };
/* POST /v1/conversations/{id}/close, by either side. rating 0: none; may also be given afterwards, once. */
struct close_request { int64_t rating; };

/* ---- the agents' side; needs the session of an agent's certificate ---- */

/* GET /v1/desk and the event "desk": one's own conversations, those that wait, messages left; a supervisor's: all. */
struct desk {
	int64_t revision, time;
	struct agent agent;       /* oneself */
	size_t agents_count;
	struct agent agents[CHAT_AGENTS];
	size_t conversations_count;
	struct conversation conversations[CHAT_ROWS]; /* those that wait longest first */
};
/* POST /v1/desk/state, at least every AGENT_BEAT seconds: one who is not heard of is not on duty. */
enum { AGENT_BEAT = 20, AGENT_LOST = 60 };
struct agent_presence { int state; };
/* POST /v1/desk/take: this one, or the one waiting longest; gives the struct conversation. */
struct take_request { char conversation[CHAT_ID]; };
/* POST /v1/conversations/{id}/transfer. agent: empty: the next free. note: kept as MESSAGE_NOTE. */
struct chat_transfer { char agent[CHAT_ID]; char note[CHAT_TEXT]; };

extern const struct codec agent_codec[], chat_service_codec[], message_codec[], conversation_codec[], conversation_request_codec[],
	message_request_codec[], history_request_codec[], message_page_codec[], chat_marks_codec[], chat_typing_codec[], leave_request_codec[],
	close_request_codec[], desk_codec[], agent_presence_codec[], take_request_codec[], chat_transfer_codec[];

/* What may be said: identity and mobile numbers are masked in place (110101********001X, 138****0000). False: it looks like a PIN
 * and must not be sent. Both sides ask: the terminal before it sends, the hall before it keeps. */
bool chat_guard(char *text);

#endif
