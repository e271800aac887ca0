#include <string.h>

#include "token/helper.h"

int object_find(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const struct bytes *id,
	struct objects *out, struct error *err)
{
	CK_ATTRIBUTE wanted[2] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_ID, id != NULL ? id->data : NULL, id != NULL ? id->len : 0 },
	};
	CK_ULONG n = 0;
	out->count = 0;
	CK_RV rv = helper->p11->C_FindObjectsInit(session, wanted, id != NULL ? 2 : 1);
	if (rv != CKR_OK)
		return ckr_error(rv, "C_FindObjectsInit", err);
	do {
		n = 0;
		rv = helper->p11->C_FindObjects(session, out->handles + out->count, OBJECTS_MAX - out->count, &n);
		if (rv == CKR_OK && n > OBJECTS_MAX - out->count)
			rv = CKR_GENERAL_ERROR; /* more than there was room for: it lies */
		out->count += rv == CKR_OK ? n : 0;
	} while (rv == CKR_OK && n > 0 && out->count < OBJECTS_MAX);
	helper->p11->C_FindObjectsFinal(session);
	return rv == CKR_OK ? 0 : ckr_error(rv, "C_FindObjects", err);
}

int object_read(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	struct bytes *out, struct error *err)
{
	uint8_t value[ATTRIBUTE_MAX];
	CK_ATTRIBUTE attribute = { type, NULL, 0 };
	out->len = 0;
	CK_RV rv = helper->p11->C_GetAttributeValue(session, object, &attribute, 1);
	if (rv == CKR_OK && attribute.ulValueLen <= sizeof value) {
		attribute.pValue = value;
		rv = helper->p11->C_GetAttributeValue(session, object, &attribute, 1);
	}
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE || (rv == CKR_OK && attribute.pValue == NULL))
		return 0;
	if (rv != CKR_OK)
		return ckr_error(rv, "C_GetAttributeValue", err);
	if (attribute.ulValueLen > sizeof value)
		return 0;
	int rc = bytes_set(out, value, attribute.ulValueLen);
	return rc == 0 ? 0 : error_set(err, (enum error_code)rc, NULL, "attribute");
}

int object_destroy(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct error *err)
{
	CK_RV rv = helper->p11->C_DestroyObject(session, object);
	return rv == CKR_OK || rv == CKR_OBJECT_HANDLE_INVALID ? 0 : ckr_error(rv, "C_DestroyObject", err);
}

int object_destroy_all(struct helper *helper, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const struct bytes *id,
	struct error *err)
{
	struct objects found;
	int rc = object_find(helper, session, class, id, &found, err);
	for (size_t i = 0; rc == 0 && i < found.count; i++)
		rc = object_destroy(helper, session, found.handles[i], err);
	return rc;
}
