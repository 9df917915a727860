// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mask.h"

unsigned int mask_next(const uint64_t *mask, unsigned int bits, unsigned int from)
{
	while (from < bits && !mask_test(mask, from))
		from++;
	return from;
}

unsigned int mask_count(const uint64_t *mask, unsigned int bits)
{
	unsigned int n = 0;

	for (unsigned int i = mask_next(mask, bits, 0); i < bits; i = mask_next(mask, bits, i + 1))
		n++;
	return n;
}

void mask_list(const uint64_t *mask, unsigned int bits, struct str *s)
{
	const char *comma = "";

	for (unsigned int i = mask_next(mask, bits, 0), last; i < bits; i = mask_next(mask, bits, last + 1)) {
		last = i;
		while (last + 1 < bits && mask_test(mask, last + 1))
			last++;
		if (last > i)
			str_addf(s, "%s%u-%u", comma, i, last);
		else
			str_addf(s, "%s%u", comma, i);
		comma = ",";
	}
}
