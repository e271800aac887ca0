/* Conversations on the stage, of either side (include/certhall/talk.h). */
#ifndef TESTS_SCREENS_STAGE_TALK_H
#define TESTS_SCREENS_STAGE_TALK_H

#include <certhall/talk.h>

#include "stage.h"

enum { STAGE_TALK_MAX = 240 };

struct talk {
	enum chat_side side;          /* whose program this is */
	struct conversation state;
	size_t count;
	struct message *messages[STAGE_TALK_MAX];
	enum talk_mark marks[STAGE_TALK_MAX];
	size_t shown;                 /* of the messages */
	bool types;
	bool lost;                    /* the line: nothing is sent */
	struct error error;           /* code ERR_OK: none */
	talk_fn *changed;
	void *ctx;
};

struct talk *stage_talk_new(enum chat_side side, const struct conversation *state, talk_fn *changed, void *ctx);
void stage_talk_free(struct talk **talk);
/* author "": the customer. ago: minutes before now. What is there has been shown, and one's own has been read. */
void stage_talk_add(struct talk *talk, int kind, const char *author, int ago, const char *body);

#endif
