#include <time.h>

#include <certhall/clock.h>

#include "service/http_private.h"

void hs_answer_not_before(struct hs_request *request, int64_t ms)
{
	request->not_before_ms = ms;
}

void hs_resume(struct hs_request *request)
{
	struct hs_later *later = &request->server->later;
	if (request->not_before_ms <= clock_monotonic_ms()) {
		MHD_resume_connection(request->connection);
		return;
	}
	pthread_mutex_lock(&later->lock);
	struct hs_request **at = &later->first;
	while (*at != NULL && (*at)->not_before_ms <= request->not_before_ms)
		at = &(*at)->later;
	request->later = *at;
	*at = request;
	if (later->first == request)
		pthread_cond_signal(&later->changed);
	pthread_mutex_unlock(&later->lock);
}

/* lock held. The end of the wait: the moment of the first, or when another comes before it. */
static void wait(struct hs_later *later)
{
	if (later->first == NULL) {
		pthread_cond_wait(&later->changed, &later->lock);
		return;
	}
	int64_t ms = later->first->not_before_ms;
	const struct timespec at = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	pthread_cond_timedwait(&later->changed, &later->lock, &at);
}

static void *run(void *arg)
{
	struct hs_later *later = arg;
	pthread_mutex_lock(&later->lock);
	while (!later->ending || later->first != NULL) {
		struct hs_request *first = later->first;
		if (first == NULL || (!later->ending && first->not_before_ms > clock_monotonic_ms())) {
			wait(later);
			continue;
		}
		later->first = first->later;
		pthread_mutex_unlock(&later->lock);
		MHD_resume_connection(first->connection);
		pthread_mutex_lock(&later->lock);
	}
	pthread_mutex_unlock(&later->lock);
	return NULL;
}

int hs_later_start(struct hs_server *server, struct error *err)
{
	struct hs_later *later = &server->later;
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&later->lock, NULL);
	pthread_cond_init(&later->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	later->runs = pthread_create(&later->thread, NULL, run, later) == 0;
	return later->runs ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "threads");
}

void hs_later_stop(struct hs_server *server)
{
	struct hs_later *later = &server->later;
	if (!later->runs)
		return;
	pthread_mutex_lock(&later->lock);
	later->ending = true;
	pthread_cond_signal(&later->changed);
	pthread_mutex_unlock(&later->lock);
	pthread_join(later->thread, NULL);
	pthread_cond_destroy(&later->changed);
	pthread_mutex_destroy(&later->lock);
}
