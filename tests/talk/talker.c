/* Speaks in one conversation by libtalk, for tests: talker CONFIG REQUEST. A line of input is said ("\r" in it is a newline);
 * "!close N" ends with a rating, "!state" tells. Told, a line each: "message SEQ SIDE BODY" in their order, once each; "state NAME";
 * "mark SENDING SENT DELIVERED READ REFUSED" (how many of one's own); "refused CODE"; "line up" and "line down". At the end of input it
 * stays until everything said has arrived, and ends 0. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <certhall/loop.h>
#include <certhall/secret.h>
#include <certhall/talk.h>

static struct {
	struct loop *loop;
	struct hall *hall;
	struct settings settings;
	struct talk *talk;
	struct loop_watch *input;
	char line[8192];
	size_t used;
	bool ended, was_connected;
	int rating; /* that was given; 0: none */
	int64_t told;
	int state;
	char marks[80];
} t;

static void tell_messages(void)
{
	for (size_t i = 0; i < talk_count(t.talk); i++) {
		const struct message *m = talk_message(t.talk, i);
		if (m->seq != t.told + 1)
			continue;
		t.told = m->seq;
		printf("message %lld %s ", (long long)m->seq, chat_side_names[m->side]);
		for (const char *at = m->body; *at != '\0'; at++)
			putchar(*at == '\n' ? '\r' : *at);
		putchar('\n');
	}
	talk_shown(t.talk);
}

static void tell_marks(void)
{
	size_t count[TALK_REFUSED + 1] = { 0 };
	char now[80];
	for (size_t i = 0; i < talk_count(t.talk); i++)
		if (talk_is_mine(t.talk, i))
			count[talk_mark(t.talk, i)]++;
	snprintf(now, sizeof now, "mark %zu %zu %zu %zu %zu", count[0], count[1], count[2], count[3], count[4]);
	if (strcmp(now, t.marks) != 0)
		puts(now);
	memcpy(t.marks, now, sizeof now);
	bool rated = t.rating == 0 || talk_state(t.talk)->rating == t.rating;
	if (t.ended && count[TALK_SENDING] == 0 && talk_state(t.talk)->id[0] != '\0' && rated)
		loop_stop(t.loop, 0);
}

static void changed(void *ctx)
{
	(void)ctx;
	if (talk_connected(t.talk) != t.was_connected)
		printf("line %s\n", talk_connected(t.talk) ? "up" : "down");
	t.was_connected = talk_connected(t.talk);
	if (talk_state(t.talk)->id[0] != '\0' && talk_state(t.talk)->state != t.state)
		printf("state %s\n", conversation_state_names[talk_state(t.talk)->state]);
	if (talk_state(t.talk)->id[0] != '\0')
		t.state = talk_state(t.talk)->state;
	tell_messages();
	tell_marks();
	fflush(stdout);
}

static void take_line(char *line)
{
	struct error err;
	for (char *at = line; (at = strchr(at, '\r')) != NULL;)
		*at = '\n';
	if (strncmp(line, "!close ", 7) == 0)
		talk_close(t.talk, t.rating = atoi(line + 7));
	else if (strcmp(line, "!state") == 0)
		printf("state %s %s\n", conversation_state_names[talk_state(t.talk)->state], talk_state(t.talk)->id);
	else if (talk_say(t.talk, MESSAGE_TEXT, line, &err) != 0)
		printf("refused %s\n", error_name(err.code));
	changed(NULL);
}

static void on_input(void *ctx, int fd, int ready)
{
	(void)ctx;
	(void)ready;
	ssize_t n = read(fd, t.line + t.used, sizeof t.line - 1 - t.used);
	if (n <= 0) {
		t.ended = true;
		loop_unwatch(t.loop, &t.input);
		changed(NULL);
		return;
	}
	t.used += (size_t)n;
	char *end;
	while ((end = memchr(t.line, '\n', t.used)) != NULL) {
		*end = '\0';
		size_t len = (size_t)(end - t.line) + 1;
		take_line(t.line);
		memmove(t.line, t.line + len, t.used - len);
		t.used -= len;
	}
}

int main(int argc, char **argv)
{
	struct conversation_request request = { .language = "zh_CN", .topic = "pay" };
	struct error err;
	signal(SIGPIPE, SIG_IGN);
	if (argc != 3 || settings_load(argv[1], &t.settings, &err) != 0)
		return 2;
	secret_init();
	t.state = -1;
	snprintf(request.request, sizeof request.request, "%s", argv[2]);
	t.loop = loop_new();
	if (t.loop == NULL || hall_new(t.loop, &t.settings, &t.hall) != 0 || talk_begin(t.hall, t.loop, &request, changed, NULL, &t.talk) != 0)
		return 3;
	t.input = loop_watch(t.loop, STDIN_FILENO, LOOP_READ, on_input, NULL);
	int status = loop_run(t.loop);
	talk_free(&t.talk);
	hall_free(&t.hall);
	loop_free(&t.loop);
	return status;
}
