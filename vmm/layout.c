/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096

/* "  0000000000100000-000000001fffffff (prio 0, ram): NAME @0000000000100000 KVM" */
static bool parse_range(const char *line, struct layout_run *ret)
{
	struct layout_run run = {0};
	uint64_t last;
	int at = 0;

	if (sscanf(line, " %16" SCNx64 "-%16" SCNx64 " (prio %*d, ram): %63s%n", &run.phys, &last,
		   run.block, &at) != 3 ||
	    !at || last < run.phys || last - run.phys >= INT64_MAX)
		return false;
	(void)sscanf(line + at, " @%16" SCNx64, &run.offset);
	run.len = last - run.phys + 1;
	run.seen = run.phys;
	if (!strncmp(run.block, "/objects/", 9))
		memmove(run.block, run.block + 9, strlen(run.block + 9) + 1);
	*ret = run;
	return run.phys % PAGE == 0 && run.offset % PAGE == 0 && run.len % PAGE == 0;
}

static struct err *add(struct layout *l, const struct layout_run *run)
{
	struct layout_run *last = l->count ? &l->runs[l->count - 1] : NULL;

	if (last && run->phys < last->phys + last->len)
		return err_new(ERR_BAD_DATA, "qemu's memory map is out of order");
	if (last && !strcmp(last->block, run->block) &&
	    run->phys - last->phys == run->offset - last->offset) {
		last->len = run->phys + run->len - last->phys;
		return NULL;
	}
	if (l->count == RAM_SEGMENTS_MAX)
		return err_new(ERR_BAD_DATA, "the guest's memory lies in more than %d places",
			       RAM_SEGMENTS_MAX);
	l->runs[l->count++] = *run;
	return NULL;
}

struct err *layout_parse(const char *text, bool (*is_memory)(void *context, const char *block),
			 void *context, struct layout *ret)
{
	/* The view of the CPUs' address space; others follow and come before. */
	const char *line = strstr(text, " AS \"memory\"");
	struct layout l = {0};
	struct layout_run run;

	while (line && (line = strchr(line, '\n')) && *++line && *line != '\r' && *line != '\n')
		if (parse_range(line, &run) && is_memory(context, run.block))
			ERR_TRY(add(&l, &run));
	if (!l.count)
		return err_new(ERR_BAD_DATA, "qemu's memory map shows no memory of the guest");
	*ret = l;
	return NULL;
}
