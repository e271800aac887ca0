/* Runs a fuzz target over its corpus and over mutations of it, and prints TAP. FUZZ_RUNS: how many (20000); FUZZ_SEED: which (1).
 * The input that a target died of is left beside it as NAME.died, to be given as an argument then. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 256, INPUT_MAX = 65536 };

static struct input {
	uint8_t *data;
	size_t len;
} files[FILES_MAX];
static size_t count;
static const uint8_t *current;
static size_t current_len;
static char died[4096];
static uint64_t state;

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
static uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static size_t below(size_t limit)
{
	return limit > 0 ? (size_t)(rnd() % limit) : 0;
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void keep_input(void)
{
	int fd = current == NULL ? -1 : open(died, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t ignored = fd >= 0 ? write(fd, current, current_len) : 0;
	(void)ignored;
}

static void on_abort(int number)
{
	keep_input();
	signal(number, SIG_DFL);
	raise(number);
}

static void try(const uint8_t *data, size_t len)
{
	/* a copy of exactly its size: reading behind it is seen */
	uint8_t *copy = malloc(len);
	if (copy == NULL)
		return;
	memcpy(copy, data, len);
	current = copy;
	current_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	current = NULL;
	free(copy);
}

static bool read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	if (file == NULL || count == FILES_MAX)
		return false;
	struct input *input = &files[count];
	input->data = malloc(INPUT_MAX);
	input->len = input->data != NULL ? fread(input->data, 1, INPUT_MAX, file) : 0;
	fclose(file);
	count += input->data != NULL;
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *folder)
{
	struct dirent **names;
	char path[4096];
	int n = scandir(folder, &names, NULL, by_name);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			read_file(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static const char *const words[] = { "\033[2J", "\033]0;", "\x9b", "\xc2\x9b", "\xe2\x80\xae", "\xf3\xa0\x80\x81", "\xff\xfe", "\xed\xa0\x80", "%00",
	"\r\n", "\n\n", "data:", "id:", "{", "[", "\"", "\\u0000", "\\ud800", "9999999999999999999", "-1", "\x30\x82\xff\xff", "\x30\x80", "\x1b", "&", "=" };

static size_t mutate(uint8_t *to, size_t len)
{
	size_t at = below(len + 1), n = 1 + below(16);
	switch (below(7)) {
	case 0: /* a bit */
		if (len > 0)
			to[below(len)] ^= (uint8_t)(1u << below(8));
		return len;
	case 1: /* a byte */
		if (len > 0)
			to[below(len)] = (uint8_t)rnd();
		return len;
	case 2: /* cut out */
		n = n < len - at ? n : len - at;
		memmove(to + at, to + at + n, len - at - n);
		return len - n;
	case 3: { /* a word that matters */
		const char *word = words[below(sizeof words / sizeof *words)];
		n = strlen(word);
		if (len + n > INPUT_MAX)
			return len;
		memmove(to + at + n, to + at, len - at);
		memcpy(to + at, word, n);
		return len + n;
	}
	case 4: /* again, longer */
		n = 1 + below(len - at < 512 ? len - at : 512);
		if (at + n > len || len + n > INPUT_MAX)
			return len;
		memmove(to + at + n, to + at, len - at);
		return len + n;
	case 5: { /* another's tail */
		const struct input *other = &files[below(count)];
		size_t from = below(other->len + 1);
		n = other->len - from;
		if (at + n > INPUT_MAX)
			return len;
		memcpy(to + at, other->data + from, n);
		return at + n;
	}
	default: /* an end */
		return at;
	}
}

static unsigned long number_of(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);
	return text != NULL ? strtoul(text, NULL, 0) : fallback;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0], *source = getenv("top_srcdir");
	char folder[2048];
	unsigned long runs = number_of("FUZZ_RUNS", 20000), seed = number_of("FUZZ_SEED", 1);
	snprintf(died, sizeof died, "%s.died", argv[0]);
	snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", name);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(keep_input);
	signal(SIGABRT, on_abort);
	for (int i = 1; i < argc; i++)
		read_file(argv[i]);
	if (argc == 1)
		read_corpus(folder);
	uint8_t *input = malloc(INPUT_MAX + 1024);
	if (count == 0 || input == NULL)
		return printf("not ok 1 - no corpus in %s\n1..1\n", folder) > 0;
	for (size_t i = 0; i < count; i++)
		try(files[i].data, files[i].len);
	printf("ok 1 - %s: %zu inputs of the corpus\n", name, count);
	state = 0x9e3779b97f4a7c15ULL ^ seed;
	for (unsigned long run = 0; argc == 1 && run < runs; run++) {
		const struct input *from = &files[below(count)];
		size_t len = from->len;
		memcpy(input, from->data, len);
		for (size_t n = 1 + below(6); n > 0; n--)
			len = mutate(input, len);
		try(input, len);
	}
	printf("ok 2 - %s: %lu mutations, seed %lu\n1..2\n", name, argc == 1 ? runs : 0, seed);
	free(input);
	for (size_t i = 0; i < count; i++)
		free(files[i].data);
	return 0;
}
