/* The keys of the pages: one table gives the key map, the bar and the help page. */
#ifndef SCREENS_ACTIONS_H
#define SCREENS_ACTIONS_H

#include <certhall/screen.h>

enum page_action {
	ACT_OPEN = 1, ACT_NEXT, ACT_RENEW, ACT_DETAIL, ACT_LOGIN, ACT_SUBMIT, ACT_PAID, ACT_INSTALL, ACT_RECOVER, ACT_COMPONENT_INSTALL,
	ACT_TOGGLE, ACT_CATEGORY, ACT_QUERY, ACT_INVOICES, ACT_PICTURE, ACT_DOWNLOAD, ACT_CHOOSE, ACT_CHOOSE_ALL, ACT_SORT, ACT_AGAIN, ACT_FINISH, ACT_HOME, ACT_GO_ON, ACT_MENU_1, ACT_MENU_2, ACT_MENU_3, ACT_MENU_4, ACT_CHECK_ALL, ACT_REFRESH, ACT_CHECK_ONE, ACT_FRESH_CODE,
	ACT_SAVE, ACT_COMPONENT, ACT_LOCK, ACT_UNLOCK, ACT_WAIT, ACT_GIVE_UP, ACT_EDIT, ACT_SEND, ACT_SEND_REPORT, ACT_SEND_ORDER, ACT_SAVE_TALK,
	ACT_END_TALK, ACT_LEAVE_MESSAGE, ACT_QUESTION, ACT_SERVICE, ACT_SHOW_KEY, ACT_ORDER, ACT_CANCEL_ORDER, ACT_TERMS, ACT_HELP, ACT_STOP, ACT_BACK, ACT_QUIT,
};

enum { BAR_MAX = 12 };
struct bar {
	struct action rows[BAR_MAX + 1];
};
/* Fills the bar with these actions, up to 0, and gives its rows. */
const struct action *bar_set(struct bar *bar, const enum page_action ids[]);
#define BAR(bar, ...) bar_set(bar, (const enum page_action[]){ __VA_ARGS__, 0 })

/* The whole table, up to ACTION_END. */
extern const struct action page_actions[];

#endif
