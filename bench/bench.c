/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures that the design promises, measured on warm-started guests, each beside its target and beside
 * what others need for the same. Prints a table for each part; status 1 when a target is missed.
 *
 *   bench KTDBG CROWD [PART...]
 *
 * CROWD is bench/inside/crowd.c as built for the guest. KTDBG_BENCH_KERNEL chooses a kernel, KTDBG_DRGN and
 * KTDBG_VMLINUX drgn and the debug information that it wants.
 */
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parse.h"
#include "base/str.h"
#include "bench/crowd.h"
#include "bench/measure.h"
#include "bench/misses.h"
#include "bench/rivals.h"
#include "bench/sampler.h"
#include "commands/options.h"
#include "commands/session.h"
#include "coord/coord.h"
#include "coord/kernel.h"
#include "coord/model.h"
#include "coord/value.h"
#include "vmm/helper.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 9
#define READS 1000000
#define WORKERS 1000

/* From exec of the program to the end of a command that needs the adopted kernel: a little more than
 * what is promised, which ends at the adoption. */
static struct err *measure_start(const char *ktdbg, uint64_t *ret)
{
	const char *const argv[] = {ktdbg, "-e", "print jiffies_64", NULL};
	uint64_t times[ROUNDS];

	ERR_TRY(helper_run(argv, NULL, 300 * SECOND, NULL)); /* fills the cache */
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t start = host_now();

		ERR_TRY(helper_run(argv, NULL, 300 * SECOND, NULL));
		times[i] = host_now() - start;
	}
	*ret = median(times, ROUNDS);
	return NULL;
}

static struct err *measure_adoption(struct coord *c, uint64_t *ret)
{
	uint64_t times[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t start = host_now();
		struct kernel *k;

		ERR_TRY(kernel_adopt(machine_ram(coord_machine(c)), 0, &k));
		times[i] = host_now() - start;
		kernel_destroy(k);
	}
	*ret = median(times, ROUNDS);
	return NULL;
}

/* init_task.se.vruntime: its place is found once, and then read as the typed value that `print` reads. */
static struct err *measure_read(struct kernel *k, uint64_t *ret)
{
	struct value task, se, field, number;
	uint64_t address, start, sum = 0;
	uint32_t type;

	ERR_TRY(types_parse(kernel_types(k), "struct task_struct", &type));
	ERR_TRY(kernel_symbol(k, "init_task", &address));
	task = value_object(type, address);
	ERR_TRY(value_member(k, &task, "se", &se));
	ERR_TRY(value_member(k, &se, "vruntime", &field));
	start = host_now();
	for (unsigned int i = 0; i < READS; i++) {
		ERR_TRY(value_load(k, &field, &number));
		sum += number.number;
	}
	*ret = (host_now() - start) / READS;
	return number.kind == VALUE_NUMBER || sum ? NULL : err_new(ERR_BAD_DATA, "no number was read");
}

/* A fresh model holds far more than eight fields of each task; they are read here as well. */
static struct err *measure_walk(struct coord *c, uint64_t *ret_ns, unsigned int *ret_tasks)
{
	uint64_t times[ROUNDS], sum = 0;
	const struct model *m = NULL;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t start;

		coord_touched(c);
		start = host_now();
		ERR_TRY(coord_model(c, &m));
		for (unsigned int t = 0; t < m->task_count; t++) {
			const struct model_task *task = &m->tasks[t];

			sum += (uint64_t)task->pid + task->policy + task->runtime + task->vruntime +
			       task->switches + (uint64_t)task->state + task->cpu + task->on_rq;
		}
		times[i] = host_now() - start;
	}
	*ret_ns = median(times, ROUNDS);
	*ret_tasks = m->task_count;
	return sum ? NULL : err_new(ERR_BAD_DATA, "the model is empty");
}

/* Bytes resident, without what belongs to the guest's memory, which is shared with QEMU. */
static struct err *measure_memory(uint64_t *ret)
{
	char *text, *at;

	ERR_TRY(read_whole_file("/proc/self/status", 65536, &text, NULL));
	at = strstr(text, "\nVmRSS:");
	*ret = at ? strtoull(at + 7, NULL, 10) << 10 : 0;
	free(text);
	return *ret ? NULL : err_new(ERR_BAD_DATA, "no VmRSS in /proc/self/status");
}

