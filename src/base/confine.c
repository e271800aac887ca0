#include <certhall/confine.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

enum { ABI_REFER = 2 };

/* Folders whose entries may be read, all but these: what is not there itself has a row of its own or holds programs. */
static const struct {
	const char *path, *closed[5];
} readable[] = {
	{ "/", { "bin", "sbin", "usr" } },
	{ "/usr", { "bin", "sbin", "games", "local" } },
	{ "/usr/local", { "bin", "sbin", "games" } },
};

/* The version of Landlock; 0: this kernel has none; -1: it does not say (errno). */
static long abi(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	return version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP) ? 0 : version;
}

bool confine_supported(void)
{
	return abi() != 0;
}

/* What cannot be looked at stays closed; -1 and errno when the kernel does not take the rule. */
static int allow(int ruleset, int folder, const char *name, int flags, uint64_t access)
{
	struct stat about;
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = openat(folder, name, O_PATH | O_CLOEXEC | flags) };
	int code = 0;
	if (rule.parent_fd < 0)
		return 0;
	if (fstat(rule.parent_fd, &about) == 0 && !S_ISLNK(about.st_mode)) /* where a link leads has its own entry, or is closed */
		code = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	int error = errno;
	close(rule.parent_fd);
	errno = error;
	return code;
}

static bool is_closed(const char *const closed[], const char *name)
{
	for (; *closed != NULL; closed++)
		if (strcmp(*closed, name) == 0)
			return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int allow_entries(int ruleset, const char *path, const char *const closed[])
{
	const struct dirent *entry;
	DIR *folder = opendir(path);
	int code = 0;
	while (folder != NULL && code == 0 && (entry = readdir(folder)) != NULL)
		if (!is_closed(closed, entry->d_name))
			code = allow(ruleset, dirfd(folder), entry->d_name, O_NOFOLLOW, LANDLOCK_ACCESS_FS_READ_FILE);
	int error = errno;
	if (folder != NULL)
		closedir(folder);
	errno = error;
	return code;
}

/* The first object is the program itself. */
static int note_loader(struct dl_phdr_info *info, size_t size, void *out)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)out = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;
}

static int allow_program(int ruleset, const char *path)
{
	return allow(ruleset, AT_FDCWD, path, 0, LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE);
}

static int make_rules(int ruleset, const char *program, bool refer)
{
	const char *loader = NULL;
	int code = refer ? allow(ruleset, AT_FDCWD, "/", 0, LANDLOCK_ACCESS_FS_REFER) : 0; /* else nothing could be moved to another folder */
	for (size_t i = 0; code == 0 && i < sizeof readable / sizeof *readable; i++)
		code = allow_entries(ruleset, readable[i].path, readable[i].closed);
	dl_iterate_phdr(note_loader, &loader);
	if (code == 0 && loader != NULL)
		code = allow_program(ruleset, loader);
	return code == 0 ? allow_program(ruleset, program) : code;
}

int confine_programs(const char *program, struct error *err)
{
	if (access(program, X_OK) != 0)
		return error_set(err, ERR_CONFINE, program, "%s: %s", program, strerror(errno));
	long version = abi();
	const struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
		(version >= ABI_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) };
	int ruleset = version > 0 ? (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0) : -1;
	int code = ruleset >= 0 ? make_rules(ruleset, program, version >= ABI_REFER) : -1;
	if (code == 0 && (code = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) == 0)
		code = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	int error = errno;
	if (ruleset >= 0)
		close(ruleset);
	return code == 0 ? 0 : error_set(err, ERR_CONFINE, strerror(error), "Landlock %ld, %s: %s", version, program, strerror(error));
}
