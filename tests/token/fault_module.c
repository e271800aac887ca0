/* A PKCS#11 module for tests: passes everything to a real one (SoftHSM) and breaks what it is told to.
 *
 * Environment:
 *   FAULT_MODULE_REAL  path of the real module; default: where Debian puts SoftHSM
 *   FAULT_MODULE_DIR   folder of the knobs; they are looked at on every call, so a running program can be caught out
 *
 * Knobs (files in that folder):
 *   removed       (any content) the key is pulled out: slots show no token, sessions give CKR_DEVICE_REMOVED. When the file
 *                 goes away the key is there again, logged out, and old session handles are invalid.
 *   pin_max       number of wrong PINs that lock the key, for good: CKF_USER_PIN_COUNT_LOW after the first, _FINAL_TRY before
 *                 the last, _LOCKED and CKR_PIN_LOCKED after it. Without the file the real module's own behaviour.
 *   pin_tries     wrong PINs so far, kept by this module; remove it to unlock.
 *   pin_pad       the PIN a person would type on the reader: CKF_PROTECTED_AUTHENTICATION_PATH is set, C_Login takes only
 *                 NULL. "cancel" plays the cancel key.
 *   sessions_max  number of sessions that can be open at a time.
 *   leaky         new private keys are extractable whatever the template says.
 *   plan          lines "FUNCTION NTH ACTION [ARGUMENT]". On the NTH call of FUNCTION in this process ("*": the next one)
 *                 the line is taken out of the file and done:
 *                   rv CKR           returns CKR (a number as strtoul takes it) and does nothing
 *                   after-error CKR  does it and returns CKR
 *                   exit             ends the process before doing it
 *                   after-exit       ends the process after doing it
 *                   sleep SECONDS    waits before doing it
 *                   remove           pulls the key out (creates "removed") before doing it
 *                   after-remove     pulls it out after doing it and returns CKR_DEVICE_ERROR
 *   trace         when it exists every call is appended: "FUNCTION 0xCKR". Never arguments, so never a PIN.
 *
 * Calls that can be planned: see the list of WRAP and the functions above it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>

#define REAL_DEFAULT "/usr/lib/softhsm/libsofthsm2.so"

enum { PATH_SIZE = 512, TEXT_SIZE = 4096, CALLS_MAX = 64, SLOTS_MAX = 16 };

static CK_FUNCTION_LIST *real, mine;
static bool was_removed;
static unsigned long open_sessions;
static struct {
	const char *name;
	unsigned long count;
} calls[CALLS_MAX];

/* knobs */

static const char *knob_path(const char *name, char path[PATH_SIZE])
{
	const char *folder = getenv("FAULT_MODULE_DIR");
	snprintf(path, PATH_SIZE, "%s/%s", folder != NULL ? folder : "/nonexistent", name);
	return path;
}

static bool knob_read(const char *name, char text[TEXT_SIZE])
{
	char path[PATH_SIZE];
	text[0] = '\0';
	FILE *file = fopen(knob_path(name, path), "re");
	if (file == NULL)
		return false;
	size_t n = fread(text, 1, TEXT_SIZE - 1, file);
	text[n] = '\0';
	fclose(file);
	return true;
}

static bool knob_number(const char *name, unsigned long *number)
{
	char text[TEXT_SIZE];
	bool there = knob_read(name, text);
	*number = there ? strtoul(text, NULL, 0) : 0;
	return there;
}

static void knob_write(const char *name, const char *text)
{
	char path[PATH_SIZE], beside[PATH_SIZE];
	FILE *file = fopen(knob_path("new", beside), "we");
	if (file == NULL)
		return;
	fputs(text, file);
	fclose(file);
	rename(beside, knob_path(name, path));
}

static bool knob_is_there(const char *name)
{
	char path[PATH_SIZE];
	return access(knob_path(name, path), F_OK) == 0;
}

static CK_RV leave(const char *function, CK_RV rv)
{
	char path[PATH_SIZE];
	if (knob_is_there("trace")) {
		FILE *file = fopen(knob_path("trace", path), "ae");
		if (file != NULL) {
			fprintf(file, "%s 0x%lx\n", function, rv);
			fclose(file);
		}
	}
	return rv;
}

/* the plan */

enum deed { GO_ON, RETURN, AFTER_ERROR, AFTER_EXIT, AFTER_REMOVE };

static unsigned long count_call(const char *function)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (calls[i].name == NULL)
			calls[i].name = function;
		if (strcmp(calls[i].name, function) == 0)
			return ++calls[i].count;
	}
	abort();
}

