/* The hall, the key, the keyring and the checks. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

struct hall { int unused; };
struct token { bool has_module; };
static struct token the_token;

int hall_new(struct loop *loop, const struct settings *settings, struct hall **out)
{
	(void)loop, (void)settings;
	*out = calloc(1, sizeof **out);
	return *out != NULL ? 0 : ERR_NO_MEMORY;
}

void hall_free(struct hall **hall)
{
	free(*hall);
	*hall = NULL;
}

int64_t hall_now(const struct hall *hall)
{
	(void)hall;
	return STAGE_NOW;
}

void hall_cancel(struct hall_call **call)
{
	if (*call != NULL)
		stage_forget(*call);
	free(*call);
	*call = NULL;
}

/* The stage's hall has nothing newer. */
struct hall_call *hall_get_help(struct hall *hall, const char *language, const char *known, hall_fn *done, void *ctx)
{
	(void)hall, (void)language, (void)known, (void)done, (void)ctx;
	return NULL;
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void give_packages(void *ctx)
{
	struct hall_call *call = ctx;
	struct package_list list = { .packages_count = 2, .packages = {
		{ .id = "sim", .name = "样票 SimKey", .version = "2.6.1", .os = "linux", .arch = "x86_64", .size = 1200000, .file = "libsim.so", .models = "SimKey 测试" },
		{ .id = "other", .name = "样票 OtherKey", .version = "1.0", .os = "linux", .arch = "x86_64", .size = 800, .file = "libother.so", .models = "OtherKey 1, OtherKey 2" },
		{ .id = "driver", .kind = PACKAGE_DRIVER, .name = "样票 SimKey 驱动", .version = "1.4.2", .os = "linux", .arch = "x86_64", .size = 400000, .file = "sim.run",
			.models = "SimKey 测试", .sha256 = HASH, .released = "2026-01-30", .notes = "测试样品。安装前请拔出密钥，安装后重新插入，再到环境检测里重新检测一次。" },
		{ .id = "windows", .kind = PACKAGE_DRIVER, .name = "样票 SimKey Driver", .version = "1.4.2", .os = "windows", .arch = "x86_64", .size = 300000, .file = "sim.exe",
			.models = "SimKey 测试", .sha256 = HASH, .released = "2026-01-30" },
		{ .id = "book", .kind = PACKAGE_DOCUMENT, .name = "样票 SimKey 使用手册", .version = "3", .os = "any", .arch = "any", .size = 4000, .file = "sim.txt",
			.sha256 = HASH, .notes = "测试样品。" },
	} };
	struct error err;
	error_set(&err, ERR_NET_CONNECT, NULL, "stage");
	if (call->total > 0)
		list.packages_count = 5;
	for (size_t i = 0; i < 2; i++)
		snprintf(list.packages[i].sha256, sizeof list.packages[i].sha256, HASH);
	if (stage_has("hall-down"))
		call->done(call->ctx, &err, NULL);
	else
		call->done(call->ctx, NULL, &list);
	free(call);
}

struct hall_call *hall_get_packages(struct hall *hall, hall_fn *done, void *ctx)
{
	struct hall_call *call = calloc(1, sizeof *call);
	(void)hall;
	*call = (struct hall_call){ .done = done, .ctx = ctx };
	stage_later(give_packages, call);
	return call;
}

/* All of it: told by a total. */
struct hall_call *hall_get_downloads(struct hall *hall, hall_fn *done, void *ctx)
{
	struct hall_call *call = hall_get_packages(hall, done, ctx);
	call->total = 1;
	return call;
}

bool hall_package_fits(const struct package *package)
{
	return strcmp(package->os, "windows") != 0;
}

static void give_part(void *ctx)
{
	struct hall_call *call = ctx;
	if (call->got == call->total) {
		call->done(call->ctx, NULL, "/usr/lib/example-pkcs11.so");
		free(call);
		return;
	}
	if (!stage_has("slow") || call->got == 0)
		call->got += call->total / 4;
	call->progress(call->ctx, call->got, call->total);
	if (!stage_has("slow") || call->got < call->total / 4)
		stage_later(give_part, call);
}

struct hall_call *hall_download_package(struct hall *hall, const struct package *package, hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	struct hall_call *call = calloc(1, sizeof *call);
	(void)hall;
	*call = (struct hall_call){ .done = done, .progress = progress, .ctx = ctx, .total = package->size / 4 * 4 };
	stage_later(give_part, call);
	return call;
}

struct hall_call *hall_save_package(struct hall *hall, const struct package *package, const char *folder, const char *name, bool replace,
	hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	(void)folder, (void)name, (void)replace;
	return hall_download_package(hall, package, progress, done, ctx);
}

int settings_set_module(struct settings *settings, const char *module, struct error *err)
{
	(void)err;
	snprintf(settings->module, sizeof settings->module, "%s", module);
	return 0;
}

int token_new(struct loop *loop, const struct token_options *options, struct token **out)
{
	(void)loop;
	the_token.has_module = options->module != NULL && *options->module != '\0';
	*out = &the_token;
	return 0;
}

void token_free(struct token **token)
{
	*token = NULL;
}

void token_close(struct token *token) { (void)token; }
void token_wait(struct token *token) { (void)token; }
void token_give_up(struct token *token) { (void)token; }

static struct {
	token_slow_fn *fn;
	void *ctx;
} slow;

static void be_slow(void *ctx)
{
	(void)ctx;
	slow.fn(slow.ctx, true);
}

void token_on_slow(struct token *token, token_slow_fn *fn, void *ctx)
{
	(void)token;
	slow.fn = fn;
	slow.ctx = ctx;
	if (stage_has("slow-key"))
		stage_later(be_slow, &slow);
}

int token_set_module(struct token *token, const char *module, const char *module_args)
{
	(void)module, (void)module_args;
	token->has_module = true;
	return 0;
}

/* ---- the keyring ---- */

enum { CERTS = 4 };
struct keyring {
	keyring_fn *changed;
	void *ctx;
	bool busy;
	size_t count;
	struct error error, hall_error;
	struct hall_info hall;
	struct token_slot slot;
	struct keyed_cert certs[CERTS];
};

static struct keyed_cert a_cert(const char *holder, int days, enum standing standing)
{
	struct keyed_cert cert = { .has_standing = !stage_has("hall-down"), .on_this_ca = true, .has_key = true,
		.slot_label = "ShanxiCA-SimKey 测试", .standing = { .standing = (int)standing } };
	struct cert_info *info = &cert.info;
	snprintf(info->holder, sizeof info->holder, "%s", holder);
	snprintf(info->organisation, sizeof info->organisation, "%s", holder);
	snprintf(info->issuer, sizeof info->issuer, "测试数字证书认证中心（样票）");
	snprintf(info->serial, sizeof info->serial, "5A17C0FFEE00D15EA5E05A17C0FFEE00D15E%04d", days + 1000);
	snprintf(info->key_text, sizeof info->key_text, "RSA 2048");
	info->not_after = STAGE_NOW + days * (int64_t)STAGE_DAY;
	info->not_before = clock_add_months(info->not_after, -12);
	cert.standing.renewable_from = clock_add_months(info->not_after, -1);
	cert.standing.renewable_until = clock_add_months(info->not_after, 12);
	return cert;
}

static void read_key(void *ctx)
{
	struct keyring *k = ctx;
	k->busy = false;
	k->count = 0;
	k->error = k->hall_error = (struct error){ 0 };
	if (!the_token.has_module)
		error_set(&k->error, ERR_TOKEN_NO_MODULE, NULL, "stage");
	else if (stage_has("no-key"))
		error_set(&k->error, ERR_TOKEN_ABSENT, NULL, "stage");
	else
		k->count = stage_has("empty-key") ? 0 : CERTS;
	if (stage_has("hall-down"))
		error_set(&k->hall_error, ERR_NET_CONNECT, NULL, "stage");
	k->certs[0] = a_cert("测试煤业有限公司", 20, STANDING_RENEWABLE);
	k->certs[1] = a_cert("样票贸易有限公司", -40, STANDING_EXPIRED_RENEWABLE);
	k->certs[2] = a_cert("测试仪器厂", 200, STANDING_TOO_EARLY);
	k->certs[3] = a_cert("样票 Sample Works (测试) 分公司", -400, STANDING_TOO_LATE);
	if (stage_has("unfinished")) {
		k->certs[1].standing.has_order = true;
		snprintf(k->certs[1].standing.order.number, sizeof k->certs[1].standing.order.number, "AZT112217NR3QT");
		k->certs[1].standing.order.state = ORDER_PAID;
	}
	k->changed(k->ctx);
}

void keyring_refresh(struct keyring *k)
{
	stage_forget(k);
	k->busy = true;
	stage_later(read_key, k);
}

int keyring_new(const struct world *world, keyring_fn *changed, void *ctx, struct keyring **out)
{
	(void)world;
	struct keyring *k = calloc(1, sizeof *k);
	*k = (struct keyring){ .changed = changed, .ctx = ctx, .slot = { .label = "SimKey 测试" }, .hall = {
		.name = "样票网上服务大厅", .hotline = "0000-0000000", .invoice_days = 3, .project = { .name = "测试项目" } } };
	*out = k;
	return 0;
}

void keyring_free(struct keyring **k)
{
	if (*k != NULL)
		stage_forget(*k);
	free(*k);
	*k = NULL;
}

bool keyring_busy(const struct keyring *k) { return k->busy; }
const struct error *keyring_error(const struct keyring *k) { return k->error.code != ERR_OK ? &k->error : NULL; }
const struct error *keyring_hall_error(const struct keyring *k) { return k->hall_error.code != ERR_OK ? &k->hall_error : NULL; }
const struct token_slot *keyring_slot(const struct keyring *k) { return k->error.code == ERR_OK ? &k->slot : NULL; }
const struct hall_info *keyring_hall(const struct keyring *k) { return stage_has("hall-down") ? NULL : &k->hall; }
size_t keyring_count(const struct keyring *k) { return k->count; }
const struct keyed_cert *keyring_cert(const struct keyring *k, size_t index) { return &k->certs[index]; }

const struct keyed_cert *keyring_unfinished(const struct keyring *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->certs[i].standing.has_order)
			return &k->certs[i];
	return NULL;
}

