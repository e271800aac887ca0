/* The terminal program's settings: certhall.conf (libconfig), and what an installation of a component wrote beside it.
 *
 * Looked for: the path given (--config), $CERTHALL_CONFIG, the user's certhall/certhall.conf (XDG), SYSCONFDIR/certhall/certhall.conf.
 */
#ifndef CERTHALL_SETTINGS_H
#define CERTHALL_SETTINGS_H

#include <stdbool.h>

#include <certhall/error.h>

struct settings {
	char path[512];            /* the file they came from */
	char hall_url[256];        /* hall.url "https://..." */
	char hall_ca[512];         /* hall.ca_file: the PEM the hall's TLS certificate must chain to; empty: the system's */
	char hall_pin[160];        /* hall.pin: "sha256//base64[;sha256//base64]" (curl's form), may be empty */
	char hall_proxy[256];      /* hall.proxy, may be empty (the environment's then) */
	int timeout_s;             /* hall.timeout: longest wait for an answer; 30 */
	char ca_file[512];         /* ca.file: PEM of the certificate authority whose certificates are renewed */
	char signer_file[512];     /* components.signer: PEM of the certificate that signs the hall's components (pinned) */
	char module[512];          /* token.module; or the component installed last (data folder/module.conf) */
	char module_args[256];
	bool module_installed;     /* module came from 控件安装 */
	char helper[512];          /* token.helper; empty: the built-in path */
	char download_folder[512]; /* download.folder: where invoices and downloads are saved; empty: see certhall(1) */
	char viewer[512];          /* download.viewer: a program that shows a PDF; empty: the invoice is shown in the terminal */
	int kiosk;                 /* ui.kiosk 1: anybody may stand at this terminal: no file or program of theirs, nothing remembered */
	int idle_s;                /* ui.idle: seconds without a key after which the person is logged out; 0: never; 900 */
	char help_folder[512];     /* help.folder; by itself beside an uninstalled program, else where it was installed */
	char answers_folder[512];  /* desk.answers; the agents' canned answers; by itself as help_folder */
	int desk_bell;             /* desk.bell 1: the terminal rings when a customer is offered */
	char theme[32];            /* ui.theme */
	int esc_delay_ms, ambiguous;
	char log[512];             /* log file; empty: state folder/certhall.log */
};

/* path may be NULL. ERR_CONFIG with a sentence that names the file, line and what is wrong. Relative paths in a file count
 * from the file's folder. */
int settings_load(const char *path, struct settings *out, struct error *err) CH_MUST_CHECK;

/* Remembers an installed module for the next start (data folder/module.conf, 0600) and puts it into *settings. */
int settings_set_module(struct settings *settings, const char *module, struct error *err) CH_MUST_CHECK;

#endif
