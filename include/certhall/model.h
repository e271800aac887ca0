/* The hall's nouns, as both programs know them, and the tables that make them JSON. No I/O here.
 *
 * Money is int64_t fen. Moments are int64_t seconds. Names in JSON are the fields' names; docs/api.yaml is the contract.
 */
#ifndef CERTHALL_MODEL_H
#define CERTHALL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <certhall/bytes.h>
#include <certhall/codec.h>

enum { MODEL_ITEMS = 2, MODEL_CHAIN = 4, MODEL_CERTS = 32, MODEL_PACKAGES = 32, MODEL_ALGORITHMS = 4,
	MODEL_HELP_FILES = 8, MODEL_HELP_TEXT = 256 * 1024 };

/* ---- the hall ---- */

struct window {               /* when a certificate may be renewed, in calendar months around its end */
	int64_t before_months;
	int64_t after_months;
};

struct project {
	char id[32];
	char name[96];            /* as shown at the top right of every page */
	int64_t price_fen;
	char price_note[400];     /* 优惠金额说明 */
	struct window window;
	int64_t validity_months;
	char algorithms[64];      /* allowed for new keys, first is preferred: "ec:P-256,rsa:2048" */
	bool remove_old;          /* remove the old certificate and key from the token at the end; default keep */
};

/* GET /v1/hall. What needs no login. */
struct hall_info {
	char name[96];            /* 山西CA网上服务大厅 */
	char minimum_version[16]; /* of certhall */
	char hotline[64];
	char audience[96];        /* what statements are signed for: this hall's own name */
	int64_t time;             /* the hall's clock */
	int64_t pay_minutes;      /* an unpaid order is cancelled after so long */
	int64_t invoice_days;     /* working days until the invoice is there */
	int64_t pin_tries;        /* wrong PINs in a row that lock a key of this authority; 0: not said */
	bool payment_ready;       /* the payment channel answered lately */
	struct project project;   /* the default one */
};

/* ---- certificates ---- */

enum standing {
	STANDING_RENEWABLE,         /* within the window, not expired */
	STANDING_EXPIRED_RENEWABLE, /* expired, within the window: until renewable_until */
	STANDING_TOO_EARLY,         /* from renewable_from */
	STANDING_TOO_LATE,
	STANDING_NOT_YET_VALID,
	STANDING_REVOKED,
	STANDING_SUPERSEDED,
	STANDING_UNKNOWN_ISSUER,
	STANDING_MALFORMED,
};
extern const char *const standing_names[];

enum order_state {
	ORDER_CREATED,    /* confirmed, no bill asked for yet */
	ORDER_PAYING,     /* a bill is open */
	ORDER_PAID,       /* a fact that is never asked again */
	ORDER_ISSUED,     /* every certificate of it is issued and stored */
	ORDER_INSTALLED,  /* the terminal has shown a signature by every new key: done */
	ORDER_CANCELLED,  /* by the person or by the deadline */
	ORDER_REFUNDING,  /* paid after it was cancelled and cannot go on */
	ORDER_REFUNDED,
};
extern const char *const order_state_names[];
bool order_is_open(enum order_state state);  /* something is still to be done */

/* What the hall tells about an order to whoever holds the (public) certificate: no personal data. */
struct order_brief {
	char number[24];
	int state;                /* enum order_state */
	int64_t expires;          /* deadline of payment by the hall's clock; 0 once paid */
};

/* One certificate's standing by the hall's clock and records. POST /v1/standings {certificates:[{der}]}. */
struct cert_standing {
	char fingerprint[65];
	int standing;             /* enum standing */
	int64_t renewable_from, renewable_until;
	char replaced_until[16];  /* superseded: the newer one's last day, "2027-12-01" */
	char project_name[96];
	bool has_order;           /* order is an open one */
	struct order_brief order;
};
struct cert_der { struct bytes der; };
struct standing_request { size_t certificates_count; struct cert_der certificates[MODEL_CERTS]; };
struct standing_answer { int64_t time; size_t certificates_count; struct cert_standing certificates[MODEL_CERTS]; };

/* ---- sessions ---- */

