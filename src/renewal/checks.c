#include "renewal/checks.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <certhall/clock.h>
#include <certhall/confine.h>
#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/renewal.h>

enum {
	LEAST_ROWS = 24, LEAST_COLS = 80, LEAST_COLOURS = 8, CLOCK_WARN_S = 60, CLOCK_WRONG_S = 300,
	KEY_ROOM = 4096, DISK_ROOM = 64 * 1024 * 1024,
};

void check_set(struct check *check, enum check_state state, const char *seen_fmt, ...)
{
	*check = (struct check){ .state = state };
	va_list args;
	va_start(args, seen_fmt);
	vsnprintf(check->seen, sizeof check->seen, seen_fmt, args);
	va_end(args);
}

void check_set_cure(struct check *check, const char *cure_fmt, ...)
{
	va_list args;
	va_start(args, cure_fmt);
	vsnprintf(check->cure, sizeof check->cure, cure_fmt, args);
	va_end(args);
}

static const struct {
	enum error_code code;
	const char *cure;
} cures[] = {
	{ ERR_NET_RESOLVE, N_("Check the network cable or the wireless connection, and that hall.url in the configuration is right. Then check again.") },
	{ ERR_NET_CONNECT, N_("Check the network connection, and that no firewall or proxy is in the way. Then check again.") },
	{ ERR_NET_TIMEOUT, N_("The network or the hall is slow. Wait a moment and check again.") },
	{ ERR_NET_TLS, N_("Set this computer's date and time right. If they are, hall.ca_file or hall.pin in the configuration may be out of date: contact customer service.") },
	{ ERR_NET_OVERLOADED, N_("Many people are using the hall just now. Check again in a few minutes.") },
	{ ERR_TOKEN_NO_MODULE, N_("Install the component of your key: choose it from the hall's list. Then check again.") },
	{ ERR_TOKEN_MODULE, N_("Install the component again. It must fit this computer (Linux, the same number of bits).") },
	{ ERR_TOKEN_HELPER, N_("Pull the key out, insert it again and check again. If it stays, install the component again.") },
	{ ERR_TOKEN_TIMEOUT, N_("Pull the key out, insert it at another USB port and check again.") },
};

void check_failed(struct check *check, const struct error *err)
{
	char sentence[256];
	check_set(check, CHECK_BROKEN, "%s", error_sentence(err, sentence, sizeof sentence));
	check_set_cure(check, "%s", _("Check again. If it stays, contact customer service and give them this report."));
	for (size_t i = 0; i < sizeof cures / sizeof *cures; i++)
		if (cures[i].code == err->code)
			check_set_cure(check, "%s", _(cures[i].cure));
}

void judge_terminal(const struct doctor_options *options, struct check *check)
{
	const char *codeset = nl_langinfo(CODESET), *term = getenv("TERM");
	int rows = options->terminal_rows, cols = options->terminal_cols;
	if (options->settings->kiosk && !confine_supported()) {
		check_set(check, CHECK_WARNING, "%s", _("For everybody, and this kernel cannot keep it to its own programs"));
		check_set_cure(check, "%s", _("Whoever looks after this terminal: use a kernel with Landlock turned on (Linux 5.13 or later)."));
		return;
	}
	if (rows == 0 || cols == 0) {
		check_set(check, CHECK_SKIPPED, "%s", _("Not running on a terminal"));
		return;
	}
	check_set(check, CHECK_OK, _("%d columns by %d rows, %s, %d colours"), cols, rows, codeset, options->terminal_colours);
	if (strcasecmp(codeset, "UTF-8") != 0 && strncasecmp(codeset, "GB", 2) != 0) {
		check->state = CHECK_WARNING;
		check_set_cure(check, "%s", _("Chinese cannot be shown in this encoding. Set the terminal and LANG to UTF-8 or GB18030."));
	} else if (term != NULL && strcmp(term, "linux") == 0) {
		check->state = CHECK_WARNING;
		check_set_cure(check, "%s", _("The Linux console has no Chinese characters. Use a terminal window, or start with --lang en."));
	} else if (rows < LEAST_ROWS || cols < LEAST_COLS) {
		check->state = CHECK_WARNING;
		check_set_cure(check, _("Make the window at least %d columns by %d rows, or the font smaller."), LEAST_COLS, LEAST_ROWS);
	}
}

/* Compares "1.10.2" by numbers. */
static int compare_versions(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		char *after_a, *after_b;
		long left = strtol(a, &after_a, 10), right = strtol(b, &after_b, 10);
		if (left != right)
			return left < right ? -1 : 1;
		a = *after_a == '.' ? after_a + 1 : "";
		b = *after_b == '.' ? after_b + 1 : "";
	}
	return 0;
}

void judge_version(const struct findings *found, struct check *check)
{
	const char *least = found->hall.minimum_version;
	if (compare_versions(PACKAGE_VERSION, least) >= 0) {
		check_set(check, CHECK_OK, _("Version %s; the hall asks for %s or later"), PACKAGE_VERSION, least);
		return;
	}
	check_set(check, CHECK_BROKEN, _("Version %s; the hall asks for %s or later"), PACKAGE_VERSION, least);
	check_set_cure(check, _("Update this program to version %s or later."), least);
}

