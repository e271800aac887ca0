/* The bank's web server. */
#ifndef BANK_HTTP_H
#define BANK_HTTP_H

#include <stdint.h>

#include "bank/bank.h"

struct MHD_Daemon;

/* Listens on an IPv4 address; port 0 takes a free one, *port is the one taken. */
int http_start(struct bank *bank, const char *address, uint16_t *port, struct MHD_Daemon **out, struct error *err) CH_MUST_CHECK;
void http_stop(struct bank *bank, struct MHD_Daemon *daemon);

#endif
