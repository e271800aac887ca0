#include <certhall/settings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libconfig.h>

#include <certhall/file.h>
#include <certhall/i18n.h>

enum kind { TEXT, PATH, INT };

/* One row a setting. */
static const struct row {
	const char *name;
	enum kind kind;
	size_t offset, size;
	int least, most;
} rows[] = {
#define ROW(name, kind, field) { name, kind, offsetof(struct settings, field), sizeof(((struct settings *)0)->field), 0, 0 }
#define ROW_INT(name, field, least, most) { name, INT, offsetof(struct settings, field), sizeof(int), least, most }
	ROW("hall.url", TEXT, hall_url),
	ROW("hall.ca_file", PATH, hall_ca),
	ROW("hall.pin", TEXT, hall_pin),
	ROW("hall.proxy", TEXT, hall_proxy),
	ROW_INT("hall.timeout", timeout_s, 1, 600),
	ROW("ca.file", PATH, ca_file),
	ROW("components.signer", PATH, signer_file),
	ROW("token.module", PATH, module),
	ROW("token.module_args", TEXT, module_args),
	ROW("token.helper", PATH, helper),
	ROW("download.folder", PATH, download_folder),
	ROW("download.viewer", PATH, viewer),
	ROW_INT("ui.kiosk", kiosk, 0, 1),
	ROW_INT("ui.idle", idle_s, 0, 86400),
	ROW("help.folder", PATH, help_folder),
	ROW("desk.answers", PATH, answers_folder),
	ROW_INT("desk.bell", desk_bell, 0, 1),
	ROW("ui.theme", TEXT, theme),
	ROW_INT("ui.esc_delay", esc_delay_ms, 10, 2000),
	ROW_INT("ui.ambiguous", ambiguous, 0, 2),
	ROW("log.file", PATH, log),
#undef ROW
#undef ROW_INT
};

/* What is wrong stands first: the path is what may be cut. */
static int wrong(struct error *err, const char *path, const char *name, const char *what)
{
	char say[1024];
	snprintf(say, sizeof say, "%s %s (%s)", name, what, path);
	return error_set(err, ERR_CONFIG, say, "%s", say);
}

static int take_text(const struct row *row, const char *value, struct settings *out, struct error *err)
{
	char *to = (char *)out + row->offset;
	const char *slash = strrchr(out->path, '/');
	bool relative = row->kind == PATH && *value != '/' && *value != '\0' && slash != NULL;
	size_t folder = relative ? (size_t)(slash + 1 - out->path) : 0;
	if (folder + strlen(value) < row->size) {
		memcpy(to, out->path, folder);
		strcpy(to + folder, value);
		return 0;
	}
	return wrong(err, out->path, row->name, _("is too long"));
}

static int take(const struct row *row, const config_setting_t *setting, struct settings *out, struct error *err)
{
	if (row->kind != INT) {
		const char *value = config_setting_get_string(setting);
		return value != NULL ? take_text(row, value, out, err) : wrong(err, out->path, row->name, _("must be a text in quotes"));
	}
	int value = config_setting_get_int(setting);
	if (config_setting_type(setting) != CONFIG_TYPE_INT || value < row->least || value > row->most)
		return wrong(err, out->path, row->name, _("must be a number in its range"));
	*(int *)(void *)((char *)out + row->offset) = value;
	return 0;
}

static int read_file(config_t *config, struct settings *out, struct error *err)
{
	if (config_read_file(config, out->path) != CONFIG_TRUE) {
		char say[1024];
		if (config_error_type(config) == CONFIG_ERR_FILE_IO)
			snprintf(say, sizeof say, _("%s cannot be read"), out->path);
		else
			snprintf(say, sizeof say, _("%s in line %d of %s"), config_error_text(config), config_error_line(config), out->path);
		return error_set(err, ERR_CONFIG, say, "%s", say);
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const config_setting_t *setting = config_lookup(config, rows[i].name);
		int code = setting != NULL ? take(&rows[i], setting, out, err) : 0;
		if (code != 0)
			return code;
	}
	return 0;
}

/* The component that was installed last, unless the configuration names a module itself. */
static void read_installed(struct settings *out)
{
	char path[FILE_PATH_MAX];
	const char *module;
	file_data_path("module.conf", path, sizeof path);
	if (out->module[0] != '\0' || path[0] == '\0' || access(path, R_OK) != 0)
		return;
	config_t config;
	config_init(&config);
	if (config_read_file(&config, path) == CONFIG_TRUE && config_lookup_string(&config, "module", &module) == CONFIG_TRUE
		&& *module == '/' && strlen(module) < sizeof out->module) {
		strcpy(out->module, module);
		out->module_installed = true;
	}
	config_destroy(&config);
}

/* The first of the places where the file may be; out->path gets it. */
static int find(const char *path, struct settings *out, struct error *err)
{
	const char *env = getenv("CERTHALL_CONFIG");
	char own[FILE_PATH_MAX];
	file_config_path("certhall.conf", own, sizeof own);
	if (path == NULL && env != NULL && *env != '\0')
		path = env;
	if (path == NULL)
		path = own[0] != '\0' && access(own, F_OK) == 0 ? own : SYSCONFDIR "/certhall/certhall.conf";
	if (strlen(path) >= sizeof out->path)
		return error_set(err, ERR_CONFIG, path, "path too long");
	strcpy(out->path, path);
	if (access(path, F_OK) == 0)
		return 0;
	char say[1024];
	snprintf(say, sizeof say, _("there is no file %s. Copy the sample there, or name one with --config"), path);
	return error_set(err, ERR_CONFIG, say, "no file");
}

int settings_load(const char *path, struct settings *out, struct error *err)
{
	*out = (struct settings){ .esc_delay_ms = 150, .timeout_s = 30, .idle_s = 900, .desk_bell = 1 };
	int code = find(path, out, err);
	if (code != 0)
		return code;
	config_t config;
	config_init(&config);
	code = read_file(&config, out, err);
	config_destroy(&config);
	if (code == 0 && strncmp(out->hall_url, "https://", 8) != 0)
		code = wrong(err, out->path, "hall.url", _("must begin with https://"));
	if (code != 0)
		return code;
	for (size_t len = strlen(out->hall_url); len > 0 && out->hall_url[len - 1] == '/'; len--)
		out->hall_url[len - 1] = '\0';
	read_installed(out);
	if (out->help_folder[0] == '\0')
		file_installed_path("help", out->help_folder, sizeof out->help_folder);
	if (out->answers_folder[0] == '\0')
		file_installed_path("answers", out->answers_folder, sizeof out->answers_folder);
	return 0;
}

int settings_set_module(struct settings *settings, const char *module, struct error *err)
{
	char path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
	if (strlen(module) >= sizeof settings->module || *module != '/')
		return error_set(err, ERR_FILE, module, "not a path that can be kept");
	file_data_path("module.conf", path, sizeof path);
	file_data_path(NULL, folder, sizeof folder);
	if (path[0] == '\0')
		return error_set(err, ERR_FILE, "module.conf", "no home");
	int code = file_make_folder(folder, err);
	if (code != 0)
		return code;
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	if (memory == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "module.conf");
	config_t config;
	config_init(&config);
	config_setting_t *setting = config_setting_add(config_root_setting(&config), "module", CONFIG_TYPE_STRING);
	if (setting != NULL && config_setting_set_string(setting, module) == CONFIG_TRUE)
		config_write(&config, memory);
	config_destroy(&config);
	fclose(memory);
	code = file_replace(path, text, len, err);
	free(text);
	if (code != 0)
		return code;
	strcpy(settings->module, module);
	settings->module_installed = true;
	return 0;
}