void keyed_cert_standing(const struct keyed_cert *cert, enum standing *standing, char *say, size_t size)
{
	char date[16];
	*standing = (enum standing)cert->standing.standing;
	const char *words[] = { "renewable", "expired, renewable until", "not yet, from", "too late, ended" };
	int64_t t = *standing == STANDING_TOO_EARLY ? cert->standing.renewable_from : cert->standing.renewable_until;
	snprintf(say, size, "(%s) %s", words[*standing], clock_date(t, date, sizeof date));
}

bool keyed_cert_renewable(const struct keyed_cert *cert)
{
	return cert->standing.standing <= STANDING_EXPIRED_RENEWABLE;
}

/* ---- the checks ---- */

struct doctor {
	doctor_fn *changed;
	void *ctx;
	int next;
	struct check checks[CHECK_ITEMS];
};

static void check_next(void *ctx)
{
	struct doctor *d = ctx;
	struct check *check = &d->checks[d->next];
	bool key = d->next >= CHECK_KEY_PRESENT && d->next <= CHECK_CERTIFICATES;
	*check = (struct check){ .state = CHECK_OK };
	snprintf(check->seen, sizeof check->seen, "样票 seen %d", d->next);
	if (d->next == CHECK_COMPONENT && !the_token.has_module) {
		*check = (struct check){ .state = CHECK_BROKEN, .offer = OFFER_INSTALL_COMPONENT, .seen = "(none)", .cure = "(install it: 控件安装)" };
	} else if (key && !the_token.has_module) {
		check->state = CHECK_SKIPPED;
	} else if (d->next == CHECK_CLOCK && stage_has("clock")) {
		check->state = CHECK_WARNING;
		snprintf(check->cure, sizeof check->cure, "(set the clock)");
	} else if (d->next == CHECK_ORDER && stage_has("unfinished")) {
		check->state = CHECK_WARNING;
		check->offer = OFFER_RECOVERY;
	}
	if (++d->next < CHECK_ITEMS)
		stage_later(check_next, d);
	d->changed(d->ctx);
}

