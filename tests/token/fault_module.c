/* A PKCS#11 module for tests: passes everything to a real one (SoftHSM) and breaks what it is told to.
 *
 * Environment:
 *   FAULT_MODULE_REAL  path of the real module; default: where Debian puts SoftHSM
 *   FAULT_MODULE_DIR   folder of the knobs; they are looked at on every call, so a running program can be caught out; default:
 *                      the module's own (at a kiosk there is no environment)
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
 *   pin_len       the longest PIN, as the token tells it.
 *   inserted      label of the only token that is in; with another label the one was pulled out and the other put in.
 *   no_ec         no key pairs on curves; "late": the list of mechanisms has them all the same.
 *   bytes         RSA sizes are told in bytes.
 *   no_raw_rsa    no CKM_RSA_X_509.
 *   strict        a certificate wants its serial number, and attributes only some know are refused (NSS, opencryptoki).
 *   no_serial     stores certificates without their serial number.
 *   bare_point    CKA_EC_POINT without the OCTET STRING around it.
 *   always_auth   every private key says CKA_ALWAYS_AUTHENTICATE.
 *   noisy         writes on standard error at every look at the slots, as vendors' modules do.
 *   leaky         new private keys are extractable whatever the template says.
 *   plan          lines "FUNCTION NTH ACTION [ARGUMENT]". On the NTH call of FUNCTION in this process ("*": the next one)
 *                 the line is taken out of the file and done:
 *                   rv CKR           returns CKR (a number as strtoul takes it) and does nothing
 *                   after-error CKR  does it and returns CKR
 *                   exit             ends the process before doing it
 *                   after-exit       ends the process after doing it
 *                   sleep SECONDS    waits before doing it
 *                   lie              does it and tells of more than there is (slots, objects, length of an attribute, of a signature)
 *                   half CKR         C_CreateObject: half of the certificate is stored, CKR is returned
 *                   sigpipe          raises SIGPIPE before doing it
 *                   remove           pulls the key out (creates "removed") before doing it
 *                   after-remove     pulls it out after doing it and returns CKR_DEVICE_ERROR
 *   trace         when it exists every call is appended: "FUNCTION 0xCKR". Never arguments, so never a PIN.
 *
 * Calls that can be planned: see the list of WRAP and the functions above it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
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
	Dl_info own;
	if (folder == NULL && dladdr((void *)knob_path, &own) != 0 && strrchr(own.dli_fname, '/') != NULL)
		snprintf(path, PATH_SIZE, "%.*s/%s", (int)(strrchr(own.dli_fname, '/') - own.dli_fname), own.dli_fname, name);
	else
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

enum deed { GO_ON, RETURN, AFTER_ERROR, AFTER_EXIT, AFTER_REMOVE, LIE, HALF };
enum { MORE = 1 << 20 };

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
	if (strcmp(action, "lie") == 0)
		return LIE;
	if (strcmp(action, "half") == 0)
		return HALF;
	if (strcmp(action, "after-exit") == 0)
		return AFTER_EXIT;
	if (strcmp(action, "sleep") == 0)
		sleep((unsigned)argument);
	else if (strcmp(action, "sigpipe") == 0)
		raise(SIGPIPE);
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

static void close_all(void)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	open_sessions = 0;
	if (real->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK)
		for (CK_ULONG i = 0; i < count; i++)
			real->C_CloseAllSessions(slots[i]);
}

/* The label of the token that is in, if only one is. */
static bool inserted(char label[TEXT_SIZE])
{
	static char last[TEXT_SIZE];
	if (!knob_read("inserted", label))
		return false;
	label[strcspn(label, "\n")] = '\0';
	if (strcmp(last, label) != 0) {
		strcpy(last, label);
		close_all();
	}
	return true;
}

/* Whether another token than the one of this slot is in. */
static bool hidden(CK_SLOT_ID slot)
{
	char label[TEXT_SIZE];
	CK_TOKEN_INFO token;
	if (!inserted(label))
		return false;
	return real->C_GetTokenInfo(slot, &token) == CKR_OK && strncmp((char *)token.label, label, strlen(label)) != 0;
}

