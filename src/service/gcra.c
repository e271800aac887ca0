#include "service/gcra.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

enum { WAYS = 8 }; /* keys that share a bucket */

struct cell {
	uint64_t key; /* 0: free */
	int64_t due_us; /* theoretical arrival time */
};

struct gcra {
	pthread_mutex_t lock;
	uint64_t seed;
	size_t buckets;
	struct cell cells[];
};

struct gcra *gcra_new(size_t keys)
{
	size_t buckets = keys / WAYS + 1;
	struct gcra *gcra = calloc(1, sizeof *gcra + buckets * WAYS * sizeof(struct cell));
	if (gcra == NULL)
		return NULL;
	pthread_mutex_init(&gcra->lock, NULL);
	gcra->buckets = buckets;
	if (getrandom(&gcra->seed, sizeof gcra->seed, 0) != (ssize_t)sizeof gcra->seed)
		gcra->seed = (uint64_t)(uintptr_t)gcra;
	return gcra;
}

void gcra_free(struct gcra **gcra_ref)
{
	if (*gcra_ref != NULL)
		pthread_mutex_destroy(&(*gcra_ref)->lock);
	free(*gcra_ref);
	*gcra_ref = NULL;
}

/* FNV-1a over a seed nobody knows, mixed as splitmix64 does. */
static uint64_t hash(const struct gcra *gcra, const char *key)
{
	uint64_t h = 0xcbf29ce484222325u ^ gcra->seed;
	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3u;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	h ^= h >> 31;
	return h != 0 ? h : 1;
}

static struct cell *find(struct gcra *gcra, uint64_t key)
{
	struct cell *bucket = &gcra->cells[key % gcra->buckets * WAYS], *oldest = bucket;
	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].key == key)
			return &bucket[i];
		if (bucket[i].due_us < oldest->due_us)
			oldest = &bucket[i];
	}
	*oldest = (struct cell){ .key = key };
	return oldest;
}

int64_t gcra_take(struct gcra *gcra, const struct gcra_rate *rate, const char *key, int64_t now_ms)
{
	if (rate->per_minute <= 0)
		return 0;
	int64_t interval = 60000000 / rate->per_minute, now = now_ms * 1000;
	int64_t tolerance = interval * (rate->burst > 1 ? rate->burst - 1 : 0), wait = 0;
	pthread_mutex_lock(&gcra->lock);
	struct cell *cell = find(gcra, hash(gcra, key));
	int64_t due = cell->due_us > now ? cell->due_us : now;
	if (due - now > tolerance)
		wait = due - now - tolerance;
	else
		cell->due_us = due + interval;
	pthread_mutex_unlock(&gcra->lock);
	return wait > 0 ? (wait + 999999) / 1000000 : 0;
}