void doctor_run(struct doctor *d)
{
	stage_forget(d);
	memset(d->checks, 0, sizeof d->checks);
	d->next = 0;
	stage_later(check_next, d);
}

void doctor_run_one(struct doctor *d, enum check_item item)
{
	stage_forget(d);
	d->next = (int)item;
	for (int i = (int)item; i < CHECK_ITEMS; i++)
		d->checks[i] = (struct check){ .state = CHECK_WAITING };
	stage_later(check_next, d);
}

int doctor_new(const struct doctor_options *options, doctor_fn *changed, void *ctx, struct doctor **out)
{
	(void)options;
	*out = calloc(1, sizeof **out);
	**out = (struct doctor){ .changed = changed, .ctx = ctx };
	return 0;
}

void doctor_free(struct doctor **d)
{
	if (*d != NULL)
		stage_forget(*d);
	free(*d);
	*d = NULL;
}

const struct check *doctor_check(const struct doctor *d, enum check_item item) { return &d->checks[item]; }

const char *check_item_name(enum check_item item)
{
	static char name[32];
	snprintf(name, sizeof name, "(item %d)", (int)item + 1);
	return name;
}

const char *check_state_name(enum check_state state)
{
	static const char *const names[] = { "...", "(runs)", "(ok)", "(warn)", "(broken)", "(skip)" };
	return names[state];
}

char *doctor_report(const struct doctor *d, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	(void)json;
	for (int i = 0; i < CHECK_ITEMS; i++)
		fprintf(to, "%2d  %-10s %-8s %s\n", i + 1, check_item_name((enum check_item)i), check_state_name(d->checks[i].state), d->checks[i].seen);
	fclose(to);
	return text;
}

bool doctor_done(const struct doctor *d)
{
	for (int i = 0; i < CHECK_ITEMS; i++)
		if (d->checks[i].state <= CHECK_RUNNING)
			return false;
	return true;
}

bool doctor_passed(const struct doctor *d)
{
	for (int i = 0; i < CHECK_ITEMS; i++)
		if (d->checks[i].state == CHECK_BROKEN)
			return false;
	return doctor_done(d);
}