/* Whether the key is out now; what was open is closed for good when it comes back. */
static bool removed(void)
{
	char label[TEXT_SIZE];
	(void)inserted(label);
	if (knob_is_there("removed")) {
		was_removed = true;
		return true;
	}
	if (was_removed) {
		was_removed = false;
		close_all();
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

static CK_RV w_C_Initialize(void *args)
{
	CK_RV rv;
	enum deed deed = plan_do("C_Initialize", &rv);
	return leave("C_Initialize", deed == RETURN ? rv : after(deed, rv, real->C_Initialize(args)));
}

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
	if (knob_is_there("noisy"))
		fprintf(stderr, "VENDOR ERROR \033[2J slot 0 \a\n");
	CK_RV done = real->C_GetSlotList(present, slots, count);
	if (deed == LIE)
		*count = MORE;
	return leave("C_GetSlotList", after(deed, rv, done));
}

static CK_RV w_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	CK_RV rv;
	enum deed deed = plan_do("C_GetSlotInfo", &rv);
	if (deed == RETURN)
		return leave("C_GetSlotInfo", rv);
	CK_RV done = real->C_GetSlotInfo(slot, info);
	if (removed() || hidden(slot))
		info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
	return leave("C_GetSlotInfo", after(deed, rv, done));
}

static void pin_flags(CK_TOKEN_INFO *info)
{
	unsigned long max, tries;
	if (knob_number("pin_len", &max))
		info->ulMaxPinLen = max;
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
	if (hidden(slot))
		return leave("C_GetTokenInfo", CKR_TOKEN_NOT_PRESENT);
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
	if (hidden(slot))
		return leave("C_OpenSession", CKR_TOKEN_NOT_PRESENT);
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
	if (mechanism->mechanism == CKM_EC_KEY_PAIR_GEN && knob_is_there("no_ec"))
		return leave("C_GenerateKeyPair", CKR_MECHANISM_INVALID);
	for (CK_ULONG i = 0; knob_is_there("leaky") && i < private_count; i++)
		if (private[i].type == CKA_EXTRACTABLE)
			private[i].pValue = &yes;
	return leave("C_GenerateKeyPair", after(deed, rv, real->C_GenerateKeyPair(session, mechanism, public, public_count,
		private, private_count, public_key, private_key)));
}

static CK_RV w_C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	char late[TEXT_SIZE];
	if (type == CKM_EC_KEY_PAIR_GEN && knob_read("no_ec", late) && strncmp(late, "late", 4) != 0)
		return leave("C_GetMechanismInfo", CKR_MECHANISM_INVALID);
	CK_RV done = real->C_GetMechanismInfo(slot, type, info);
	if (done == CKR_OK && type == CKM_RSA_PKCS_KEY_PAIR_GEN && knob_is_there("bytes")) {
		info->ulMinKeySize = 1024 / 8;
		info->ulMaxKeySize = 4096 / 8;
	}
	return leave("C_GetMechanismInfo", done);
}

static CK_RV w_C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
	CK_RV rv = CKR_OK;
	CK_ATTRIBUTE copy[SLOTS_MAX];
	CK_ULONG kept = 0;
	bool serial = false, strict = knob_is_there("strict"), drop = knob_is_there("no_serial");
	enum deed deed = enter("C_CreateObject", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_CreateObject", rv);
	for (CK_ULONG i = 0; i < count && count <= SLOTS_MAX; i++) {
		copy[i] = template[i];
		serial |= copy[i].type == CKA_SERIAL_NUMBER;
		if (strict && (copy[i].type == CKA_NAME_HASH_ALGORITHM || copy[i].type == CKA_HASH_OF_SUBJECT_PUBLIC_KEY))
			return leave("C_CreateObject", CKR_ATTRIBUTE_TYPE_INVALID);
		if (deed == HALF && copy[i].type == CKA_VALUE)
			copy[i].ulValueLen /= 2;
		if (!drop || copy[i].type != CKA_SERIAL_NUMBER)
			copy[kept++] = copy[i];
	}
	if (strict && !serial)
		return leave("C_CreateObject", CKR_TEMPLATE_INCOMPLETE);
	CK_RV done = real->C_CreateObject(session, count <= SLOTS_MAX ? copy : template, count <= SLOTS_MAX ? kept : count, object);
	return leave("C_CreateObject", deed == HALF ? rv : after(deed, rv, done));
}

