/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/dump_picture.h"

#include "base/file.h"
#include "base/log.h"
#include "commands/dump_lines.h"
#include "coord/model.h"
#include "coord/tasks.h"
#include "vmm/ram_pages.h"
#include "vmm/still.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE 4096u
#define STACK 16384u /* aligned to its size */
#define VARIABLES_MAX (64u << 20)

/* ---- what changes ---- */

static void touch(struct kernel *k, uint64_t address, uint64_t len)
{
	uint8_t byte;

	for (uint64_t at = address - address % PAGE; at < address + len; at += PAGE)
		err_free(kernel_read(k, at, &byte, sizeof(byte)));
}

static void touch_stack(struct kernel *k, uint64_t sp)
{
	touch(k, sp, STACK - sp % STACK);
}

/* The kernel's variables, so that expressions find them: [first symbol, second one) on every CPU, or once. */
static void touch_between(struct kernel *k, const char *first, const char *last, bool percpu)
{
	uint64_t start, end, at;

	if (!kernel_find_symbol(k, first, &start) || !kernel_find_symbol(k, last, &end) || end < start ||
	    end - start > VARIABLES_MAX)
		return;
	for (unsigned int cpu = 0; cpu < (percpu ? kernel_cpus(k) : 1); cpu++) {
		struct err *err = percpu ? kernel_percpu(k, start, cpu, &at) : NULL;

		if (!err)
			touch(k, percpu ? at : start, end - start);
		err_free(err);
	}
}

static void touch_variables(struct kernel *k)
{
	touch_between(k, "_sdata", "_edata", false);
	touch_between(k, "__bss_start", "__bss_stop", false);
	touch_between(k, "__per_cpu_start", "__per_cpu_end", true);
}

/* Its struct, and its stack from where it sleeps up. */
static void touch_task(struct kernel *k, const struct model *m, unsigned int task, uint64_t size)
{
	static const char *const pointers[] = {"cred", "signal", "mm", "nsproxy", "cgroups", "files"};
	const struct types *types = kernel_types(k);
	struct model_detail detail;
	uint64_t sp;

	touch(k, m->tasks[task].address, size);
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		int64_t offset = types_offset(types, "task_struct", pointers[i]);
		uint64_t address = 0;

		if (offset >= 0)
			err_free(kernel_read_u64(k, m->tasks[task].address + (uint64_t)offset, &address));
		if (address)
			touch(k, address, 1);
	}
	if (!model_task_detail(k, m, (int)task, &detail) || !detail.stack_pointer.present)
		return;
	sp = detail.stack_pointer.value;
	if (m->tasks[task].current) /* it has moved since */
		sp -= sp % STACK;
	touch_stack(k, sp);
}

/* On what a CPU stands now: an interrupt's stack, perhaps. */
static void touch_cpus(struct kernel *k, const struct still *still)
{
	for (unsigned int i = 0; i < still->register_count; i++)
		if (!registers_in_user(&still->registers[i]))
			touch_stack(k, still->registers[i].value[REG_RSP]);
}

/* By which a task is found by its pid. */
static struct err *touch_pids(struct kernel *k, const struct model *m)
{
	struct task_finder finder;
	uint64_t address;

	ERR_TRY(task_finder_init(k, &finder));
	for (unsigned int i = 0; i < m->task_count; i++)
		err_free(task_find(k, &finder, m->tasks[i].pid, &address));
	return NULL;
}

static struct err *touch_tasks(struct coord *c)
{
	const struct model *m;
	struct kernel *k;
	uint32_t type;
	uint64_t size;

	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(types_parse(kernel_types(k), "struct task_struct", &type));
	size = types_size(kernel_types(k), type);
	ERR_TRY(coord_model(c, &m));
	for (unsigned int i = 0; i < m->task_count + m->idle_count; i++)
		touch_task(k, m, i, size);
	err_free(touch_pids(k, m));
	touch_variables(k);
	touch_cpus(k, still_info(coord_machine(c)));
	return NULL;
}

static struct err *ignore(void *context, const char *line)
{
	struct session *s = context;
	struct str text = {0};
	struct out *out = out_create(OUT_JSON, out_sink_str, &text);

	if (!out)
		return err_nomem();
	err_free(session_run_line(s, line, out));
	out_destroy(out);
	str_deinit(&text);
	return NULL;
}

/* ---- the picture ---- */

/* Adoption and what follows looks at what does not change: that needs no hold. */
static struct err *make_session(struct session *of, struct picture *p)
{
	struct coord *coord = session_coord(of);
	struct options options = *session_options(of);
	struct machine *still;
	struct kernel *kernel;
	uint64_t behind;

	ERR_TRY(session_kernel(of, &kernel));
	options.open_dump = options.attach = options.record = NULL;
	ERR_TRY(session_create(&options, &p->session));
	ERR_TRY(still_create(coord_machine(coord), &still));
	(void)ram_at(machine_ram(still), kernel_info(kernel)->vmcoreinfo, PAGE);
	ERR_TRY(session_take(p->session, still));
	if (coord_clock_behind(coord, &behind))
		coord_set_clock_behind(session_coord(p->session), behind);
	return NULL;
}

static struct err *collect(struct picture *p, struct machine *of)
{
	struct coord *coord = session_coord(p->session);
	uint64_t start = host_now(), taken, touched;

	ERR_TRY(still_take(coord_machine(coord), of));
	taken = host_now();
	ERR_TRY(touch_tasks(coord));
	touched = host_now();
	ERR_TRY(dump_lines_each(p->session, DUMP_LINE_SHORT, ignore, p->session));
	log_debug("dump: %" PRIu64 " us for memory, %" PRIu64 " us for tasks, %" PRIu64 " us for the rest",
		  (taken - start) / 1000, (touched - taken) / 1000, (host_now() - touched) / 1000);
	return NULL;
}

static struct err *take(struct session *of, struct err *(*meanwhile)(void *context), void *context,
			struct picture *p)
{
	struct coord *coord = session_coord(of);
	uint64_t start;
	struct err *err;

	ERR_TRY(make_session(of, p));
	start = host_now();
	ERR_TRY(coord_enter(coord));
	err = collect(p, coord_machine(coord));
	if (!err)
		err = meanwhile(context);
	err = coord_leave_with(coord, err);
	p->freeze = host_now() - start;
	ram_pages_begin_late(still_pages(coord_machine(session_coord(p->session))));
	return err;
}

struct err *picture_take(struct session *of, struct err *(*meanwhile)(void *context), void *context,
			 struct picture *ret)
{
	struct picture p = {0};
	struct err *err = take(of, meanwhile, context, &p);

	if (err)
		picture_deinit(&p);
	else
		*ret = p;
	return err;
}

void picture_deinit(struct picture *p)
{
	session_destroy(p->session);
	p->session = NULL;
}