/* POST /v1/challenges {purpose}. purpose: "login", "service", "request", "install" (see pki_statement). */
struct challenge_request { char purpose[16]; };
struct challenge { char id[64]; char nonce[64]; /* base64 of 32 bytes */ char audience[96]; int64_t expires; };

/* POST /v1/sessions: signature over pki_statement("login", audience, "-", nonce, certificate). */
/* purpose "service": the same for that purpose, by a certificate that need not be in its time of renewal; empty: "login". */
struct session_request { char purpose[16]; char challenge[64]; struct bytes certificate; char algorithm[32]; struct bytes signature; };

/* ---- orders ---- */

enum invoice_kind { INVOICE_ELECTRONIC };
extern const char *const invoice_kind_names[];

/* What 确认信息 asks for. Lengths in GBK bytes are the invoice interface's; see applicant_check. */
struct applicant {
	char contact[96];
	char phone[40];
	int invoice_kind;
	char title[320];      /* 单位名称 */
	char tax_no[32];      /* 纳税人识别号 */
	char email[128];
	bool detailed;        /* 是否填写详细信息 */
	char address[320];
	char unit_phone[40];
	char bank[320];
	char account[64];
};

struct order_payment {
	char method[16];          /* "aggregate" */
	char qr_url[256];
	int64_t expires;          /* of this code */
	char wallet[32];
	int64_t paid_at;
};

enum item_state { ITEM_WAITING, ITEM_BOUND /* SPKI known */, ITEM_ISSUED, ITEM_INSTALLED };
extern const char *const item_state_names[];

/* One certificate of an order. role: "signing" (also of single certificates), "encryption". */
struct order_item {
	char role[16];
	int state;                    /* enum item_state */
	char old_fingerprint[65];
	char spki_sha256[65];         /* once bound */
	struct bytes certificate;     /* DER, once issued */
};

struct order {
	char number[24];              /* AZT112217NR3QT */
	int state;                    /* enum order_state */
	int64_t revision;             /* grows with every change: the event stream's id */
	int64_t time;                 /* the hall's clock when this was written */
	int64_t created, expires;     /* expires: payment deadline, 0 once paid */
	int64_t amount_fen;
	char price_note[400];
	char project[32], project_name[96];
	char algorithms[64];          /* as in struct project, fixed when the order was made */
	bool remove_old;
	int64_t old_not_after;
	int64_t new_not_after;        /* promised end; 0: validity_months from the day of issue */
	int64_t validity_months;
	int64_t invoice_days;
	struct applicant applicant;
	struct order_payment payment;
	size_t items_count;
	struct order_item items[MODEL_ITEMS];
	size_t chain_count;
	struct cert_der chain[MODEL_CHAIN]; /* CA certificates, once issued */
};

/* Answer of POST /v1/sessions; GET /v1/session gives it again (token empty). */
struct session {
	char token[96];               /* bearer token, RFC 6750; a secret */
	int64_t expires;
	struct cert_standing standing;
	struct project project;       /* the certificate's */
	int64_t new_not_after;        /* what a renewal now would promise; 0: months from the day of issue */
	bool has_applicant;           /* from this certificate holder's last order */
	struct applicant applicant;
	bool has_order;
	struct order order;           /* the open one */
};

/* POST /v1/orders. Makes the order, or gives the open one for this certificate (its details brought up to date while it is
 * unpaid): asking twice does no harm. */
struct order_request { struct applicant applicant; bool acknowledged; };

/* POST /v1/orders/{number}/requests. proof: CMS SignedData by the old key over
 * pki_statement("request", audience, number, nonce, csr). */
struct cert_request { char role[16]; char challenge[64]; struct bytes csr; struct bytes proof; };

/* POST /v1/orders/{number}/installed. signature: by the new key over
 * pki_statement("install", audience, number, nonce, certificate as read back from the key). */
struct install_report { char role[16]; char challenge[64]; char certificate_sha256[65]; char algorithm[32]; struct bytes signature; };

/* ---- what the hall has to download (相关下载): components (控件), drivers, documents ---- */

