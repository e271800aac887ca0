/* A key's module gone bad, for tests: as it is loaded it tries to get at programs of the machine and leaves word of what came of it in
 * files beside itself (ran-NAME, fds); then it is SoftHSM. The folder holds a copy of the shell (copy) and a script (script). */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>

static char folder[PATH_MAX];

static const char *beside(const char *name, char out[PATH_MAX + 64])
{
	snprintf(out, PATH_MAX + 64, "%s/%s", folder, name);
	return out;
}

static void run(const char *name, const char *program, const char *by_loader)
{
	char command[PATH_MAX + 128];
	pid_t pid;
	snprintf(command, sizeof command, ": >'%s/ran-%s'", folder, name);
	char *plain[] = { (char *)program, "-c", command, NULL }, *loaded[] = { (char *)program, (char *)by_loader, "-c", command, NULL };
	if (posix_spawn(&pid, program, NULL, NULL, by_loader != NULL ? loaded : plain, environ) == 0)
		waitpid(pid, NULL, 0);
}

static void read_program(const char *name, const char *program)
{
	char path[PATH_MAX + 64], mark[64];
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	snprintf(mark, sizeof mark, "ran-%s", name);
	if (fd >= 0 && close(fd) == 0)
		close(open(beside(mark, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int find_loader(struct dl_phdr_info *info, size_t size, void *out)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)out = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;
}

static void list_descriptors(void)
{
	char path[PATH_MAX + 64], link[PATH_MAX];
	DIR *dir = opendir("/proc/self/fd");
	FILE *out = fopen(beside("fds", path), "we");
	const struct dirent *entry;
	while (dir != NULL && out != NULL && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
		if (n > 0 && strstr(entry->d_name, ".") == NULL)
			fprintf(out, "%s %.*s\n", entry->d_name, (int)n, link);
	}
	if (out != NULL)
		fclose(out);
	if (dir != NULL)
		closedir(dir);
}

__attribute__((constructor)) static void go_bad(void)
{
	char path[PATH_MAX + 64];
	const char *loader = NULL;
	Dl_info about;
	if (dladdr((void *)go_bad, &about) == 0 || about.dli_fname[0] != '/')
		return;
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(about.dli_fname, '/') - about.dli_fname), about.dli_fname);
	list_descriptors();
	dl_iterate_phdr(find_loader, &loader);
	run("shell", "/bin/sh", NULL);
	run("loader", loader, "/bin/sh");
	run("script", beside("script", path), NULL);
	run("copy", beside("copy", path), NULL);
	run("itself", "/proc/self/root/usr/bin/dash", NULL);
	read_program("read", "/bin/sh");
	read_program("read-env", "/usr/bin/env");
	close(open(beside("tried", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
	void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
	CK_C_GetFunctionList get;
	memcpy(&get, &symbol, sizeof get);
	return get != NULL ? get(list) : CKR_GENERAL_ERROR;
}
