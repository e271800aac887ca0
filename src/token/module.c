#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libp11.h>
#include <openssl/err.h>
#include <openssl/ui.h>

#include <certhall/i18n.h>

#include "token/helper.h"

/* Code of a file that others can change is not run (CVE-2023-38408 shows where that leads). The reasons are translated
 * by certhall, whose language this process does not know. */
static int check_file(const char *path, char *real, struct error *err)
{
	struct stat file, folder;
	char parent[PATH_MAX];
	if (path[0] != '/')
		return error_set(err, ERR_TOKEN_MODULE, N_("its path is not absolute"), "%s", path);
	if (realpath(path, real) == NULL || stat(real, &file) != 0)
		return error_set(err, errno == ENOENT ? ERR_TOKEN_NO_MODULE : ERR_TOKEN_MODULE, N_("it cannot be read"),
			"%s: %s", path, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return error_set(err, ERR_TOKEN_MODULE, N_("it is not a file"), "%s", real);
	if (file.st_uid != 0 && file.st_uid != getuid())
		return error_set(err, ERR_TOKEN_MODULE, N_("it belongs to another user"), "%s: uid %u", real, file.st_uid);
	snprintf(parent, sizeof parent, "%s", real);
	if (stat(dirname(parent), &folder) != 0 || file.st_mode & (S_IWGRP | S_IWOTH) ||
			(folder.st_mode & S_IWOTH && !(folder.st_mode & S_ISVTX)))
		return error_set(err, ERR_TOKEN_MODULE, N_("other users may change it"), "%s: mode %o", real, file.st_mode);
	return 0;
}

static int get_functions(const char *path, CK_FUNCTION_LIST **list, struct error *err)
{
	/* Stays loaded: libp11 opens the same file and so the same instance. */
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		const char *why = dlerror();
		return error_set(err, ERR_TOKEN_MODULE,
			strstr(why, "ELF") != NULL ? N_("it was made for another kind of computer") : N_("it does not start"), "%s", why);
	}
	CK_C_GetFunctionList get = NULL;
	void *symbol = dlsym(library, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get);
	CK_RV rv = get != NULL ? get(list) : CKR_GENERAL_ERROR;
	if (rv != CKR_OK || *list == NULL || (*list)->version.major < 2) {
		dlclose(library);
		return error_set(err, ERR_TOKEN_MODULE, N_("it is no PKCS#11 module"), "%s: C_GetFunctionList 0x%lx", path, rv);
	}
	return 0;
}

/* p11-kit's proxies hand every caller an instance of its own, which libp11's C_Initialize did not reach. */
static CK_RV initialise(struct helper *helper, CK_FUNCTION_LIST *list)
{
	CK_INFO info;
	CK_RV rv = list->C_GetInfo(&info);
	helper->apart = rv == CKR_CRYPTOKI_NOT_INITIALIZED;
	if (!helper->apart)
		return rv;
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	void *reserved = (void *)helper->module_args;
	memcpy(&args.pReserved, &reserved, sizeof reserved);
	rv = list->C_Initialize(&args);
	return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

/* A key with a PIN of its own (CKA_ALWAYS_AUTHENTICATE) makes libp11 ask for it. Refusing is the answer: OpenSSL's method
 * would ask on the terminal, its null method would try an empty PIN. */
static int refuse(UI *ui)
{
	(void)ui;
	return 0;
}

static int refuse_questions(struct helper *helper, PKCS11_CTX *ctx)
{
	if (helper->ui == NULL)
		helper->ui = UI_create_method("certhall-token");
	return helper->ui != NULL && UI_method_set_opener(helper->ui, refuse) == 0 &&
		PKCS11_set_ui_method(ctx, helper->ui, NULL) == 0 ? 0 : -1;
}

int module_load(struct helper *helper, struct error *err)
{
	char real[PATH_MAX];
	CK_FUNCTION_LIST *list = NULL;
	if (helper->p11 != NULL)
		return 0;
	int rc = check_file(helper->module_path, real, err);
	if (rc == 0)
		rc = get_functions(real, &list, err);
	if (rc != 0)
		return rc;
	PKCS11_CTX *ctx = PKCS11_CTX_new();
	if (ctx == NULL || refuse_questions(helper, ctx) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "libp11");
	if (helper->module_args != NULL)
		PKCS11_CTX_init_args(ctx, helper->module_args);
	CK_RV rv;
	ERR_clear_error();
	if (PKCS11_CTX_load(ctx, real) != 0) {
		rv = ckr_of_libp11();
		PKCS11_CTX_free(ctx);
		return error_set(err, ERR_TOKEN_MODULE, N_("it does not start"), "%s: C_Initialize 0x%lx", real, rv);
	}
	if ((rv = initialise(helper, list)) != CKR_OK) {
		PKCS11_CTX_unload(ctx);
		PKCS11_CTX_free(ctx);
		return error_set(err, ERR_TOKEN_MODULE, N_("it does not start"), "%s: C_GetInfo 0x%lx", real, rv);
	}
	helper->p11 = list;
	helper->ctx = ctx;
	snprintf(helper->path, sizeof helper->path, "%s", real);
	return 0;
}

void module_unload(struct helper *helper)
{
	if (helper->p11 != NULL) {
		session_logout(helper);
		if (helper->apart)
			helper->p11->C_Finalize(NULL);
		PKCS11_CTX_unload(helper->ctx);
		PKCS11_CTX_free(helper->ctx);
	}
	helper->p11 = NULL;
	helper->ctx = NULL;
	UI_destroy_method(helper->ui);
	helper->ui = NULL;
}
