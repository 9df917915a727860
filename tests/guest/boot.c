/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/guest/boot.h"

#include "commands/session.h"
#include "commands/start.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "coord/work_spec.h"
#include "vmm/kernel_cache.h"

#include <stdio.h>

static void skip_without_kernel(const char *wanted)
{
	char *path = NULL;
	struct err *err = kernel_cache_resolve(wanted, &path);

	free(path);
	if (!err)
		return;
	fprintf(stderr, "skipped: %s\n", err_detail(err));
	err_free(err);
	exit(77);
}

static enum clock_kind wanted_clock(void)
{
	const char *name = getenv("KTDBG_TEST_CLOCK");

	if (!name)
		return CLOCK_AUTO;
	return strcmp(name, "real") == 0 ? CLOCK_REAL : CLOCK_VIRTUAL;
}

static enum coord_pacing pacing_of(const struct machine *machine)
{
	return machine_info(machine)->clock == CLOCK_VIRTUAL ? COORD_LOCKSTEP : COORD_FREE;
}

struct coord *guest_boot(void)
{
	return guest_boot_with(NULL);
}

struct coord *guest_boot_with(const char *append)
{
	struct options options;
	struct machine *machine = NULL;
	struct coord *coord = NULL;
	struct err *err;

	options_init(&options);
	options.kernel = getenv("KTDBG_TEST_KERNEL");
	options.clock = wanted_clock();
	options.append = append;
	skip_without_kernel(options.kernel);
	err = start_machine(&options, NULL, &machine);
	if (!err)
		err = coord_create(machine, pacing_of(machine), &coord);
	if (err) {
		fprintf(stderr, "no guest: %s\n", err_detail(err));
		err_free(err);
		exit(1);
	}
	return coord;
}

int guest_spawn(struct coord *coord, const char *cgroup, const char *text)
{
	struct spec_limits limits = {agent_cpus(coord_agent(coord)),
				     agent_nodes(coord_agent(coord))};
	struct agent_worker worker;
	struct work_spec spec;
	struct words words;
	unsigned int first = 0;

	expect_ok(words_split(text, &words));
	expect_ok(work_spec_parse(cgroup, words.count, words.words, &limits, &spec));
	words_deinit(&words);
	expect_ok(agent_spawn(coord_agent(coord), &spec, &first));
	expect_ok(agent_worker(coord_agent(coord), cgroup, first, &worker));
	return worker.pid;
}
