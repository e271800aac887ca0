/*
 * The least an HTTPS server on libmicrohttpd does: hello CERTIFICATE KEY PORT-FILE
 * /hello answers a small JSON object; /events is a stream that stays open, and gets one event when /fire is asked for.
 * Ends when standard input does.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

enum { STREAMS = 10000 };
static const char HELLO[] = "{\"hello\":\"world\",\"time\":\"2026-01-01T00:00:00Z\"}";
static const char EVENT[] = "id: 1\nevent: order\ndata: {\"state\":\"paid\"}\n\n";

struct stream {
	struct MHD_Connection *connection;
	int sent, fired;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stream *streams[STREAMS];
static int stream_count, firings;

static ssize_t stream_read(void *ctx, uint64_t at, char *out, size_t room)
{
	struct stream *stream = ctx;
	(void)at;
	pthread_mutex_lock(&lock);
	const char *text = stream->sent == 0 ? ": hello\n\n" : stream->fired < firings ? EVENT : NULL;
	if (stream->sent == 0)
		stream->sent = 1;
	else if (text != NULL)
		stream->fired = firings;
	else
		MHD_suspend_connection(stream->connection);
	pthread_mutex_unlock(&lock);
	size_t len = text != NULL ? strlen(text) : 0;
	if (len > 0 && len <= room)
		memcpy(out, text, len);
	return (ssize_t)len;
}

static void stream_free(void *ctx)
{
	struct stream *stream = ctx;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < stream_count; i++)
		if (streams[i] == stream)
			streams[i] = streams[--stream_count];
	pthread_mutex_unlock(&lock);
	free(stream);
}

static void fire(void)
{
	pthread_mutex_lock(&lock);
	firings++;
	for (int i = 0; i < stream_count; i++)
		MHD_resume_connection(streams[i]->connection);
	pthread_mutex_unlock(&lock);
}

static struct MHD_Response *answer_for(struct MHD_Connection *connection, const char *path)
{
	if (strcmp(path, "/events") == 0) {
		struct stream *stream = calloc(1, sizeof *stream);
		stream->connection = connection;
		pthread_mutex_lock(&lock);
		stream->fired = firings;
		if (stream_count < STREAMS)
			streams[stream_count++] = stream;
		pthread_mutex_unlock(&lock);
		struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, stream_read, stream, stream_free);
		MHD_add_response_header(response, "Content-Type", "text/event-stream");
		return response;
	}
	if (strcmp(path, "/fire") == 0)
		fire();
	struct MHD_Response *response = MHD_create_response_from_buffer(sizeof HELLO - 1, (void *)(uintptr_t)HELLO, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	return response;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
	const char *body, size_t *body_len, void **state)
{
	static int begun;
	(void)ctx, (void)method, (void)version, (void)body, (void)body_len;
	if (*state == NULL) {
		*state = &begun;
		return MHD_YES;
	}
	struct MHD_Response *response = answer_for(connection, path);
	enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);
	if (file == NULL || text == NULL || fread(text, 1, 65535, file) == 0) {
		perror(path);
		exit(1);
	}
	fclose(file);
	return text;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: hello CERTIFICATE KEY PORT-FILE\n", stderr);
		return 2;
	}
	char *certificate = read_all(argv[1]), *key = read_all(argv[2]);
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_request, NULL, MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_CONNECTION_LIMIT, 12000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
		MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);
	if (daemon == NULL)
		return 1;
	FILE *file = fopen(argv[3], "w");
	if (file == NULL)
		return 1;
	fprintf(file, "%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fclose(file);
	char end;
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	_exit(0); /* thousands of streams need no goodbye here */
}
