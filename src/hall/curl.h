/* libcurl, loaded with the first request and not with the program: it and the thirty libraries behind it take longer to load than
 * everything else that happens before the first paint (docs/performance.md).
 *
 * curl.easy_init() is curl_easy_init(), and so on; none may be called before curl_load() was. */
#ifndef HALL_CURL_H
#define HALL_CURL_H

#include <curl/curl.h>

#include <certhall/error.h>

#define CURL_FUNCTIONS(X) \
	X(global_init) X(easy_init) X(easy_cleanup) X(easy_setopt) X(easy_getinfo) X(easy_strerror) X(slist_append) X(slist_free_all) \
	X(multi_init) X(multi_cleanup) X(multi_setopt) X(multi_assign) X(multi_add_handle) X(multi_remove_handle) X(multi_socket_action) \
	X(multi_info_read)

struct curl {
#define X(name) __typeof__(curl_##name) *name;
	CURL_FUNCTIONS(X)
#undef X
};

extern struct curl curl;

/* Loads and initialises it, once. ERR_UNEXPECTED: it is not on this machine. */
int curl_load(struct error *err) CH_MUST_CHECK;

#endif
