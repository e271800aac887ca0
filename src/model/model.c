#include <certhall/model.h>

const char *const standing_names[] = { "renewable", "expired-renewable", "too-early", "too-late", "not-yet-valid", "revoked",
	"superseded", "unknown-issuer", "malformed", NULL };
const char *const order_state_names[] = { "created", "paying", "paid", "issued", "installed", "cancelled", "refunding",
	"refunded", NULL };
const char *const invoice_kind_names[] = { "electronic", NULL };
const char *const package_kind_names[] = { "component", "driver", "document", NULL };
const char *const item_state_names[] = { "waiting", "bound", "issued", "installed", NULL };

bool order_is_open(enum order_state state)
{
	return state == ORDER_CREATED || state == ORDER_PAYING || state == ORDER_PAID || state == ORDER_ISSUED;
}

static const struct codec window_codec[] = {
	CODEC_ROW(struct window, before_months, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct window, after_months, CODEC_INT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec project_codec[] = {
	CODEC_ROW(struct project, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct project, name, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct project, price_fen, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct project, price_note, CODEC_LONG_TEXT, 0),
	CODEC_OBJECT_ROW(struct project, window, window_codec, CODEC_REQUIRED),
	CODEC_ROW(struct project, validity_months, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct project, algorithms, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct project, remove_old, CODEC_BOOL, 0),
	{ 0 }
};

const struct codec hall_info_codec[] = {
	CODEC_ROW(struct hall_info, name, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct hall_info, minimum_version, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct hall_info, hotline, CODEC_TEXT, 0),
	CODEC_ROW(struct hall_info, audience, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct hall_info, time, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct hall_info, pay_minutes, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct hall_info, invoice_days, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct hall_info, pin_tries, CODEC_INT, 0),
	CODEC_ROW(struct hall_info, payment_ready, CODEC_BOOL, CODEC_REQUIRED),
	CODEC_OBJECT_ROW(struct hall_info, project, project_codec, CODEC_REQUIRED),
	{ 0 }
};

static const struct codec cert_der_codec[] = {
	CODEC_ROW(struct cert_der, der, CODEC_BYTES, CODEC_REQUIRED),
	{ 0 }
};

const struct codec order_brief_codec[] = {
	CODEC_ROW(struct order_brief, number, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct order_brief, state, order_state_names, CODEC_REQUIRED),
	CODEC_ROW(struct order_brief, expires, CODEC_TIME, 0),
	{ 0 }
};

const struct codec cert_standing_codec[] = {
	CODEC_ROW(struct cert_standing, fingerprint, CODEC_TEXT, 0),
	CODEC_ENUM_ROW(struct cert_standing, standing, standing_names, CODEC_REQUIRED),
	CODEC_ROW(struct cert_standing, renewable_from, CODEC_TIME, 0),
	CODEC_ROW(struct cert_standing, renewable_until, CODEC_TIME, 0),
	CODEC_ROW(struct cert_standing, replaced_until, CODEC_TEXT, 0),
	CODEC_ROW(struct cert_standing, project_name, CODEC_TEXT, 0),
	CODEC_OPTIONAL_ROW(struct cert_standing, order, order_brief_codec),
	{ 0 }
};

const struct codec standing_request_codec[] = {
	CODEC_ARRAY_ROW(struct standing_request, certificates, cert_der_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec standing_answer_codec[] = {
	CODEC_ROW(struct standing_answer, time, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct standing_answer, certificates, cert_standing_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec challenge_request_codec[] = {
	CODEC_ROW(struct challenge_request, purpose, CODEC_TEXT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec challenge_codec[] = {
	CODEC_ROW(struct challenge, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct challenge, nonce, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct challenge, audience, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct challenge, expires, CODEC_TIME, CODEC_REQUIRED),
	{ 0 }
};

const struct codec session_request_codec[] = {
	CODEC_ROW(struct session_request, purpose, CODEC_TEXT, 0),
	CODEC_ROW(struct session_request, challenge, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct session_request, certificate, CODEC_BYTES, CODEC_REQUIRED),
	CODEC_ROW(struct session_request, algorithm, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct session_request, signature, CODEC_BYTES, CODEC_REQUIRED),
	{ 0 }
};

const struct codec applicant_codec[] = {
	CODEC_ROW(struct applicant, contact, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct applicant, phone, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct applicant, invoice_kind, invoice_kind_names, 0),
	CODEC_ROW(struct applicant, title, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct applicant, tax_no, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct applicant, email, CODEC_TEXT, 0),
	CODEC_ROW(struct applicant, detailed, CODEC_BOOL, 0),
	CODEC_ROW(struct applicant, address, CODEC_TEXT, 0),
	CODEC_ROW(struct applicant, unit_phone, CODEC_TEXT, 0),
	CODEC_ROW(struct applicant, bank, CODEC_TEXT, 0),
	CODEC_ROW(struct applicant, account, CODEC_TEXT, 0),
	{ 0 }
};

static const struct codec payment_codec[] = {
	CODEC_ROW(struct order_payment, method, CODEC_TEXT, 0),
	CODEC_ROW(struct order_payment, qr_url, CODEC_LINK, 0),
	CODEC_ROW(struct order_payment, expires, CODEC_TIME, 0),
	CODEC_ROW(struct order_payment, wallet, CODEC_TEXT, 0),
	CODEC_ROW(struct order_payment, paid_at, CODEC_TIME, 0),
	{ 0 }
};

static const struct codec item_codec[] = {
	CODEC_ROW(struct order_item, role, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct order_item, state, item_state_names, CODEC_REQUIRED),
	CODEC_ROW(struct order_item, old_fingerprint, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct order_item, spki_sha256, CODEC_TEXT, 0),
	CODEC_ROW(struct order_item, certificate, CODEC_BYTES, 0),
	{ 0 }
};

const struct codec order_codec[] = {
	CODEC_ROW(struct order, number, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct order, state, order_state_names, CODEC_REQUIRED),
	CODEC_ROW(struct order, revision, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct order, time, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct order, created, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct order, expires, CODEC_TIME, 0),
	CODEC_ROW(struct order, amount_fen, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct order, price_note, CODEC_LONG_TEXT, 0),
	CODEC_ROW(struct order, project, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct order, project_name, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct order, algorithms, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct order, remove_old, CODEC_BOOL, 0),
	CODEC_ROW(struct order, old_not_after, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct order, new_not_after, CODEC_TIME, 0),
	CODEC_ROW(struct order, validity_months, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct order, invoice_days, CODEC_INT, CODEC_REQUIRED),
	CODEC_OBJECT_ROW(struct order, applicant, applicant_codec, CODEC_REQUIRED),
	CODEC_OBJECT_ROW(struct order, payment, payment_codec, 0),
	CODEC_ARRAY_ROW(struct order, items, item_codec, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct order, chain, cert_der_codec, 0),
	{ 0 }
};

const struct codec session_codec[] = {
	CODEC_ROW(struct session, token, CODEC_TEXT, 0),
	CODEC_ROW(struct session, expires, CODEC_TIME, CODEC_REQUIRED),
	CODEC_OBJECT_ROW(struct session, standing, cert_standing_codec, CODEC_REQUIRED),
	CODEC_OBJECT_ROW(struct session, project, project_codec, CODEC_REQUIRED),
	CODEC_ROW(struct session, new_not_after, CODEC_TIME, 0),
	CODEC_OPTIONAL_ROW(struct session, applicant, applicant_codec),
	CODEC_OPTIONAL_ROW(struct session, order, order_codec),
	{ 0 }
};

const struct codec order_request_codec[] = {
	CODEC_OBJECT_ROW(struct order_request, applicant, applicant_codec, CODEC_REQUIRED),
	CODEC_ROW(struct order_request, acknowledged, CODEC_BOOL, CODEC_REQUIRED),
	{ 0 }
};

const struct codec cert_request_codec[] = {
	CODEC_ROW(struct cert_request, role, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct cert_request, challenge, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct cert_request, csr, CODEC_BYTES, CODEC_REQUIRED),
	CODEC_ROW(struct cert_request, proof, CODEC_BYTES, CODEC_REQUIRED),
	{ 0 }
};

const struct codec install_report_codec[] = {
	CODEC_ROW(struct install_report, role, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct install_report, challenge, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct install_report, certificate_sha256, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct install_report, algorithm, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct install_report, signature, CODEC_BYTES, CODEC_REQUIRED),
	{ 0 }
};

const struct codec package_codec[] = {
	CODEC_ROW(struct package, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct package, name, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct package, version, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct package, kind, package_kind_names, 0),
	CODEC_ROW(struct package, os, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct package, arch, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct package, size, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct package, sha256, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct package, file, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct package, models, CODEC_TEXT, 0),
	CODEC_ROW(struct package, released, CODEC_TEXT, 0),
	CODEC_ROW(struct package, notes, CODEC_TEXT, 0),
	{ 0 }
};

const struct codec package_list_codec[] = {
	CODEC_ROW(struct package_list, issued, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct package_list, packages, package_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec signed_manifest_codec[] = {
	CODEC_ROW(struct signed_manifest, manifest, CODEC_BYTES, CODEC_REQUIRED),
	CODEC_ROW(struct signed_manifest, signature, CODEC_BYTES, CODEC_REQUIRED),
	{ 0 }
};

static const struct codec help_file_codec[] = {
	CODEC_ROW(struct help_file, name, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_STRING_ROW(struct help_file, text, MODEL_HELP_TEXT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec help_bundle_codec[] = {
	CODEC_ROW(struct help_bundle, language, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct help_bundle, version, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct help_bundle, issued, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct help_bundle, files, help_file_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec problem_codec[] = {
	CODEC_ROW(struct problem, type, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct problem, title, CODEC_TEXT, 0),
	CODEC_ROW(struct problem, status, CODEC_INT, 0),
	CODEC_ROW(struct problem, code, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct problem, param, CODEC_TEXT, 0),
	CODEC_ROW(struct problem, detail, CODEC_TEXT, 0),
	{ 0 }
};
