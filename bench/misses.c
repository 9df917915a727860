/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/misses.h"

#include "base/file.h"
#include "base/str.h"
#include "bench/measure.h"
#include "coord/coord.h"
#include "coord/halts.h"
#include "coord/kernel.h"
#include "vmm/helper.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PLACE "do_sched_yield"
#define REAL_TIME (5 * SECOND)
#define GDB_HITS 300
#define GDB_TIMEOUT (300 * SECOND)

static struct err *begin(enum clock_kind clock, const char *gdb_socket, struct session **ret)
{
	struct options options;
	struct session *s;
	struct err *err;

	options_init(&options);
	options.clock = clock;
	options.gdb_socket = gdb_socket;
	ERR_TRY(session_create(&options, &s));
	err = session_boot(s);
	if (!err)
		err = execute(s, "spawn @runner workers=4 work=yield");
	if (!err)
		err = execute(s, "freeze");
	if (err)
		session_destroy(s);
	else
		*ret = s;
	return err;
}

static uint64_t hits(struct session *s)
{
	struct halt_info info = {0};

	halts_at(coord_halts(session_coord(s)), 0, &info);
	return info.hits;
}

static struct err *timed(struct session *s, const char *line, uint64_t *ret_ns)
{
	uint64_t start = host_now();

	ERR_TRY(execute(s, line));
	*ret_ns += host_now() - start;
	return NULL;
}

/* The guest's own need is measured right before and right behind. */
static struct err *run_virtual(struct session *s, struct misses *ret)
{
	uint64_t alone = 0, all = 0, tenths = 0;

	ERR_TRY(timed(s, "run 1s", &alone));
	ERR_TRY(execute(s, "break " PLACE " if cpu > 99"));
	for (; hits(s) < MISSES; tenths++)
		ERR_TRY(timed(s, "run 100ms", &all));
	all = (uint64_t)((double)all * MISSES / (double)hits(s));
	ERR_TRY(execute(s, "delete 1"));
	ERR_TRY(timed(s, "run 1s", &alone));
	ret->guest_ns = alone / 2 * tenths / 10;
	ret->virtual_ns = all > ret->guest_ns ? all - ret->guest_ns : 0;
	return NULL;
}

static struct err *run_real(struct session *s, struct misses *ret)
{
	uint64_t all = 0;

	ERR_TRY(execute(s, "break " PLACE " if cpu > 99"));
	while (all < REAL_TIME)
		ERR_TRY(timed(s, "run 500ms", &all));
	ret->real_hits = hits(s);
	if (!ret->real_hits)
		return err_new(ERR_BAD_DATA, "the guest does not come to " PLACE "()");
	ret->real_ns = all / ret->real_hits * MISSES;
	return NULL;
}

/* gdb goes on by itself until its condition has been asked that often. */
static struct err *run_gdb(struct session *s, const char *socket, struct misses *ret)
{
	struct kernel *kernel;
	struct str output = {0};
	uint64_t address, start;
	struct err *err;
	char *target = str_format("target remote %s", socket), *place = NULL;
	const char *argv[] = {
		"gdb", "-nx",  "-batch",   "-ex",	 "set architecture i386:x86-64",
		"-ex", target, "-ex",	   "set $n = 0", "-ex",
		NULL,  "-ex",  "continue", "-ex",	 "print $n",
		"-ex", "kill", NULL};

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(kernel_symbol(kernel, PLACE, &address));
	place = str_format("hbreak *0x%" PRIx64 " if ++$n == %d", address, GDB_HITS);
	if (!target || !place)
		return err_nomem();
	argv[10] = place;
	start = host_now();
	err = helper_run(argv, NULL, GDB_TIMEOUT, &output);
	ret->gdb_hits = GDB_HITS;
	ret->gdb_ns = (host_now() - start) / GDB_HITS * MISSES;
	ret->has_gdb = !err;
	err_free(err);
	str_deinit(&output);
	free(target);
	free(place);
	return NULL;
}

static struct err *in_guest(enum clock_kind clock, const char *socket, struct misses *ret)
{
	struct session *s;
	struct err *err;

	ERR_TRY(begin(clock, socket, &s));
	if (clock == CLOCK_VIRTUAL)
		err = run_virtual(s, ret);
	else
		err = socket ? run_gdb(s, socket, ret) : run_real(s, ret);
	session_destroy(s);
	return err;
}

struct err *misses_measure(const char *folder, struct misses *ret)
{
	char *socket = str_format("%s/guest.gdb", folder);
	struct err *err = socket ? in_guest(CLOCK_VIRTUAL, NULL, ret) : err_nomem();

	if (!err)
		err = in_guest(CLOCK_REAL, NULL, ret);
	if (!err)
		err = in_guest(CLOCK_REAL, socket, ret);
	free(socket);
	return err;
}
