/* A fuzz target is a program of one function in libFuzzer's form: what comes in is tried, and what must hold is asserted.
 *
 * In ./check driver.c runs it over its corpus (corpus/NAME) and a fixed number of seeded mutations, under the sanitizers;
 * `make fuzz` builds the same targets with clang's libFuzzer, which looks for new paths as long as it is let.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <certhall/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never compiled away. */
#define HOLDS(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

/* The input as a text that ends; to be freed. */
char *fuzz_text(const uint8_t *data, size_t size);
/* Valid UTF-8 in which nothing a terminal would take for a command is left. */
void fuzz_is_clean(const char *text, bool newlines);

#endif