/* The point without what is around it. */
static CK_RV get_point(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute)
{
	enum { HEAD = 2 };
	unsigned char whole[256];
	CK_ATTRIBUTE real_one = { CKA_EC_POINT, whole, sizeof whole };
	CK_RV rv = real->C_GetAttributeValue(session, object, &real_one, 1);
	if (rv != CKR_OK)
		return rv;
	if (attribute->pValue != NULL && attribute->ulValueLen < real_one.ulValueLen - HEAD)
		return CKR_BUFFER_TOO_SMALL;
	if (attribute->pValue != NULL)
		memcpy(attribute->pValue, whole + HEAD, real_one.ulValueLen - HEAD);
	attribute->ulValueLen = real_one.ulValueLen - HEAD;
	return CKR_OK;
}

static CK_RV w_C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_RV rv = CKR_OK;
	enum deed deed = enter("C_GetAttributeValue", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_GetAttributeValue", rv);
	if (count == 1 && template->type == CKA_EC_POINT && knob_is_there("bare_point"))
		return leave("C_GetAttributeValue", after(deed, rv, get_point(session, object, template)));
	CK_RV done = real->C_GetAttributeValue(session, object, template, count);
	for (CK_ULONG i = 0; done == CKR_OK && i < count; i++) {
		if (template[i].type == CKA_ALWAYS_AUTHENTICATE && template[i].pValue != NULL && knob_is_there("always_auth"))
			*(CK_BBOOL *)template[i].pValue = CK_TRUE;
		if (deed == LIE)
			template[i].ulValueLen = MORE;
	}
	return leave("C_GetAttributeValue", after(deed, rv, done));
}

static CK_RV w_C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *count)
{
	CK_RV rv = CKR_OK;
	enum deed deed = enter("C_FindObjects", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_FindObjects", rv);
	CK_RV done = real->C_FindObjects(session, objects, most, count);
	if (deed == LIE)
		*count = MORE;
	return leave("C_FindObjects", after(deed, rv, done));
}

static CK_RV w_C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	CK_RV rv = CKR_OK;
	enum deed deed = enter("C_SignInit", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_SignInit", rv);
	if (mechanism->mechanism == CKM_RSA_X_509 && knob_is_there("no_raw_rsa"))
		return leave("C_SignInit", CKR_MECHANISM_INVALID);
	return leave("C_SignInit", after(deed, rv, real->C_SignInit(session, mechanism, key)));
}

static CK_RV w_C_Sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len, unsigned char *out, CK_ULONG *out_len)
{
	CK_RV rv = CKR_OK;
	enum deed deed = enter("C_Sign", CKR_DEVICE_REMOVED, &rv);
	if (deed == RETURN)
		return leave("C_Sign", rv);
	CK_RV done = real->C_Sign(session, data, len, out, out_len);
	if (deed == LIE)
		*out_len = MORE;
	return leave("C_Sign", after(deed, rv, done));
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
WRAP(C_SetAttributeValue, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *t, CK_ULONG n), (s, o, t, n))
WRAP(C_Logout, (CK_SESSION_HANDLE s), (s))
WRAP(C_DestroyObject, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o), (s, o))
WRAP(C_FindObjectsInit, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n), (s, t, n))
WRAP(C_FindObjectsFinal, (CK_SESSION_HANDLE s), (s))

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
		USE(C_Initialize);
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
		USE(C_GetMechanismInfo);
		USE(C_SetAttributeValue);
#undef USE
	}
	*list = &mine;
	return CKR_OK;
}
