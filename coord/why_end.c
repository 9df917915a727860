/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scheduler that is gone: the kernel frees what it knew of it, but for its own log. */
#include "coord/printk.h"
#include "coord/why.h"

#include <stdlib.h>
#include <string.h>

/* The stacks that the kernel prints with the end of a scheduler follow it. */
#define RECORDS 500

/* kernel/sched/ext.c: `sched_ext: BPF scheduler "NAME" disabled (REASON)`, the next one is
 * `sched_ext: NAME: MESSAGE` if there is one. */
static const char prefix[] = "sched_ext: ", begin[] = "sched_ext: BPF scheduler \"",
		  middle[] = "\" disabled (";

/* The newest record that ends a scheduler; NULL: there is none, or another has begun since. */
static const struct printk_record *find_end(const struct printk_log *log)
{
	for (unsigned int i = log->count; i-- > 0;)
		if (strncmp(log->records[i].text, begin, strlen(begin)) == 0)
			return strstr(log->records[i].text, middle) ? &log->records[i] : NULL;
	return NULL;
}

static void describe(const struct printk_log *log, const struct printk_record *r, struct str *s)
{
	const char *name = r->text + strlen(begin), *reason = strstr(name, middle);
	const struct printk_record *next = r + 1;
	size_t len = (size_t)(reason - name);

	reason += strlen(middle);
	str_addf(s, "%.*s ended: %.*s", (int)len, name, (int)strcspn(reason, ")"), reason);
	if (next < log->records + log->count && strncmp(next->text, prefix, strlen(prefix)) == 0 &&
	    strncmp(next->text + strlen(prefix), name, len) == 0)
		str_addf(s, "%s", next->text + strlen(prefix) + len);
}

bool why_scheduler_ended(struct kernel *k, const struct model *m, struct str *s, uint64_t *ret_ago)
{
	const struct printk_record *r = NULL;
	struct printk_log log = {0};
	struct str text = {0};
	struct err *err;

	if (!m->scx.present || strcmp(m->scx.state, "disabled") != 0)
		return false;
	err = printk_read(k, RECORDS, &log);
	if (!err)
		r = find_end(&log);
	if (r) {
		describe(&log, r, &text);
		str_add_clean(s, str_text(&text), text.len);
		*ret_ago = m->now > r->time ? m->now - r->time : 0;
	}
	err_free(err);
	str_deinit(&text);
	printk_log_deinit(&log);
	return r != NULL;
}
