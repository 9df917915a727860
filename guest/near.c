// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <string.h>

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Levenshtein's, over two rows of the table at a time. */
unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[WIRE_CGROUP_NAME + 1], n = (unsigned int)strnlen(b, WIRE_CGROUP_NAME);

	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1]; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= n; j++) {
			unsigned int swap = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			row[j] = least(swap, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}