/* Takes the line for this call out of the plan; false when there is none. */
static bool plan_take(const char *function, unsigned long nth, char action[32], unsigned long *argument)
{
	char text[TEXT_SIZE], rest[TEXT_SIZE] = "", name[64], when[16], what[32], number[32];
	bool found = false;
	size_t used = 0;
	if (!knob_read("plan", text))
		return false;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		number[0] = '\0';
		bool fits = !found && sscanf(line, "%63s %15s %31s %31s", name, when, what, number) >= 3 &&
			strcmp(name, function) == 0 && (strcmp(when, "*") == 0 || strtoul(when, NULL, 10) == nth);
		if (!fits) {
			used += (size_t)snprintf(rest + used, sizeof rest - used, "%s\n", line);
			continue;
		}
		found = true;
		strcpy(action, what);
		*argument = strtoul(number, NULL, 0);
	}
	if (found)
		knob_write("plan", rest);
	return found;
}

static enum deed plan_do(const char *function, CK_RV *rv)
{
	char action[32];
	unsigned long argument;
	if (!plan_take(function, count_call(function), action, &argument))
		return GO_ON;
	*rv = argument;
	if (strcmp(action, "rv") == 0)
		return RETURN;
	if (strcmp(action, "after-error") == 0)
		return AFTER_ERROR;
	if (strcmp(action, "exit") == 0)
		_exit(3);
	if (strcmp(action, "after-exit") == 0)
		return AFTER_EXIT;
	if (strcmp(action, "sleep") == 0)
		sleep((unsigned)argument);
	else if (strcmp(action, "remove") == 0)
		knob_write("removed", "");
	else if (strcmp(action, "after-remove") == 0)
		return AFTER_REMOVE;
	else
		abort(); /* a plan nobody understands proves nothing */
	return GO_ON;
}

static CK_RV after(enum deed deed, CK_RV planned, CK_RV rv)
{
	if (deed == AFTER_EXIT)
		_exit(3);
	if (deed == AFTER_REMOVE) {
		knob_write("removed", "");
		return CKR_DEVICE_ERROR;
	}
	return deed == AFTER_ERROR ? planned : rv;
}

/* Whether the key is out now; what was open is closed for good when it comes back. */
static bool removed(void)
{
	if (knob_is_there("removed")) {
		was_removed = true;
		return true;
	}
	if (was_removed) {
		CK_SLOT_ID slots[SLOTS_MAX];
		CK_ULONG count = SLOTS_MAX;
		was_removed = false;
		open_sessions = 0;
		if (real->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK)
			for (CK_ULONG i = 0; i < count; i++)
				real->C_CloseAllSessions(slots[i]);
	}
	return false;
}

static enum deed enter(const char *function, CK_RV when_removed, CK_RV *rv)
{
	enum deed deed = plan_do(function, rv);
	if (deed != RETURN && removed()) {
		*rv = when_removed;
		return RETURN;
	}
	return deed;
}

/* calls that a knob changes */

static CK_RV w_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	CK_RV rv;
	enum deed deed = plan_do("C_GetSlotList", &rv);
	if (deed == RETURN)
		return leave("C_GetSlotList", rv);
	if (removed() && present) {
		*count = 0;
		return leave("C_GetSlotList", CKR_OK);
	}
	return leave("C_GetSlotList", after(deed, rv, real->C_GetSlotList(present, slots, count)));
}

static CK_RV w_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	CK_RV rv;
	enum deed deed = plan_do("C_GetSlotInfo", &rv);
	if (deed == RETURN)
		return leave("C_GetSlotInfo", rv);
	CK_RV done = real->C_GetSlotInfo(slot, info);
	if (removed())
		info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
	return leave("C_GetSlotInfo", after(deed, rv, done));
}