struct figures {
	uint64_t start_ns, adopt_ns, read_ns, walk_ns, rss;
	unsigned int tasks;
};

static struct err *measure_frozen(struct session *s, struct figures *f)
{
	struct coord *c = session_coord(s);
	struct kernel *k;

	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(measure_memory(&f->rss));
	ERR_TRY(measure_adoption(c, &f->adopt_ns));
	ERR_TRY(measure_read(k, &f->read_ns));
	return measure_walk(c, &f->walk_ns, &f->tasks);
}

static struct err *measure_session(struct session *s, struct figures *f)
{
	char spawn[128];
	struct err *err;

	ERR_TRY(session_boot(s));
	snprintf(spawn, sizeof(spawn), "spawn @runner workers=%d work=sequence(sleep:3600s)", WORKERS);
	ERR_TRY(execute(s, spawn));
	ERR_TRY(execute(s, "run 1s"));
	ERR_TRY(execute(s, "freeze"));
	ERR_TRY(execute(s, "tasks"));
	ERR_TRY(coord_enter(session_coord(s)));
	err = measure_frozen(s, f);
	return coord_leave_with(session_coord(s), err);
}

static struct err *measure(const char *ktdbg, struct figures *f)
{
	struct options options;
	struct session *s;
	struct err *err;

	ERR_TRY(measure_start(ktdbg, &f->start_ns));
	options_init(&options);
	options.kernel = getenv("KTDBG_BENCH_KERNEL");
	ERR_TRY(session_create(&options, &s));
	session_set_mode(s, MODE_SCRIPT);
	err = measure_session(s, f);
	session_destroy(s);
	return err;
}

static const char *duration(bool known, uint64_t ns, char buffer[DURATION_TEXT])
{
	return known ? format_duration(ns, buffer) : "-";
}

static bool row(const char *what, uint64_t ns, uint64_t target, const char *qmp, const char *gdb)
{
	char a[DURATION_TEXT], b[DURATION_TEXT];

	printf("%-34s %10s %10s  %-6s %10s %10s\n", what, format_duration(ns, a), format_duration(target, b),
	       ns <= target ? "ok" : "MISSED", qmp, gdb);
	return ns <= target;
}

static bool print_access(const struct figures *f, const struct rivals *r)
{
	char a[DURATION_TEXT], b[DURATION_TEXT], walk[64];
	bool good = true;

	printf("%-34s %10s %10s  %-6s %10s %10s\n", "", "ktdbg", "target", "", "raw QMP", "gdb");
	good &= row("exec to adopted, warm", f->start_ns, 600000000, "-", duration(r->has_gdb, r->gdb_start_ns, a));
	good &= row("adoption", f->adopt_ns, 80000000, "-", "-");
	good &= row("typed field read, frozen", f->read_ns, 1000, duration(r->has_qmp, r->qmp_read_ns, a),
		    duration(r->has_gdb, r->gdb_read_ns, b));
	snprintf(walk, sizeof(walk), "8 fields of %u tasks", f->tasks);
	good &= row(walk, f->walk_ns, 2000000 * (uint64_t)f->tasks / 1000, duration(r->has_qmp, r->qmp_walk_ns, a),
		    duration(r->has_gdb, r->gdb_walk_ns, b));
	printf("%-34s %10s %10s  %-6s %10s %10s\n", "resident memory", format_size(f->rss, walk), "64M",
	       f->rss <= 64 << 20 ? "ok" : "MISSED", "-", r->has_gdb ? format_size(r->gdb_rss, b) : "-");
	printf("\nQMP and gdb read a bare, stopped QEMU at a known address: no symbols, types or tasks to find.\n");
	return good && f->rss <= 64 << 20;
}

/* What the parts need to know. */
struct bench {
	const char *ktdbg, *crowd;
	const char *folder; /* for sockets and dumps */
};

static struct err *part_access(const struct bench *b, bool *good)
{
	struct figures figures = {0};
	struct rivals rivals;

	ERR_TRY(measure(b->ktdbg, &figures));
	ERR_TRY(rivals_measure(b->folder, &rivals));
	*good &= print_access(&figures, &rivals);
	return NULL;
}

static struct err *part_model(const struct bench *b, bool *good)
{
	static const struct {
		unsigned int tasks;
		uint64_t memory, target;
	} sizes[] = {
		{1000, UINT64_C(512) << 20, 3000000},
		{20000, UINT64_C(2) << 30, 60000000},
	};

