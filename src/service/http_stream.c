#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/random.h>

#include <certhall/clock.h>

#include "service/http_private.h"

/* A connection that only waits is suspended: it costs its buffers and no thread. The library does not see that the client
 * of a suspended connection has left; the heartbeat's write does.
 *
 * One lock holds all of it: the list, what each stream is to send, and whether it is suspended. The library's own lock is
 * only ever taken inside it. */

enum { SUBJECTS = 4096, BLOCK = 1024 };

static const char heartbeat_text[] = ":\n\n";
static const char hello_text[] = "retry: 3000\n\n";

/* An event on its way to many. */
struct hs_event {
	size_t readers;
	bool last;
	struct bytes text;
};

struct hs_stream {
	struct hs_stream *next, **owner;
	struct hs_stream *same, **same_owner; /* of the same subject */
	struct hs_subject *subject;
	struct hs_server *server;
	struct MHD_Connection *connection;
	struct hs_event *event; /* being sent; NULL: none */
	const char *words;      /* or this, a constant */
	size_t sent;
	int64_t seq, until, beat;
	bool suspended, stale, ending;
};

struct hs_subject {
	struct hs_subject *next;
	struct hs_stream *streams;
	bool asked; /* a worker is going to render it */
	char name[64];
};

static unsigned slot_of(const char *name)
{
	unsigned h = 2166136261u;
	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % SUBJECTS;
}

static struct hs_subject *find(struct hs_server *server, const char *name)
{
	struct hs_subject *subject = server->subjects[slot_of(name)];
	while (subject != NULL && strcmp(subject->name, name) != 0)
		subject = subject->next;
	return subject;
}

static struct hs_subject *find_or_add(struct hs_server *server, const char *name)
{
	struct hs_subject *subject = find(server, name);
	if (subject != NULL || (subject = calloc(1, sizeof *subject)) == NULL)
		return subject;
	snprintf(subject->name, sizeof subject->name, "%s", name);
	subject->next = server->subjects[slot_of(name)];
	server->subjects[slot_of(name)] = subject;
	return subject;
}

static void drop_subject(struct hs_server *server, struct hs_subject *subject)
{
	struct hs_subject **at = &server->subjects[slot_of(subject->name)];
	while (*at != subject)
		at = &(*at)->next;
	*at = subject->next;
	free(subject);
}

static void drop_event(struct hs_stream *stream)
{
	struct hs_event *event = stream->event;
	stream->event = NULL;
	stream->sent = 0;
	if (event == NULL || --event->readers > 0)
		return;
	bytes_free(&event->text);
	free(event);
}

/* lock held */
static void wake(struct hs_stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	MHD_resume_connection(stream->connection);
}

/* lock held */
static void ask(struct hs_server *server, struct hs_subject *subject)
{
	struct hs_job job = { 0 };
	memcpy(job.subject, subject->name, sizeof job.subject);
	if (!subject->asked)
		subject->asked = hs_pool_add(&server->quick, &job);
}

static ssize_t give(struct hs_stream *stream, const char *data, size_t len, char *buf, size_t max)
{
	size_t n = len - stream->sent < max ? len - stream->sent : max;
	memcpy(buf, data + stream->sent, n);
	stream->sent += n;
	return (ssize_t)n;
}

static ssize_t next_bytes(struct hs_stream *stream, char *buf, size_t max)
{
	struct hs_server *server = stream->server;
	if (stream->words != NULL) {
		if (stream->sent < strlen(stream->words))
			return give(stream, stream->words, strlen(stream->words), buf, max);
		stream->words = NULL;
		stream->sent = 0;
	}
	if (stream->event != NULL) {
		if (stream->sent < stream->event->text.len)
			return give(stream, (const char *)stream->event->text.data, stream->event->text.len, buf, max);
		stream->ending = stream->event->last;
		drop_event(stream);
	}
	if (stream->ending || atomic_load(&server->closing))
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (stream->stale)
		ask(server, stream->subject);
	stream->stale = false;
	stream->suspended = true;
	MHD_suspend_connection(stream->connection);
	return 0;
}

