/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/measure.h"

#include <stdlib.h>
#include <time.h>

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t median(uint64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

uint64_t processor_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void discard(void *context, const char *text, size_t len)
{
}

struct err *execute(struct session *s, const char *line)
{
	struct out *out = out_create(OUT_TEXT, discard, NULL);
	bool more;
	struct err *err = out ? session_execute(s, line, out, &more) : err_nomem();

	out_destroy(out);
	return err_wrap(err, "%s", line);
}
