#include <string.h>

#include <libp11.h>

#include "token/helper.h"

static int open_one(struct helper *helper, CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE *session, struct error *err)
{
	CK_RV rv = helper->p11->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, session);
	return rv == CKR_OK ? 0 : ckr_error(rv, "C_OpenSession", err);
}

static bool session_lives(const struct helper *helper, CK_SESSION_INFO *info)
{
	return helper->p11->C_GetSessionInfo(helper->session, info) == CKR_OK;
}

static bool token_present(const struct helper *helper, CK_SLOT_ID slot)
{
	CK_SLOT_INFO info;
	return helper->p11->C_GetSlotInfo(slot, &info) == CKR_OK && info.flags & CKF_TOKEN_PRESENT;
}

int session_open(struct helper *helper, CK_SLOT_ID slot, CK_SESSION_HANDLE *session, struct error *err)
{
	CK_SESSION_INFO info;
	if (helper->logged_in && helper->slot == slot && session_lives(helper, &info)) {
		*session = helper->session;
		return 0;
	}
	return open_one(helper, slot, 0, session, err);
}

void session_close(struct helper *helper, CK_SESSION_HANDLE session)
{
	if (!helper->logged_in || session != helper->session)
		helper->p11->C_CloseSession(session);
}

int session_need_login(struct helper *helper, CK_SLOT_ID slot, struct error *err)
{
	CK_SESSION_INFO info;
	bool ours = helper->logged_in && helper->slot == slot;
	if (ours && session_lives(helper, &info) && info.state == CKS_RW_USER_FUNCTIONS)
		return 0;
	if (token_present(helper, slot))
		return error_set(err, ERR_PIN_NEEDED, NULL, "not logged in");
	return error_set(err, ours ? ERR_TOKEN_REMOVED : ERR_TOKEN_ABSENT, NULL, "slot %lu has no token", slot);
}

void session_tidy(struct helper *helper)
{
	if (helper->logged_in && session_need_login(helper, helper->slot, NULL) != 0)
		session_logout(helper);
}

void session_logout(struct helper *helper)
{
	if (helper->logged_in) {
		helper->p11->C_Logout(helper->session);
		helper->p11->C_CloseSession(helper->session);
	}
	helper->logged_in = false;
	if (helper->lib_slots != NULL)
		PKCS11_release_all_slots(helper->ctx, helper->lib_slots, helper->lib_slot_count);
	helper->lib_slots = helper->lib_slot = NULL;
}

/* What a failed C_Login means is told by the flags the token shows afterwards. */
static int pin_error(struct helper *helper, CK_SLOT_ID slot, CK_RV rv, struct error *err)
{
	CK_TOKEN_INFO token;
	int rc = ckr_error(rv, "C_Login", err);
	if (rc != ERR_PIN_INCORRECT && rc != ERR_PIN_LENGTH)
		return rc;
	if (helper->p11->C_GetTokenInfo(slot, &token) != CKR_OK)
		token.flags = 0;
	if (token.flags & CKF_USER_PIN_LOCKED)
		rc = ERR_PIN_LOCKED;
	else if (rc == ERR_PIN_INCORRECT && token.flags & CKF_USER_PIN_FINAL_TRY)
		rc = ERR_PIN_FINAL;
	else if (rc == ERR_PIN_INCORRECT && token.flags & CKF_USER_PIN_COUNT_LOW)
		rc = ERR_PIN_LOW;
	return error_set(err, (enum error_code)rc, NULL, "C_Login: CKR 0x%lx, flags 0x%lx", rv, token.flags);
}