void judge_network(const struct doctor_options *options, const struct findings *found, struct check *check)
{
	check_set(check, CHECK_OK, _("%s answers at %s"), found->hall.name, options->settings->hall_url);
}

void judge_clock(const struct doctor_options *options, struct check *check)
{
	int64_t off = hall_clock_offset(options->hall);
	long long seconds = off < 0 ? -off : off;
	char now[24];
	if (seconds == 0) {
		check_set(check, CHECK_OK, "%s", _("The same as the hall's clock"));
		return;
	}
	if (seconds <= CLOCK_WARN_S) {
		check_set(check, CHECK_OK, _("Right to %lld s by the hall's clock"), seconds);
		return;
	}
	enum check_state state = seconds > CLOCK_WRONG_S ? CHECK_BROKEN : CHECK_WARNING;
	check_set(check, state, off > 0 ? _("This computer's clock is %lld s fast") : _("This computer's clock is %lld s slow"), seconds);
	check_set_cure(check, _("Set this computer's clock; in China it is now %s."), clock_date_time(hall_now(options->hall), now, sizeof now));
}

void judge_component(const struct doctor_options *options, const struct findings *found, const struct error *err, struct check *check)
{
	const struct token_module *module = &found->tokens.module;
	if (err != NULL) {
		check_failed(check, err);
		if (options->settings->kiosk)
			check_set_cure(check, "%s", _("At this terminal only whoever looks after it installs components. Tell them, please."));
		else if (err->code == ERR_TOKEN_NO_MODULE || err->code == ERR_TOKEN_MODULE || err->code == ERR_TOKEN_HELPER)
			check->offer = OFFER_INSTALL_COMPONENT;
		return;
	}
	const char *slash = strrchr(options->settings->module, '/');
	check_set(check, CHECK_OK, "%s, %s %s, PKCS#11 %s", slash != NULL ? slash + 1 : options->settings->module,
		module->description, module->version, module->cryptoki);
}

static bool pcscd_answers(void)
{
	static const char *const paths[] = { "/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm" };
	bool answers = false;
	for (size_t i = 0; i < sizeof paths / sizeof *paths && !answers; i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		strcpy(address.sun_path, paths[i]);
		answers = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
		if (fd >= 0)
			close(fd);
	}
	return answers;
}

void judge_pcsc(const struct findings *found, struct check *check)
{
	if (found->tokens.count > 0) {
		check_set(check, CHECK_SKIPPED, "%s", _("The key answers, so this need not be checked"));
	} else if (pcscd_answers()) {
		check_set(check, CHECK_OK, "%s", _("The smart card service is running"));
	} else {
		check_set(check, CHECK_WARNING, "%s", _("The smart card service (pcscd) is not running"));
		check_set_cure(check, "%s", _("If your key needs it: install the package pcscd and start it (systemctl start pcscd.socket), then check again."));
	}
}

void judge_key_present(struct findings *found, struct check *check)
{
	const struct token_slot *slot;
	struct error err;
	char sentence[256];
	int code = token_list_only(&found->tokens, &slot, &err);
	if (code == 0 || code == ERR_TOKEN_UNINITIALISED) {
		found->slot = code == 0 ? *slot : found->tokens.slots[0];
		check_set(check, CHECK_OK, _("One key: %s"), found->slot.label[0] != '\0' ? found->slot.label : found->slot.model);
		return;
	}
	check_set(check, CHECK_BROKEN, "%s", error_sentence(&err, sentence, sizeof sentence));
	if (code == ERR_TOKEN_SEVERAL)
		check_set_cure(check, "%s", _("Pull out the other keys and check again."));
	else
		check_set_cure(check, "%s", _("Insert the key (try another USB port, best at the back), wait until its light is steady, and check again."));
}

void judge_key_known(const struct findings *found, struct check *check)
{
	const struct token_slot *slot = &found->slot;
	char serial[32];
	check_set(check, CHECK_OK, _("%s %s, serial number %s"), slot->manufacturer, slot->model, log_mask(slot->serial, serial, sizeof serial));
	if (!slot->initialised) {
		check->state = CHECK_BROKEN;
		check_set_cure(check, "%s", _("This key has not been initialised. Contact customer service; do not initialise it yourself."));
	} else if (slot->write_protected) {
		check->state = CHECK_BROKEN;
		check_set_cure(check, "%s", _("This key is write-protected, so no certificate can be put on it. Contact customer service."));
	} else if (slot->mechanisms[0] == '\0') {
		check->state = CHECK_BROKEN;
		check_set_cure(check, "%s", _("This key cannot make a key pair of a kind the hall knows. Contact customer service."));
	} else if (slot->free_bytes >= 0 && slot->free_bytes < KEY_ROOM) {
		check->state = CHECK_WARNING;
		check_set_cure(check, "%s", _("The key is nearly full. If the installation fails, contact customer service; do not delete anything yourself."));
	}
}

