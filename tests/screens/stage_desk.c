/* The agents' desk on the stage: one agent or, by the word "supervisor", one who reads. */
#include "stage_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TALKS_MAX = 12 };

/* ---- the desk ---- */

struct talks {
	talk_fn *changed;
	void *ctx;
	bool told;
	struct error error;
	struct desk desk;
	size_t count;
	struct talk *talks[TALKS_MAX];
};

static const char *const me = "a1", *const my_name = "王测试";

static struct talk *add(struct talks *t, const char *id, int state, const char *holder, const char *topic, int ago)
{
	struct conversation c = { .state = state, .created = STAGE_NOW - 60 * (int64_t)ago, .since = STAGE_NOW - 60 * (int64_t)ago, .on_duty = 2 };
	snprintf(c.id, sizeof c.id, "%s", id);
	snprintf(c.holder, sizeof c.holder, "%s", holder);
	snprintf(c.topic, sizeof c.topic, "%s", topic);
	snprintf(c.language, sizeof c.language, "%s", stage_has("english") ? "en" : "zh_CN");
	if (state == CONVERSATION_TALKING) {
		snprintf(c.agent, sizeof c.agent, "%s", me);
		snprintf(c.agent_name, sizeof c.agent_name, "%s", my_name);
	}
	t->talks[t->count] = stage_talk_new(SIDE_AGENT, &c, t->changed, t->ctx);
	return t->talks[t->count++];
}

static void fill_talks(struct talks *t)
{
	struct talk *talk = add(t, "c1", CONVERSATION_TALKING, "测试煤业（样票）有限公司", "pay", 12);
	stage_talk_add(talk, MESSAGE_TEXT, "", 12, "您好，证书更新付款以后一直停在等待页面，怎么办？");
	stage_talk_add(talk, MESSAGE_JOINED, my_name, 11, "");
	stage_talk_add(talk, MESSAGE_TEXT, my_name, 11, "您好，请把订单号发给我。付款后请不要重复付款。");
	stage_talk_add(talk, MESSAGE_ORDER, "", 10, "AZT112217NR3QT\npaying 9900");
	stage_talk_add(talk, MESSAGE_REPORT, "", 10, "环境检测报告 样票\n密钥: 已插入\n证书: 4 张\n网络: 正常\n时间: 正常");
	stage_talk_add(talk, MESSAGE_NOTE, "李样票", 9, "这位客户上周也问过付款。");
	stage_talk_add(talk, MESSAGE_TEXT, "", 8, "已经扣款了，短信也收到了。");
	talk->types = true;
	talk = add(t, "c2", CONVERSATION_TALKING, "", "check", 5);
	stage_talk_add(talk, MESSAGE_JOINED, my_name, 5, "");
	stage_talk_add(talk, MESSAGE_TEXT, "", 4, "插上密钥没有反应");
	stage_talk_add(talk, MESSAGE_TEXT, "", 3, "\033[31m红色\033[0m \xe2\x80\xae反过来");
	if (!stage_has("quiet"))
		talk->shown = talk->count - 2;
	talk = add(t, "c3", CONVERSATION_WAITING, "样票商贸有限公司", "install", 3);
	stage_talk_add(talk, MESSAGE_TEXT, "", 3, "安装证书时提示密钥空间不足");
	if (stage_has("offered")) {
		snprintf(talk->state.agent, sizeof talk->state.agent, "%s", me);
		talk->state.offered_until = STAGE_NOW + 12;
	}
	talk = add(t, "c4", CONVERSATION_WAITING, "", "", 1);
	stage_talk_add(talk, MESSAGE_TEXT, "", 1, "发票什么时候开");
	talk = add(t, "c5", CONVERSATION_LEFT, "测试工程（样票）", "home", 600);
	snprintf(talk->state.callback, sizeof talk->state.callback, "13800000000");
	stage_talk_add(talk, MESSAGE_TEXT, "", 600, "请回电说明更新费用");
}

static void fill_desk(struct talks *t)
{
	static const struct agent agents[] = {
		{ "a1", "王测试", ROLE_AGENT, AGENT_ONLINE, 2, 5 }, { "a2", "李样票", ROLE_AGENT, AGENT_ONLINE, 1, 5 },
		{ "a3", "赵演示", ROLE_AGENT, AGENT_BUSY, 0, 3 }, { "a4", "钱测试", ROLE_AGENT, AGENT_OFFLINE, 0, 5 },
	};
	t->desk.time = STAGE_NOW;
	t->desk.agents_count = sizeof agents / sizeof *agents;
	memcpy(t->desk.agents, agents, sizeof agents);
	t->desk.agent = agents[0];
	if (stage_has("supervisor"))
		t->desk.agent = (struct agent){ "s1", "孙督导", ROLE_SUPERVISOR, AGENT_ONLINE, 0, 0 };
}

