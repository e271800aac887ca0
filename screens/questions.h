/* 业务流程 and 问题解答. */
#ifndef SCREENS_QUESTIONS_H
#define SCREENS_QUESTIONS_H

#include "app.h"

enum { QUESTIONS_ALL = -1 };   /* every category but the process */
struct question_arg {
	int category;              /* enum help_category or QUESTIONS_ALL */
	const char *id;            /* opened at once; NULL: none */
};
extern const struct screen_ops page_questions; /* arg: const struct question_arg *, borrowed for its init */

#endif
