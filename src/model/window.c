#include <certhall/model.h>

#include <certhall/clock.h>

enum standing window_standing(const struct window *window, int64_t not_before, int64_t not_after, int64_t now,
	int64_t *from, int64_t *until)
{
	*from = clock_add_months(not_after, -(int)window->before_months);
	*until = clock_add_months(not_after, (int)window->after_months);
	if (now < not_before)
		return STANDING_NOT_YET_VALID;
	if (now < *from)
		return STANDING_TOO_EARLY;
	if (now > *until)
		return STANDING_TOO_LATE;
	return now <= not_after ? STANDING_RENEWABLE : STANDING_EXPIRED_RENEWABLE;
}
