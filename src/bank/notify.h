/* Sends the notifications the ledger holds, until each is taken or given up. */
#ifndef BANK_NOTIFY_H
#define BANK_NOTIFY_H

#include "bank/bank.h"

struct notifier;

/* ca_file: trusted for https beside nothing else; NULL: the system's. */
int notifier_new(struct bank *bank, const char *ca_file, struct notifier **out, struct error *err) CH_MUST_CHECK;
void notifier_free(struct notifier **notifier);

/* Sends until stop_fd is readable. */
void notifier_run(struct notifier *notifier, int stop_fd);

/* Any thread: there may be something new to send. ctx is the notifier. */
void notifier_wake(void *ctx);

#endif
