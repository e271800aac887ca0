#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include <certhall/text.h>

#include "token/helper.h"
#include "token/wire.h"

enum { SLOTS_MAX = 32, CERT_SIZE = 1024 };

struct slot_ids {
	CK_ULONG count;
	CK_SLOT_ID ids[SLOTS_MAX];
};

/* The call without a buffer first: it is what makes a module look at its readers again (PKCS#11 v2.40 section 5.5). */
static CK_RV get_ids(const struct helper *helper, struct slot_ids *slots)
{
	CK_ULONG count = 0;
	CK_RV rv = helper->p11->C_GetSlotList(CK_FALSE, NULL, &count);
	slots->count = SLOTS_MAX;
	if (rv == CKR_OK)
		rv = helper->p11->C_GetSlotList(CK_FALSE, slots->ids, &slots->count);
	if (rv == CKR_OK && slots->count > SLOTS_MAX)
		rv = CKR_GENERAL_ERROR; /* more than there was room for: it lies */
	if (rv != CKR_OK)
		slots->count = 0;
	return rv;
}

static bool get_token(const struct helper *helper, CK_SLOT_ID id, CK_SLOT_INFO *slot, CK_TOKEN_INFO *token)
{
	memset(slot, 0, sizeof *slot);
	memset(token, 0, sizeof *token);
	return helper->p11->C_GetSlotInfo(id, slot) == CKR_OK && slot->flags & CKF_TOKEN_PRESENT &&
		helper->p11->C_GetTokenInfo(id, token) == CKR_OK;
}

/* PKCS#11 texts are padded with blanks and have no end. */
static bool add_padded(struct json_object *to, const char *key, const unsigned char *text, size_t size)
{
	char copy[80], clean[80];
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\0'))
		size--;
	snprintf(copy, sizeof copy, "%.*s", (int)size, (const char *)text);
	text_sanitize(copy, clean, sizeof clean, false);
	return wire_add_text(to, key, clean);
}

static bool add_version(struct json_object *to, const char *key, CK_VERSION version)
{
	char text[16];
	snprintf(text, sizeof text, "%u.%u", version.major, version.minor);
	return wire_add_text(to, key, text);
}

static bool makes(const struct helper *helper, CK_SLOT_ID id, CK_MECHANISM_TYPE mechanism, CK_ULONG bits)
{
	CK_MECHANISM_INFO info;
	if (helper->p11->C_GetMechanismInfo(id, mechanism, &info) != CKR_OK)
		return false;
	if (info.ulMaxKeySize == 0) /* not told */
		return true;
	/* RSA sizes are bits, but some modules count bytes */
	CK_ULONG max = info.ulMaxKeySize < 1024 && mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN ? info.ulMaxKeySize * 8 : info.ulMaxKeySize;
	return info.ulMinKeySize <= bits && bits <= max;
}

static bool add_mechanisms(const struct helper *helper, struct json_object *to, CK_SLOT_ID id)
{
	static const struct {
		CK_MECHANISM_TYPE mechanism;
		CK_ULONG bits;
		const char *name;
	} ours[] = {
		{ CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, "rsa:2048" },
		{ CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, "rsa:3072" },
		{ CKM_EC_KEY_PAIR_GEN, 256, "ec:P-256" },
	};
	char list[64] = "";
	size_t used = 0;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (makes(helper, id, ours[i].mechanism, ours[i].bits))
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? "," : "", ours[i].name);
	return wire_add_text(to, "mechanisms", list);
}

static bool add_slot(const struct helper *helper, struct json_object *slots, CK_SLOT_ID id, const CK_TOKEN_INFO *token)
{
	struct json_object *to = json_object_new_object();
	if (to == NULL || json_object_array_add(slots, to) != 0)
		return false;
	/* a total that could not hold one certificate is a module's way of not telling */
	CK_ULONG room = token->ulTotalPublicMemory < CERT_SIZE ? CK_UNAVAILABLE_INFORMATION : token->ulFreePublicMemory;
	return wire_add_number(to, "id", (int64_t)id) &&
		add_padded(to, "label", token->label, sizeof token->label) &&
		add_padded(to, "manufacturer", token->manufacturerID, sizeof token->manufacturerID) &&
		add_padded(to, "model", token->model, sizeof token->model) &&
		add_padded(to, "serial", token->serialNumber, sizeof token->serialNumber) &&
		wire_add_bool(to, "initialised", token->flags & CKF_TOKEN_INITIALIZED) &&
		wire_add_bool(to, "pin_low", token->flags & CKF_USER_PIN_COUNT_LOW) &&
		wire_add_bool(to, "pin_final", token->flags & CKF_USER_PIN_FINAL_TRY) &&
		wire_add_bool(to, "pin_locked", token->flags & CKF_USER_PIN_LOCKED) &&
		wire_add_bool(to, "pin_pad", token->flags & CKF_PROTECTED_AUTHENTICATION_PATH) &&
		wire_add_bool(to, "write_protected", token->flags & CKF_WRITE_PROTECTED) &&
		wire_add_number(to, "free_bytes", room == CK_UNAVAILABLE_INFORMATION ? -1 : (int64_t)room) &&
		add_mechanisms(helper, to, id);
}