void judge_pin(const struct findings *found, struct check *check)
{
	const struct token_slot *slot = &found->slot;
	if (slot->pin_locked) {
		check_set(check, CHECK_BROKEN, "%s", _("The PIN is locked"));
		check_set_cure(check, "%s", _("Only the certificate authority can unlock it: contact customer service. Do not initialise the key, all certificates would be lost."));
	} else if (slot->pin_final) {
		check_set(check, CHECK_WARNING, "%s", _("One try is left for the PIN"));
		check_set_cure(check, "%s", _("Make sure of the PIN before you enter it. If it is wrong once more the key is locked."));
	} else if (slot->pin_low) {
		check_set(check, CHECK_WARNING, "%s", _("A wrong PIN was entered lately; only a few tries are left"));
		check_set_cure(check, "%s", _("Make sure of the PIN before you enter it."));
	} else {
		check_set(check, CHECK_OK, "%s", slot->pin_pad ? _("Not locked; the PIN is entered on the reader") : _("Not locked"));
	}
}

int trust_open_file(const char *path, struct trust **out, struct error *err)
{
	struct bytes ders[MODEL_CHAIN] = { 0 };
	size_t count = 0;
	if (path[0] == '\0')
		return error_set(err, ERR_CONFIG, "ca.file", "not set");
	int code = cert_file_read(path, ders, MODEL_CHAIN, &count, err);
	if (code == 0)
		code = trust_open(ders, count, out, err);
	for (size_t i = 0; i < MODEL_CHAIN; i++)
		bytes_free(&ders[i]);
	return code;
}

void judge_certificates(const struct doctor_options *options, struct findings *found, struct token_certs *certs, struct check *check)
{
	struct trust *trust = NULL;
	struct error err;
	size_t ours = 0, unreadable = 0;
	if (trust_open_file(options->settings->ca_file, &trust, &err) != 0) {
		check_failed(check, &err);
		check_set_cure(check, "%s", _("Check ca.file in the configuration: it names the certificate authority's certificate (PEM)."));
		return;
	}
	for (size_t i = 0; i < certs->count; i++) {
		struct bytes *der = &certs->certs[i].der;
		struct cert_info info;
		if (cert_info_read(der->data, der->len, &info, NULL) != 0) {
			unreadable++;
			continue;
		}
		ours += trust_check_chain(trust, der->data, der->len, hall_now(options->hall), NULL) == 0;
		found->certs[found->certs_count++].der = *der;
		*der = (struct bytes){ 0 };
	}
	trust_free(&trust);
	check_set(check, CHECK_OK, _("Certificates on the key: %zu, of this certificate authority: %zu"), certs->count, ours);
	if (ours == 0) {
		check->state = CHECK_BROKEN;
		check_set_cure(check, "%s", _("There is no certificate of this certificate authority on the key. Check that the right key is inserted."));
	} else if (unreadable > 0) {
		check->state = CHECK_WARNING;
		check_set_cure(check, _("%zu certificates cannot be read; they are left alone."), unreadable);
	}
}

void judge_order(const struct standing_answer *answer, struct check *check)
{
	check_set(check, CHECK_OK, "%s", _("No unfinished order"));
	for (size_t i = 0; i < answer->certificates_count; i++) {
		if (!answer->certificates[i].has_order)
			continue;
		check_set(check, CHECK_WARNING, _("Order %s is not finished"), answer->certificates[i].order.number);
		check_set_cure(check, "%s", _("Go on with it: choose recovery. What was paid is kept."));
		check->offer = OFFER_RECOVERY;
		return;
	}
}

void judge_payment(const struct findings *found, struct check *check)
{
	if (found->hall.payment_ready) {
		check_set(check, CHECK_OK, "%s", _("The payment service answers"));
		return;
	}
	check_set(check, CHECK_WARNING, "%s", _("The payment service does not answer just now"));
	check_set_cure(check, "%s", _("You can go on; if no payment code can be shown, wait a few minutes and try again. Orders already paid are not affected."));
}

void judge_folder(struct check *check)
{
	char path[FILE_PATH_MAX];
	struct error err;
	struct statvfs disk;
	file_data_path(NULL, path, sizeof path);
	if (path[0] == '\0')
		error_set(&err, ERR_FILE, "$HOME", "no home folder");
	if (path[0] == '\0' || file_make_folder(path, &err) != 0 || (access(path, W_OK | X_OK) != 0
		&& error_set(&err, ERR_FILE, path, "not writable") != 0)) {
		check_failed(check, &err);
		check_set_cure(check, _("See to it that you may write to %s and that the disk is not full, then check again."), path[0] != '\0' ? path : "$HOME");
		return;
	}
	check_set(check, CHECK_OK, _("Downloads and receipts can be saved in %s"), path);
	if (statvfs(path, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < DISK_ROOM) {
		check->state = CHECK_WARNING;
		check_set_cure(check, "%s", _("The disk is nearly full. Delete what is no longer needed."));
	}
}
