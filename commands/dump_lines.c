/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/dump_lines.h"

#include "coord/bpf.h"
#include "coord/model.h"

#include <stdio.h>
#include <string.h>

struct asking {
	struct session *session;
	struct err *(*visit)(void *context, const char *line);
	void *context;
};

static struct err *visit_number(const struct asking *w, const char *words, unsigned int number)
{
	char line[64];

	snprintf(line, sizeof(line), "%s%u", words, number);
	return w->visit(w->context, line);
}

static struct err *visit_all(const struct asking *w, const char *const *lines)
{
	for (; *lines; lines++)
		ERR_TRY(w->visit(w->context, *lines));
	return NULL;
}

/* The variables of BPF programs. */
static struct err *visit_globals(const struct asking *w)
{
	struct bpf_list list;
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(session_kernel(w->session, &kernel));
	err = bpf_list(kernel, &list);
	if (err) { /* "bpf maps" says why */
		err_free(err);
		return NULL;
	}
	for (unsigned int i = 0; !err && i < list.map_count; i++)
		if (strchr(list.maps[i].name, '.'))
			err = visit_number(w, "bpf map ", list.maps[i].id);
	bpf_list_deinit(&list);
	return err;
}

static struct err *visit_cpus(const struct asking *w, const struct model *m)
{
	for (unsigned int i = 0; i < m->cpu_count; i++) {
		ERR_TRY(visit_number(w, "rq ", i));
		ERR_TRY(visit_number(w, "registers cpu:", i));
	}
	return NULL;
}

static struct err *visit_tasks(const struct asking *w, const struct model *m)
{
	for (unsigned int i = 0; i < m->task_count; i++)
		if (m->tasks[i].pid > 0)
			ERR_TRY(visit_number(w, "task ", (unsigned int)m->tasks[i].pid));
	return NULL;
}

struct err *dump_lines_each(struct session *s, enum dump_lines which,
			    struct err *(*visit)(void *context, const char *line), void *context)
{
	static const char *const brief[] = {"status",  "info kernel",	 "cpus",  "dsq", "scx",
					    "cgroups", "locks",		 "why",	  "console 100000",
					    "dmesg 100000", "bpf maps", "bpf programs", NULL};
	static const char *const full[] = {"tasks", "backtrace all", NULL};
	const struct asking w = {s, visit, context};
	const struct model *m;

	ERR_TRY(coord_model(session_coord(s), &m));
	ERR_TRY(visit_all(&w, which == DUMP_LINE_SHORT ? brief : full));
	if (which == DUMP_LINE_LONG)
		return visit_tasks(&w, m);
	ERR_TRY(visit_cpus(&w, m));
	return visit_globals(&w);
}
