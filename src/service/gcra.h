/* Request rates: the generic cell rate algorithm (ITU-T I.371), one moment a key, in a table of fixed size. Thread-safe. */
#ifndef SERVICE_GCRA_H
#define SERVICE_GCRA_H

#include <stddef.h>
#include <stdint.h>

struct gcra;

struct gcra_rate {
	int64_t per_minute; /* steady; 0: no limit */
	int64_t burst;      /* at once, at least 1 */
};

/* keys: how many are told apart at a time; when there are more, the one longest unheard of is forgotten (it is the one
 * that would be let through anyway). NULL: no memory. */
struct gcra *gcra_new(size_t keys);
void gcra_free(struct gcra **gcra);

/* One request of key (any text) at now_ms. 0: let it through; otherwise the seconds to wait, at least 1. */
int64_t gcra_take(struct gcra *gcra, const struct gcra_rate *rate, const char *key, int64_t now_ms);

#endif
