#include "actions.h"

#include <certhall/i18n.h>

#define ENTER { KEY_CODE_ENTER, "", 0 }, "Enter"
#define ESC { KEY_CODE_ESC, "", 0 }, "Esc"
#define CHAR(text) { KEY_CODE_CHAR, text, text[0] }, text
#define CTRL(letter) { KEY_CODE_CTRL, "", letter[0] }, "Ctrl-" letter
#define TAB { KEY_CODE_TAB, "", 0 }, "Tab"
#define SPACE { KEY_CODE_CHAR, " ", ' ' }, N_("Space")
#define NO_F_KEY KEY_CODE_CHAR

/* A digit beside an F-key is the F-key's own number, so that one rule is to be remembered. */
const struct action page_actions[] = {
	{ ACT_OPEN, N_("Open"), NO_F_KEY, ENTER },
	{ ACT_NEXT, N_("Next"), KEY_CODE_F2, ENTER },
	{ ACT_RENEW, N_("Renew"), KEY_CODE_F2, ENTER },
	{ ACT_LOGIN, N_("Enter PIN"), KEY_CODE_F2, ENTER },
	{ ACT_SUBMIT, N_("Confirm and submit"), KEY_CODE_F2, ENTER },
	{ ACT_INSTALL, N_("Install certificate"), KEY_CODE_F2, ENTER },
	{ ACT_RECOVER, N_("Recover"), KEY_CODE_F2, ENTER },
	{ ACT_COMPONENT_INSTALL, N_("Download and install"), KEY_CODE_F2, ENTER },
	{ ACT_TOGGLE, N_("Open or close"), KEY_CODE_F2, ENTER },
	{ ACT_CATEGORY, N_("Next category"), KEY_CODE_F6, TAB },
	{ ACT_QUERY, N_("Query"), KEY_CODE_F2, ENTER },
	{ ACT_DOWNLOAD, N_("Download"), KEY_CODE_F2, ENTER },
	{ ACT_AGAIN, N_("Try again"), KEY_CODE_F2, ENTER },
	{ ACT_FINISH, N_("Finish"), KEY_CODE_F2, ENTER },
	{ ACT_HOME, N_("To the hall"), KEY_CODE_F2, ENTER },
	{ ACT_UNLOCK, N_("Open the hall"), KEY_CODE_F2, ENTER },
	{ ACT_WAIT, N_("Wait"), KEY_CODE_F2, ENTER },
	{ ACT_DETAIL, N_("Show all"), KEY_CODE_F3, ENTER },
	{ ACT_GO_ON, N_("Go on with the order"), NO_F_KEY, CHAR("0") },
	{ ACT_MENU_1, N_("Renew certificate"), NO_F_KEY, CHAR("1") },
	{ ACT_MENU_2, N_("View certificates"), NO_F_KEY, CHAR("2") },
	{ ACT_MENU_3, N_("Invoices"), NO_F_KEY, CHAR("3") },
	{ ACT_MENU_4, N_("Help centre"), NO_F_KEY, CHAR("4") },
	{ ACT_PAID, N_("I have paid"), KEY_CODE_F5, ENTER },
	{ ACT_CHECK_ALL, N_("Check again"), KEY_CODE_F5, CHAR("5") },
	{ ACT_REFRESH, N_("Read again"), KEY_CODE_F5, CHAR("5") },
	{ ACT_CHECK_ONE, N_("Check this"), KEY_CODE_F6, CHAR("6") },
	{ ACT_FRESH_CODE, N_("New code"), KEY_CODE_F6, CHAR("6") },
	{ ACT_PICTURE, N_("Another picture"), KEY_CODE_F6, CTRL("P") },
	{ ACT_CHOOSE, N_("Choose"), NO_F_KEY, SPACE },
	{ ACT_CHOOSE_ALL, N_("Choose all shown"), KEY_CODE_F6, CHAR("6") },
	{ ACT_SORT, N_("Sort"), KEY_CODE_F7, CHAR("7") },
	{ ACT_SAVE, N_("Save receipt"), KEY_CODE_F6, CHAR("6") },
	{ ACT_COMPONENT, N_("Install component"), KEY_CODE_F7, CHAR("7") },
	{ ACT_INVOICES, N_("Invoices"), KEY_CODE_F7, CHAR("7") },
	{ ACT_EDIT, N_("Edit"), KEY_CODE_F7, CHAR("7") },
	{ ACT_ORDER, N_("Recover"), KEY_CODE_F8, CHAR("8") },
	{ ACT_CANCEL_ORDER, N_("Cancel order"), KEY_CODE_F8, CHAR("8") },
	{ ACT_GIVE_UP, N_("Give up"), KEY_CODE_F8, CHAR("8") },
	{ ACT_LOCK, N_("Lock"), KEY_CODE_F9, CHAR("9") },
	{ ACT_SEND, N_("Send"), KEY_CODE_F2, ENTER },
	{ ACT_LEAVE_MESSAGE, N_("Leave a message"), KEY_CODE_F3, CTRL("K") },
	{ ACT_QUESTION, N_("Read the question"), KEY_CODE_F9, CTRL("D") },
	{ ACT_SEND_REPORT, N_("Check report"), KEY_CODE_F5, CTRL("R") },
	{ ACT_SEND_ORDER, N_("Order number"), KEY_CODE_F6, CTRL("N") },
	{ ACT_SAVE_TALK, N_("Save conversation"), KEY_CODE_F7, CTRL("W") },
	{ ACT_END_TALK, N_("End conversation"), KEY_CODE_F8, CTRL("X") },
	{ ACT_SHOW_KEY, N_("Show the key"), KEY_CODE_F7, CHAR("7") },
	{ ACT_SERVICE, N_("Online service"), KEY_CODE_F4, CTRL("O") },
	{ ACT_TERMS, N_("Price, notes"), KEY_CODE_F6, CTRL("T") },
	{ ACT_HELP, N_("Help centre"), KEY_CODE_F1, CHAR("?") },
	{ ACT_STOP, N_("Cancel"), NO_F_KEY, ESC },
	{ ACT_BACK, N_("Back"), NO_F_KEY, ESC },
	{ ACT_QUIT, N_("Quit"), KEY_CODE_F10, ESC },
	ACTION_END,
};

const struct action *bar_set(struct bar *bar, const enum page_action ids[])
{
	size_t count = 0;
	for (; *ids != 0 && count < BAR_MAX; ids++)
		for (const struct action *row = page_actions; row->id != 0; row++)
			if (row->id == (int)*ids)
				bar->rows[count++] = *row;
	bar->rows[count] = (struct action)ACTION_END;
	return bar->rows;
}