static void give_desk(void *ctx)
{
	struct talks *t = ctx;
	if (stage_has("stranger"))
		error_set(&t->error, ERR_STAFF_ONLY, NULL, "stage");
	t->told = true;
	t->changed(t->ctx);
}

int talks_new(struct hall *hall, struct loop *loop, talk_fn *changed, void *ctx, struct talks **out)
{
	struct talks *t = calloc(1, sizeof *t);
	(void)hall, (void)loop;
	t->changed = changed;
	t->ctx = ctx;
	fill_desk(t);
	if (!stage_has("empty"))
		fill_talks(t);
	for (size_t i = 0; stage_has("supervisor") && i < t->count; i++)
		t->talks[i]->side = SIDE_HALL; /* nothing is the reader's own */
	*out = t;
	stage_later(give_desk, t);
	return 0;
}

void talks_free(struct talks **talks)
{
	if (*talks == NULL)
		return;
	stage_forget(*talks);
	for (size_t i = 0; i < (*talks)->count; i++)
		stage_talk_free(&(*talks)->talks[i]);
	free(*talks);
	*talks = NULL;
}

const struct desk *talks_desk(const struct talks *talks)
{
	return talks->told && talks->error.code != ERR_STAFF_ONLY ? &talks->desk : NULL;
}

bool talks_connected(const struct talks *talks)
{
	(void)talks;
	return !stage_has("cut");
}

const struct error *talks_error(const struct talks *talks)
{
	return talks->error.code != ERR_OK ? &talks->error : NULL;
}

size_t talks_count(const struct talks *talks)
{
	return talks->count;
}

struct talk *talks_at(struct talks *talks, size_t index)
{
	return talks->talks[index];
}

struct talk *talks_find(struct talks *talks, const char *id)
{
	for (size_t i = 0; i < talks->count; i++)
		if (strcmp(talks->talks[i]->state.id, id) == 0)
			return talks->talks[i];
	return NULL;
}

static void tell(struct talks *t)
{
	stage_forget(t);
	stage_later(give_desk, t);
}

void talks_set_state(struct talks *talks, enum agent_state state)
{
	talks->desk.agent.state = (int)state;
	tell(talks);
}

void talks_take(struct talks *talks, const char *id)
{
	for (size_t i = 0; i < talks->count; i++) {
		struct conversation *c = &talks->talks[i]->state;
		bool takes = *id != '\0' ? strcmp(c->id, id) == 0 : c->state == CONVERSATION_WAITING;
		if (!takes)
			continue;
		if (c->state == CONVERSATION_WAITING) {
			c->state = CONVERSATION_TALKING;
			stage_talk_add(talks->talks[i], MESSAGE_JOINED, my_name, 0, "");
			talks->desk.agent.serving++;
		}
		snprintf(c->agent, sizeof c->agent, "%s", me);
		snprintf(c->agent_name, sizeof c->agent_name, "%s", my_name);
		c->offered_until = 0;
		c->since = STAGE_NOW;
		break;
	}
	tell(talks);
}

static void drop(struct talks *talks, const char *id)
{
	for (size_t i = 0; i < talks->count; i++)
		if (strcmp(talks->talks[i]->state.id, id) == 0) {
			stage_talk_free(&talks->talks[i]);
			memmove(&talks->talks[i], &talks->talks[i + 1], (--talks->count - i) * sizeof *talks->talks);
			break;
		}
	talks->desk.agent.serving--;
	tell(talks);
}

void talks_transfer(struct talks *talks, const char *id, const char *agent, const char *note)
{
	(void)agent, (void)note;
	drop(talks, id);
}

void talks_close(struct talks *talks, const char *id)
{
	struct talk *talk = talks_find(talks, id);
	if (talk == NULL)
		return;
	talk->state.state = CONVERSATION_CLOSED;
	stage_talk_add(talk, MESSAGE_CLOSED, my_name, 0, "");
	talks->desk.agent.serving--;
	tell(talks);
}