static void pin_flags(CK_TOKEN_INFO *info)
{
	unsigned long max, tries;
	if (knob_is_there("pin_pad"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (!knob_number("pin_max", &max))
		return;
	knob_number("pin_tries", &tries);
	info->flags &= ~(CK_FLAGS)(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
	if (tries > 0)
		info->flags |= CKF_USER_PIN_COUNT_LOW;
	if (tries + 1 == max)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (tries >= max)
		info->flags |= CKF_USER_PIN_LOCKED;
}

static CK_RV w_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv;
	enum deed deed = enter("C_GetTokenInfo", CKR_TOKEN_NOT_PRESENT, &rv);
	if (deed == RETURN)
		return leave("C_GetTokenInfo", rv);
	CK_RV done = real->C_GetTokenInfo(slot, info);
	if (done == CKR_OK && info->flags & CKF_TOKEN_INITIALIZED)
		pin_flags(info);
	return leave("C_GetTokenInfo", after(deed, rv, done));
}

static CK_RV w_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *ctx, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	CK_RV rv;
	unsigned long most;
	enum deed deed = enter("C_OpenSession", CKR_TOKEN_NOT_PRESENT, &rv);
	if (deed == RETURN)
		return leave("C_OpenSession", rv);
	if (knob_number("sessions_max", &most) && open_sessions >= most)
		return leave("C_OpenSession", CKR_SESSION_COUNT);
	CK_RV done = real->C_OpenSession(slot, flags, ctx, notify, session);
	open_sessions += done == CKR_OK ? 1 : 0;
	return leave("C_OpenSession", after(deed, rv, done));
}

static CK_RV w_C_CloseSession(CK_SESSION_HANDLE session)
{
	CK_RV rv;
	enum deed deed = enter("C_CloseSession", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_CloseSession", rv);
	CK_RV done = real->C_CloseSession(session);
	open_sessions -= done == CKR_OK && open_sessions > 0 ? 1 : 0;
	return leave("C_CloseSession", after(deed, rv, done));
}

static CK_RV w_C_CloseAllSessions(CK_SLOT_ID slot)
{
	open_sessions = 0;
	return leave("C_CloseAllSessions", real->C_CloseAllSessions(slot));
}

static CK_RV login_counted(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	unsigned long max, tries;
	char text[32];
	bool counts = knob_number("pin_max", &max);
	knob_number("pin_tries", &tries);
	if (counts && tries >= max)
		return CKR_PIN_LOCKED;
	CK_RV rv = real->C_Login(session, user, pin, len);
	if (counts && (rv == CKR_OK || rv == CKR_PIN_INCORRECT)) {
		snprintf(text, sizeof text, "%lu\n", rv == CKR_OK ? 0 : tries + 1);
		knob_write("pin_tries", text);
	}
	return rv;
}

static CK_RV w_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	CK_RV rv;
	char typed[TEXT_SIZE];
	enum deed deed = enter("C_Login", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_Login", rv);
	if (knob_read("pin_pad", typed)) {
		typed[strcspn(typed, "\n")] = '\0';
		if (pin != NULL)
			return leave("C_Login", CKR_ARGUMENTS_BAD);
		if (strcmp(typed, "cancel") == 0)
			return leave("C_Login", CKR_FUNCTION_CANCELED);
		pin = (unsigned char *)typed;
		len = strlen(typed);
	}
	return leave("C_Login", after(deed, rv, login_counted(session, user, pin, len)));
}

static CK_RV w_C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public, CK_ULONG public_count,
	CK_ATTRIBUTE *private, CK_ULONG private_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	CK_RV rv;
	CK_BBOOL yes = CK_TRUE;
	enum deed deed = enter("C_GenerateKeyPair", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_GenerateKeyPair", rv);
	for (CK_ULONG i = 0; knob_is_there("leaky") && i < private_count; i++)
		if (private[i].type == CKA_EXTRACTABLE)
			private[i].pValue = &yes;
	return leave("C_GenerateKeyPair", after(deed, rv, real->C_GenerateKeyPair(session, mechanism, public, public_count,
		private, private_count, public_key, private_key)));
}

/* calls that only the plan and "removed" change */

#define WRAP(name, parameters, arguments)                                    \
	static CK_RV w_##name parameters                                     \
	{                                                                    \
		CK_RV rv = CKR_OK;                                           \
		enum deed deed = enter(#name, CKR_DEVICE_REMOVED, &rv);      \
		if (deed == RETURN)                                          \
			return leave(#name, rv);                             \
		return leave(#name, after(deed, rv, real->name arguments));  \
	}

WRAP(C_GetSessionInfo, (CK_SESSION_HANDLE s, CK_SESSION_INFO *i), (s, i))
WRAP(C_Logout, (CK_SESSION_HANDLE s), (s))
WRAP(C_CreateObject, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *o), (s, t, n, o))
WRAP(C_DestroyObject, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o), (s, o))
WRAP(C_GetAttributeValue, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *t, CK_ULONG n), (s, o, t, n))
WRAP(C_FindObjectsInit, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n), (s, t, n))
WRAP(C_FindObjects, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *o, CK_ULONG m, CK_ULONG *n), (s, o, m, n))
WRAP(C_FindObjectsFinal, (CK_SESSION_HANDLE s), (s))
WRAP(C_SignInit, (CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE k), (s, m, k))
WRAP(C_Sign, (CK_SESSION_HANDLE s, unsigned char *d, CK_ULONG dn, unsigned char *o, CK_ULONG *on), (s, d, dn, o, on))

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (real == NULL) {
		const char *path = getenv("FAULT_MODULE_REAL");
		void *library = dlopen(path != NULL ? path : REAL_DEFAULT, RTLD_NOW | RTLD_LOCAL);
		void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
		CK_C_GetFunctionList get;
		memcpy(&get, &symbol, sizeof get);
		if (get == NULL || get(&real) != CKR_OK)
			return CKR_GENERAL_ERROR;
		mine = *real;
#define USE(name) mine.name = w_##name
		USE(C_GetSlotList);
		USE(C_GetSlotInfo);
		USE(C_GetTokenInfo);
		USE(C_OpenSession);
		USE(C_CloseSession);
		USE(C_CloseAllSessions);
		USE(C_Login);
		USE(C_GenerateKeyPair);
		USE(C_GetSessionInfo);
		USE(C_Logout);
		USE(C_CreateObject);
		USE(C_DestroyObject);
		USE(C_GetAttributeValue);
		USE(C_FindObjectsInit);
		USE(C_FindObjects);
		USE(C_FindObjectsFinal);
		USE(C_SignInit);
		USE(C_Sign);
#undef USE
	}
	*list = &mine;
	return CKR_OK;
}