/* Whether a login may be tried at all: a try that must fail would be one less. */
static int may_try(struct helper *helper, CK_SLOT_ID slot, const struct secret *pin, struct error *err)
{
	CK_TOKEN_INFO token;
	CK_RV rv = helper->p11->C_GetTokenInfo(slot, &token);
	if (rv != CKR_OK)
		return ckr_error(rv, "C_GetTokenInfo", err);
	bool pad = token.flags & CKF_PROTECTED_AUTHENTICATION_PATH;
	if (!(token.flags & CKF_TOKEN_INITIALIZED))
		return error_set(err, ERR_TOKEN_UNINITIALISED, NULL, "flags 0x%lx", token.flags);
	if (token.flags & CKF_USER_PIN_LOCKED)
		return error_set(err, ERR_PIN_LOCKED, NULL, "flags 0x%lx", token.flags);
	if (pin->text == NULL || pin->len == 0)
		return pad ? 0 : error_set(err, ERR_PIN_LENGTH, NULL, "no PIN");
	bool told = token.ulMaxPinLen > 0 && token.ulMaxPinLen >= token.ulMinPinLen;
	if (told && (pin->len < token.ulMinPinLen || pin->len > token.ulMaxPinLen))
		return error_set(err, ERR_PIN_LENGTH, NULL, "takes %lu to %lu", token.ulMinPinLen, token.ulMaxPinLen);
	return 0;
}

/* libp11 0.4.12: PKCS11_open_session only chooses read/write and ends all sessions (so it comes before the login); its one
 * session is opened by the first call that needs it, which waits for ever when that fails. So one is tried first, and
 * libp11 opens its own at once and keeps it. */
static int lib_prepare(struct helper *helper, CK_SLOT_ID slot, struct error *err)
{
	if (PKCS11_enumerate_slots(helper->ctx, &helper->lib_slots, &helper->lib_slot_count) != 0) {
		helper->lib_slots = NULL;
		return error_set(err, ERR_TOKEN_DEVICE, "libp11", "PKCS11_enumerate_slots");
	}
	for (unsigned i = 0; i < helper->lib_slot_count; i++)
		if (PKCS11_get_slotid_from_slot(&helper->lib_slots[i]) == slot)
			helper->lib_slot = &helper->lib_slots[i];
	if (helper->lib_slot == NULL || helper->lib_slot->token == NULL)
		return error_set(err, ERR_TOKEN_ABSENT, NULL, "slot %lu has no token", slot);
	return PKCS11_open_session(helper->lib_slot, 1) == 0 ? 0 :
		error_set(err, ERR_TOKEN_DEVICE, "libp11", "PKCS11_open_session");
}

static int lib_take_session(struct helper *helper, CK_SLOT_ID slot, struct error *err)
{
	CK_SESSION_HANDLE probe;
	PKCS11_KEY *keys;
	unsigned count;
	int rc = open_one(helper, slot, CKF_RW_SESSION, &probe, err);
	if (rc != 0)
		return rc;
	helper->p11->C_CloseSession(probe);
	(void)PKCS11_enumerate_keys(helper->lib_slot->token, &keys, &count); /* what it finds matters when signing */
	return 0;
}

static int authenticate(struct helper *helper, CK_SLOT_ID slot, const struct secret *pin, struct error *err)
{
	CK_SESSION_INFO info;
	if (session_lives(helper, &info) && info.state == CKS_RW_USER_FUNCTIONS)
		helper->p11->C_Logout(helper->session);
	bool typed = pin->text != NULL && pin->len > 0;
	CK_RV rv = helper->p11->C_Login(helper->session, CKU_USER,
		typed ? (unsigned char *)pin->text : NULL, typed ? pin->len : 0);
	if (rv != CKR_OK)
		return pin_error(helper, slot, rv, err);
	if (!session_lives(helper, &info) || info.state != CKS_RW_USER_FUNCTIONS)
		return error_set(err, ERR_TOKEN_DEVICE, NULL, "logged in, but session state %lu", info.state);
	return 0;
}

int session_login(struct helper *helper, CK_SLOT_ID slot, const struct secret *pin, struct error *err)
{
	session_logout(helper);
	int rc = may_try(helper, slot, pin, err);
	if (rc == 0)
		rc = lib_prepare(helper, slot, err);
	if (rc == 0)
		rc = open_one(helper, slot, CKF_RW_SESSION, &helper->session, err);
	if (rc == 0) {
		helper->slot = slot;
		helper->logged_in = true;
		rc = authenticate(helper, slot, pin, err);
		if (rc == 0)
			rc = lib_take_session(helper, slot, err);
	}
	if (rc != 0)
		session_logout(helper);
	return rc;
}
