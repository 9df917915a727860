/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notations, and guest text on its way to a terminal: what comes out has no control byte. */
#include "tests/fuzz/fuzz.h"

#include "base/parse.h"
#include "base/str.h"

static void check_clean(const char *text, size_t size)
{
	struct str s = {0};

	str_add_clean(&s, text, size);
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
			abort();
	str_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	uint64_t number, mask[16];
	int64_t negative;

	err_free(parse_duration(text, &number));
	err_free(parse_size(text, &number));
	err_free(parse_u64(text, &number));
	err_free(parse_s64(text, &negative));
	err_free(parse_list(text, 1024, mask));
	check_clean(text, size);
	free(text);
	return 0;
}
