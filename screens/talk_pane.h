/* A conversation's messages in a rectangle, for the customer's page and the agents' alike: newest at the bottom, scrolling back. */
#ifndef SCREENS_TALK_PANE_H
#define SCREENS_TALK_PANE_H

#include <certhall/screen.h>
#include <certhall/talk.h>

/* Zeroed at first and for another conversation. While it is scrolled back it stays where it is, whatever comes. */
struct talk_pane {
	bool back;
	size_t first;    /* scrolled back: the message at the upper edge, */
	int above;       /* and how many of its lines are above it */
	int rows, cols;  /* as last drawn */
	bool customer;   /* who reads is the customer */
};

/* PageUp and PageDown; SCREEN_ flags. */
int talk_pane_key(struct talk_pane *pane, const struct talk *talk, const struct key *key);
void talk_pane_draw(struct talk_pane *pane, const struct area *a, const struct talk *talk);
void talk_pane_oldest(struct talk_pane *pane, const struct talk *talk);
void talk_pane_newest(struct talk_pane *pane); /* to the bottom, where it follows what comes */

/* A message in one line, for lists and for what is not shown whole: out gets its kind in words and how it begins. */
char *talk_line(const struct message *message, char *out, size_t size);
/* "14:05", China time. */
char *talk_time(int64_t at, char *out, size_t size);

#endif
