#include "hall/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#define SONAME "libcurl.so.4" /* of every libcurl since 7.16 (2006), whose functions these are */

struct curl curl;

int curl_load(struct error *err)
{
	static bool loaded;
	if (loaded)
		return 0;
	void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL); /* stays until the program ends */
	if (library == NULL)
		return error_set(err, ERR_UNEXPECTED, SONAME, "%s", dlerror());
#define X(name) \
	void *name = dlsym(library, "curl_" #name); \
	if (name == NULL) \
		return error_set(err, ERR_UNEXPECTED, SONAME, "no curl_%s", #name); \
	memcpy(&curl.name, &name, sizeof name); /* ISO C knows no cast from an object to a function */
	CURL_FUNCTIONS(X)
#undef X
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERR_NO_MEMORY, NULL, "curl");
	loaded = true;
	return 0;
}