static ssize_t read_stream(void *cls, uint64_t pos, char *buf, size_t max)
{
	(void)pos;
	struct hs_stream *stream = cls;
	pthread_mutex_lock(&stream->server->lock);
	ssize_t n = next_bytes(stream, buf, max);
	pthread_mutex_unlock(&stream->server->lock);
	return n;
}

static void free_stream(void *cls)
{
	struct hs_stream *stream = cls;
	struct hs_server *server = stream->server;
	pthread_mutex_lock(&server->lock);
	*stream->owner = stream->next;
	if (stream->next != NULL)
		stream->next->owner = stream->owner;
	*stream->same_owner = stream->same;
	if (stream->same != NULL)
		stream->same->same_owner = stream->same_owner;
	if (stream->subject->streams == NULL)
		drop_subject(server, stream->subject);
	drop_event(stream);
	server->stream_count--;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
	free(stream);
}

/* lock held */
static bool subscribe(struct hs_stream *stream, const char *name)
{
	struct hs_server *server = stream->server;
	stream->subject = find_or_add(server, name);
	if (stream->subject == NULL)
		return false;
	stream->owner = &server->streams;
	stream->next = server->streams;
	if (stream->next != NULL)
		stream->next->owner = &stream->next;
	server->streams = stream;
	stream->same_owner = &stream->subject->streams;
	stream->same = stream->subject->streams;
	if (stream->same != NULL)
		stream->same->same_owner = &stream->same;
	stream->subject->streams = stream;
	server->stream_count++;
	ask(server, stream->subject);
	return true;
}

/* Of the clock that only runs: setting the other one must neither end streams nor silence them. */
static int64_t seconds(void)
{
	return clock_monotonic_ms() / 1000;
}

int hs_answer_stream(struct hs_request *request, const char *subject, int64_t seq, int64_t until)
{
	struct hs_server *server = request->server;
	struct hs_stream *stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		return ERR_NO_MEMORY;
	uint32_t spread = 0;
	ssize_t ignored = getrandom(&spread, sizeof spread, 0); /* so that those that came together do not come back together */
	(void)ignored;
	int max_age = server->settings.max_age;
	int64_t now = seconds(), end = now + max_age + spread % (unsigned)(max_age / 10 + 1), last = until - clock_now() + now;
	*stream = (struct hs_stream){ .server = server, .connection = request->connection, .words = hello_text, .seq = seq,
		.until = until != 0 && last < end ? last : end, .beat = now + server->settings.heartbeat };
	pthread_mutex_lock(&server->lock);
	bool ok = subscribe(stream, subject);
	pthread_mutex_unlock(&server->lock);
	if (!ok) {
		free(stream);
		return ERR_NO_MEMORY;
	}
	bytes_free(&request->body);
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, stream, free_stream);
	if (response == NULL)
		free_stream(stream);
	else
		MHD_add_response_header(response, "Content-Type", "text/event-stream");
	return hs_set(request, MHD_HTTP_OK, response);
}

/* lock held. One that still sends the event before gets the newest when it is done. */
static void deliver(struct hs_subject *subject, struct hs_event *event, int64_t seq)
{
	for (struct hs_stream *stream = subject->streams; stream != NULL; stream = stream->same) {
		if (stream->seq >= seq) {
			stream->ending = stream->ending || (event->last && stream->event == NULL);
		} else if (stream->event != NULL) {
			stream->stale = true;
			continue;
		} else {
			stream->event = event;
			event->readers++;
			stream->seq = seq;
			if (stream->words == NULL)
				stream->sent = 0;
		}
		wake(stream);
	}
}