	printf("%-34s %10s %10s  %-6s %10s %10s\n", "whole model of 8 CPUs", "ktdbg", "target", "", "tasks only",
	       "drgn");
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char what[64], model[DURATION_TEXT], drgn[DURATION_TEXT];
		struct crowd crowd;

		ERR_TRY(crowd_measure(b->crowd, b->folder, sizes[i].tasks, sizes[i].memory, &crowd));
		snprintf(what, sizeof(what), "%u tasks", crowd.tasks);
		*good &= row(what, crowd.whole_ns, sizes[i].target, format_duration(crowd.model_ns, model),
			     crowd.drgn.why_not ? crowd.drgn.why_not
						: format_duration(crowd.drgn.walk_ns, drgn));
	}
	return NULL;
}

/* Slower is what the guest loses while QEMU runs, share what the sampling takes from whoever else wants to run. */
static struct err *part_sampler(const struct bench *b, bool *good)
{
	static const struct {
		const char *what;
		enum clock_kind clock;
	} rows[] = {{"virtual clock", CLOCK_VIRTUAL}, {"real clock", CLOCK_REAL}};
	const double target = 0.01;

	(void)b;
	printf("%-34s %10s %10s %10s %10s %10s\n", "counters sampled at 10 Hz", "off", "on", "slower", "share",
	       "target");
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sampler_cost c;
		bool ok;

		ERR_TRY(sampler_measure(rows[i].clock, &c));
		ok = c.slower < target && c.share < target && c.samples;
		printf("%-34s %8.0f/s %8.0f/s %9.2f%% %9.2f%% %10s  %s\n", rows[i].what, c.rate_off, c.rate_on,
		       c.slower * 100, c.share * 100, "< 1%", ok ? "ok" : "MISSED");
		*good &= ok;
	}
	printf("\nIterations a second of QEMU's processor time; share of a processor taken by sampling itself.\n");
	return NULL;
}

static struct err *part_breaks(const struct bench *b, bool *good)
{
	char gdb[DURATION_TEXT], real[DURATION_TEXT], guest[DURATION_TEXT];
	struct misses m = {0};

	ERR_TRY(misses_measure(b->folder, &m));
	printf("%-34s %10s %10s  %-6s %10s %10s\n", "1,000,000 hits that do not match", "ktdbg", "target", "",
	       "real clock", "gdb");
	*good &= row("break EXPR if CONDITION", m.virtual_ns, 20 * SECOND, format_duration(m.real_ns, real),
		     duration(m.has_gdb, m.gdb_ns, gdb));
	printf("\nVirtual clock: all of them; the guest itself took another %s. The real clock's figure is told from "
	       "%" PRIu64 " hits,\ngdb's (over QEMU's stub, real clock) from %" PRIu64 ".\n",
	       format_duration(m.guest_ns, guest), m.real_hits, m.gdb_hits);
	return NULL;
}

static bool is_wanted(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

static struct err *run_parts(const struct bench *b, int count, char **names, bool *good)
{
	static const struct {
		const char *name;
		struct err *(*run)(const struct bench *b, bool *good);
	} parts[] = {{"access", part_access}, {"model", part_model}, {"sampler", part_sampler}, {"breaks", part_breaks}};

	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!is_wanted(parts[i].name, count, names))
			continue;
		ERR_TRY(err_wrap(parts[i].run(b, good), "%s", parts[i].name));
		printf("\n");
		fflush(stdout);
	}
	return NULL;
}

static void remove_folder(const char *folder)
{
	char *command = str_format("rm -rf '%s'", folder);

	if (!command || system(command) != 0)
		fprintf(stderr, "bench: %s is left\n", folder);
	free(command);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/ktdbg-bench-XXXXXX";
	bool good = true;
	struct err *err;

	if (argc < 3 || !mkdtemp(folder)) {
		fprintf(stderr, "usage: bench KTDBG CROWD [PART...]\n");
		return 2;
	}
	interrupt_install();
	err = run_parts(&(struct bench){argv[1], argv[2], folder}, argc - 3, argv + 3, &good);
	remove_folder(folder);
	if (err) {
		fprintf(stderr, "bench: %s\n", err_detail(err));
		err_free(err);
		return 3;
	}
	return good ? 0 : 1;
}