enum package_kind { PACKAGE_COMPONENT, PACKAGE_DRIVER, PACKAGE_DOCUMENT };
extern const char *const package_kind_names[];

struct package {
	char id[48], name[96], version[24];
	int kind;                     /* enum package_kind */
	char os[16], arch[16];        /* "linux", "x86_64" (uname's); "any" */
	int64_t size;
	char sha256[65];
	char file[96];                /* name to install under: letters, digits, . _ - only */
	char models[160];             /* keys it is for, as shown */
	char released[16];            /* "2026-11-20", may be empty */
	char notes[300];              /* what to mind, may be empty */
};
/* What the hall signs with the key that terminals have the certificate of: manifest is the exact bytes of a struct as JSON,
 * signature a detached CMS over them. */
struct signed_manifest { struct bytes manifest; struct bytes signature; };
/* GET /v1/packages: a manifest of this. GET /v1/packages/{id}/content gives the file, with Range (RFC 9110 section 14). */
struct package_list { int64_t issued; size_t packages_count; struct package packages[MODEL_PACKAGES]; };

/* ---- the help centre's content ---- */

/* GET /v1/help/{language}: a manifest of this. Its ETag is the version in quotes. */
struct help_file { char name[32]; char *text; }; /* "cert.md" */
struct help_bundle {
	char language[16];            /* "zh_CN", "en" */
	char version[65];             /* SHA-256 of all that follows */
	int64_t issued;               /* when the hall first had it; an older one does not replace a newer */
	size_t files_count;
	struct help_file files[MODEL_HELP_FILES];
};

/* ---- problems (RFC 9457) ---- */
struct problem {
	char type[64];    /* "urn:certhall:problem:" error_name */
	char title[160];  /* English, for logs */
	int64_t status;
	char code[48];    /* error_name */
	char param[128];
	char detail[256];
};

/* The tables. */
extern const struct codec hall_info_codec[], project_codec[], standing_request_codec[], standing_answer_codec[],
	cert_standing_codec[], challenge_request_codec[], challenge_codec[], session_request_codec[], session_codec[],
	applicant_codec[], order_codec[], order_brief_codec[], order_request_codec[], cert_request_codec[],
	install_report_codec[], signed_manifest_codec[], help_bundle_codec[], package_list_codec[], package_codec[], problem_codec[];

/* ---- rules both sides hold to ---- */

/* Where a certificate stands at the moment now, by its own dates and the window (not revocation or issuer). */
enum standing window_standing(const struct window *window, int64_t not_before, int64_t not_after, int64_t now,
	int64_t *from, int64_t *until);

/* Checks of one value of the confirm page; say (translated) gets what is wrong. The value is already normalised. */
enum check_verdict { CHECK_GOOD, CHECK_CONFIRM, CHECK_WRONG };
enum check_verdict check_contact(const char *value, char *say, size_t size);
enum check_verdict check_phone(const char *value, char *say, size_t size);
enum check_verdict check_title(const char *value, char *say, size_t size);
enum check_verdict check_tax_no(const char *value, char *say, size_t size);   /* GB 32100-2015, GB 11714, GB 11643, GS 15-2006 */
enum check_verdict check_email(const char *value, char *say, size_t size);
enum check_verdict check_address(const char *address, const char *phone, char *say, size_t size); /* together <= 100 GBK bytes */
enum check_verdict check_bank(const char *bank, const char *account, char *say, size_t size);

/* In place: full-width characters, spaces, country code, lower case. */
void phone_normalize(char *phone, size_t size);
void tax_no_normalize(char *tax_no, size_t size);

/* Normalises every field in place (NFKC for numbers and mail, upper case for the tax number) and checks them all.
 * ERR_INVALID_FIELD with the field's JSON name as param, say as detail; CHECK_CONFIRM passes (the person confirmed). */
int applicant_check(struct applicant *applicant, struct error *err) CH_MUST_CHECK;

/* "￥380.00"; size >= 24. */
char *money_text(int64_t fen, char *out, size_t size);
/* 叁佰捌拾圆整 (GB practice of invoices); size >= 160. */
char *money_capital(int64_t fen, char *out, size_t size);

#endif
