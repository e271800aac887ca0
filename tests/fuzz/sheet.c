/* An invoice's XML as the hall, or anybody in its place, may send it. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/sheet.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes xml = { .data = (uint8_t *)(uintptr_t)data, .len = size };
	struct error err;
	char *text;
	if (size == 0 || size > 65536)
		return 0;
	if (sheet_text(&xml, 20 + data[size - 1], &text, &err) == 0) {
		HOLDS(text != NULL);
		fuzz_is_clean(text, true);
		free(text);
	} else {
		HOLDS(text == NULL);
	}
	return 0;
}
