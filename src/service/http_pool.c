#include <stdlib.h>

#include <certhall/log.h>

#include "service/http_private.h"

static struct hs_job *take(struct hs_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->ending)
		pthread_cond_wait(&pool->wake, &pool->lock);
	struct hs_job *job = pool->first;
	if (job != NULL) {
		pool->first = job->next;
		if (pool->first == NULL)
			pool->last = &pool->first;
		pool->waiting--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void handle(struct hs_request *request, int worker)
{
	struct error err = { 0 };
	int rc = request->route->handle(request->server->settings.ctx, request, worker, &err);
	if (rc != 0 && err.code == ERR_OK)
		err.code = (enum error_code)rc;
	if (request->response == NULL)
		hs_answer_problem(request, &err);
	request->handled = true;
	hs_resume(request);
}

struct start {
	struct hs_pool *pool;
	int number;
};

static void *work(void *arg)
{
	struct start start = *(struct start *)arg;
	free(arg);
	for (struct hs_job *job; (job = take(start.pool)) != NULL; free(job)) {
		if (job->request != NULL)
			handle(job->request, start.number);
		else
			hs_render(start.pool->server, job->subject, start.number);
	}
	return NULL;
}

bool hs_pool_add(struct hs_pool *pool, const struct hs_job *job)
{
	struct hs_job *copy = malloc(sizeof *copy);
	if (copy == NULL)
		return false;
	*copy = *job;
	copy->next = NULL;
	pthread_mutex_lock(&pool->lock);
	/* what a stream waits for was promised already, so it is not turned away */
	bool full = pool->ending || (job->request != NULL && pool->waiting >= pool->waiting_max);
	if (!full) {
		*pool->last = copy;
		pool->last = &copy->next;
		pool->waiting++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	if (full)
		free(copy);
	return !full;
}

int hs_pool_start(struct hs_pool *pool, struct hs_server *server, int first_number, int count, struct error *err)
{
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pool->last = &pool->first;
	pool->waiting_max = server->settings.waiting_max;
	pool->first_number = first_number;
	pool->server = server;
	pool->threads = calloc((size_t)count, sizeof *pool->threads);
	for (int i = 0; pool->threads != NULL && i < count; i++) {
		struct start *start = malloc(sizeof *start);
		if (start == NULL)
			break;
		*start = (struct start){ pool, first_number + i };
		if (pthread_create(&pool->threads[i], NULL, work, start) != 0) {
			free(start);
			break;
		}
		pool->count++;
	}
	return pool->count == count ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "threads");
}

void hs_pool_stop(struct hs_pool *pool)
{
	if (pool->server == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < pool->count; i++)
		pthread_join(pool->threads[i], NULL);
	free(pool->threads);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
}