void hs_render(struct hs_server *server, const char *name, int worker)
{
	pthread_mutex_lock(&server->lock);
	struct hs_subject *subject = find(server, name);
	if (subject != NULL)
		subject->asked = false;
	pthread_mutex_unlock(&server->lock);
	struct hs_event *event = calloc(1, sizeof *event);
	if (subject == NULL || event == NULL) {
		free(event);
		return;
	}
	event->readers = 1;
	int64_t seq = 0;
	struct error err = { 0 };
	int rc = server->settings.render(server->settings.ctx, name, worker, &seq, &event->text, &event->last, &err);
	pthread_mutex_lock(&server->lock);
	subject = find(server, name); /* its last stream may have gone */
	if (rc == 0 && subject != NULL)
		deliver(subject, event, seq);
	else if (subject != NULL)
		for (struct hs_stream *stream = subject->streams; stream != NULL; stream = stream->same) {
			stream->ending = true; /* the client comes back */
			wake(stream);
		}
	if (--event->readers == 0) {
		bytes_free(&event->text);
		free(event);
	}
	pthread_mutex_unlock(&server->lock);
}

void hs_publish(struct hs_server *server, const char *name)
{
	pthread_mutex_lock(&server->lock);
	struct hs_subject *subject = find(server, name);
	if (subject != NULL)
		ask(server, subject);
	pthread_mutex_unlock(&server->lock);
}

/* One that still sends something goes without. */
void hs_tell(struct hs_server *server, const char *name, const char *text)
{
	struct hs_event *event = calloc(1, sizeof *event);
	if (event == NULL || bytes_set(&event->text, text, strlen(text)) != 0) {
		free(event);
		return;
	}
	event->readers = 1;
	pthread_mutex_lock(&server->lock);
	struct hs_subject *subject = find(server, name);
	for (struct hs_stream *stream = subject != NULL ? subject->streams : NULL; stream != NULL; stream = stream->same) {
		if (stream->event != NULL || stream->words != NULL)
			continue;
		stream->event = event;
		stream->sent = 0;
		event->readers++;
		wake(stream);
	}
	if (--event->readers == 0) {
		bytes_free(&event->text);
		free(event);
	}
	pthread_mutex_unlock(&server->lock);
}

size_t hs_streams(struct hs_server *server)
{
	pthread_mutex_lock(&server->lock);
	size_t n = server->stream_count;
	pthread_mutex_unlock(&server->lock);
	return n;
}

/* lock held */
static void beat(struct hs_server *server)
{
	int64_t now = seconds();
	for (struct hs_stream *stream = server->streams; stream != NULL; stream = stream->next) {
		if (now >= stream->until)
			stream->ending = true;
		if (now < stream->beat && !stream->ending)
			continue;
		stream->beat = now + server->settings.heartbeat;
		if (!stream->suspended)
			continue; /* it sends something anyway */
		stream->words = heartbeat_text;
		stream->sent = 0;
		wake(stream);
	}
}

static void *tick(void *arg)
{
	struct hs_server *server = arg;
	pthread_mutex_lock(&server->lock);
	while (!atomic_load(&server->closing)) {
		struct timespec at;
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_sec++;
		while (!atomic_load(&server->closing) && pthread_cond_timedwait(&server->ending, &server->lock, &at) == 0)
			;
		beat(server);
		pthread_mutex_unlock(&server->lock);
		hs_connections_cut(server, server->settings.receive);
		pthread_mutex_lock(&server->lock);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

int hs_streams_start(struct hs_server *server, struct error *err)
{
	server->subjects = calloc(SUBJECTS, sizeof(struct hs_subject *));
	if (server->subjects == NULL || pthread_create(&server->ticker, NULL, tick, server) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "streams");
	server->ticker_runs = true;
	return 0;
}

void hs_streams_end(struct hs_server *server)
{
	pthread_mutex_lock(&server->lock);
	for (struct hs_stream *stream = server->streams; stream != NULL; stream = stream->next)
		wake(stream);
	pthread_cond_broadcast(&server->ending);
	pthread_mutex_unlock(&server->lock);
}

void hs_streams_stop(struct hs_server *server)
{
	if (server->ticker_runs)
		pthread_join(server->ticker, NULL);
	free(server->subjects);
}