static bool is_empty(const CK_UTF8CHAR *padded, size_t size)
{
	size_t n = 0;
	while (n < size && (padded[n] == ' ' || padded[n] == '\0'))
		n++;
	return n == size;
}

/* A software token offers an empty slot for one more token: nobody inserted that. A blank key has a serial number. One that can
 * only be read and asks for no PIN holds no private key: NSS's own services, p11-kit's list of authorities. */
static bool is_nobodys(const CK_TOKEN_INFO *token)
{
	if (token->flags & CKF_WRITE_PROTECTED && token->flags & CKF_TOKEN_INITIALIZED && !(token->flags & CKF_LOGIN_REQUIRED))
		return true;
	return !(token->flags & CKF_TOKEN_INITIALIZED) && is_empty(token->label, sizeof token->label) &&
		is_empty(token->serialNumber, sizeof token->serialNumber);
}

static int fill(struct helper *helper, const struct slot_ids *ids, struct json_object *slots, int *readers)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	*readers = 0;
	for (CK_ULONG i = 0; i < ids->count; i++) {
		bool present = get_token(helper, ids->ids[i], &slot, &token);
		*readers += slot.flags & (CKF_REMOVABLE_DEVICE | CKF_HW_SLOT) ? 1 : 0;
		if (present && !is_nobodys(&token) && !add_slot(helper, slots, ids->ids[i], &token))
			return ERR_NO_MEMORY;
	}
	return 0;
}

int slot_list(struct helper *helper, struct json_object *answer, struct error *err)
{
	CK_INFO info;
	struct slot_ids ids;
	int readers;
	CK_RV rv = helper->p11->C_GetInfo(&info);
	if (rv == CKR_OK)
		rv = get_ids(helper, &ids);
	if (rv != CKR_OK)
		return ckr_error(rv, "C_GetSlotList", err);
	struct json_object *slots = json_object_new_array();
	if (slots == NULL || json_object_object_add(answer, "slots", slots) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "slots");
	int rc = fill(helper, &ids, slots, &readers);
	if (rc != 0 || !wire_add_text(answer, "path", helper->path) ||
			!add_padded(answer, "manufacturer", info.manufacturerID, sizeof info.manufacturerID) ||
			!add_padded(answer, "description", info.libraryDescription, sizeof info.libraryDescription) ||
			!add_version(answer, "version", info.libraryVersion) ||
			!add_version(answer, "cryptoki", info.cryptokiVersion) ||
			!wire_add_bool(answer, "several_readers", readers > 1))
		return error_set(err, ERR_NO_MEMORY, NULL, "slots");
	(void)slot_changed(helper); /* what has just been told is no news */
	return 0;
}

bool slot_changed(struct helper *helper)
{
	struct slot_ids ids;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	uint8_t seen[EVP_MAX_MD_SIZE] = { 0 };
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool ok = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
	(void)get_ids(helper, &ids); /* a module that cannot tell has no slots */
	for (CK_ULONG i = 0; ok && i < ids.count; i++)
		if (get_token(helper, ids.ids[i], &slot, &token))
			ok = EVP_DigestUpdate(digest, &ids.ids[i], sizeof ids.ids[i]) == 1 &&
				EVP_DigestUpdate(digest, token.serialNumber, sizeof token.serialNumber) == 1;
	ok = ok && EVP_DigestFinal_ex(digest, seen, NULL) == 1;
	EVP_MD_CTX_free(digest);
	bool changed = ok && memcmp(seen, helper->seen, sizeof helper->seen) != 0;
	if (changed)
		memcpy(helper->seen, seen, sizeof helper->seen);
	helper->told = true;
	return changed;
}
