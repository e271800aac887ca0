/* Signing in at the hall for service (live service, one's invoices, the agents' desk): the challenge signed by a certificate's key, which
 * need not be in its time of renewal. A renewal signs in by itself (renewal.h).
 */
#ifndef CERTHALL_SIGNIN_H
#define CERTHALL_SIGNIN_H

#include <certhall/renewal.h>

struct signin;

/* err NULL: hall_logged_in; the key is logged out again. From the loop; the signin is gone then. */
typedef void signin_fn(void *ctx, const struct error *err);

/* cert is copied, pin is taken over (empty for a key with its own pad). Fails as the key, the PIN or the hall do; never tries a PIN
 * twice. NULL: no memory, done is not called. */
struct signin *signin_start(const struct world *world, const struct keyed_cert *cert, struct secret *pin, signin_fn *done, void *ctx);
void signin_cancel(struct signin **signin);

#endif
