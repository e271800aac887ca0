#include <certhall/i18n.h>

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *environment_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && *value != '\0')
			return value;
	}
	return "";
}

static int says_nothing(const char *locale)
{
	return *locale == '\0' || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0 || strncmp(locale, "C.", 2) == 0;
}

/* A program that was not installed has them beside it. */
static void bind_catalogues(void)
{
	char beside[PATH_MAX + sizeof "locale"];
	ssize_t n = readlink("/proc/self/exe", beside, PATH_MAX);
	char *name = n > 0 ? memrchr(beside, '/', (size_t)n) : NULL;
	if (name != NULL)
		strcpy(name + 1, "locale");
	bindtextdomain("certhall", name != NULL && access(beside, X_OK) == 0 ? beside : LOCALEDIR);
}

int i18n_init(const char *lang)
{
	const char *wanted = environment_locale();
	const char *language = getenv("LANGUAGE");
	if (lang != NULL)
		setenv("LANGUAGE", strcmp(lang, "en") == 0 ? "en" : lang, 1);
	else if ((language == NULL || *language == '\0') && says_nothing(wanted))
		setenv("LANGUAGE", "zh_CN", 1);
	/* LANGUAGE has no effect in the C locale, and an uninstalled locale leaves us there. */
	if (setlocale(LC_ALL, "") == NULL || (*wanted == '\0' && strcmp(setlocale(LC_CTYPE, NULL), "C") == 0))
		setlocale(LC_ALL, "C.UTF-8");
	/* A named zh_CN locale that is not installed still says which language is wanted. */
	if (lang == NULL && strncmp(wanted, "zh", 2) == 0 && (language == NULL || *language == '\0'))
		setenv("LANGUAGE", "zh_CN", 1);
	bind_catalogues();
	bind_textdomain_codeset("certhall", "UTF-8");
	textdomain("certhall");
	const char *codeset = nl_langinfo(CODESET);
	return strcasecmp(codeset, "UTF-8") == 0 || strncasecmp(codeset, "GB", 2) == 0 ? 0 : -1;
}

const char *i18n_in_context(const char *marked)
{
	const char *text = gettext(marked), *end = strchr(marked, '\004');
	return text == marked && end != NULL ? end + 1 : text;
}
