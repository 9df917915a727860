/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/guest/boot.h"

#include "commands/session.h"
#include "commands/start.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "coord/places.h"
#include "coord/work_spec.h"
#include "vmm/kernel_cache.h"

#include <stdio.h>

void guest_skip_without(const char *wanted)
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

struct coord *coord;

int guest_enter(void **state)
{
	(void)state;
	expect_ok(coord_enter(coord));
	return 0;
}

int guest_leave(void **state)
{
	(void)state;
	expect_ok(coord_leave(coord));
	return 0;
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

static struct coord *boot(const struct options *options)
{
	struct machine *machine = NULL;
	struct coord *booted = NULL;
	struct err *err;

	guest_skip_without(options->kernel);
	err = start_machine(options, NULL, &machine);
	if (!err)
		err = coord_create(machine, pacing_of(machine), &booted);
	if (err) {
		fprintf(stderr, "no guest: %s\n", err_detail(err));
		err_free(err);
		exit(1);
	}
	return booted;
}

struct coord *guest_boot_with(const char *append)
{
	struct options options;

	options_init(&options);
	options.kernel = getenv("KTDBG_TEST_KERNEL");
	options.clock = wanted_clock();
	options.append = append;
	return boot(&options);
}

struct coord *guest_boot_confined(unsigned int budget, const char *topology)
{
	struct options options;

	options_init(&options);
	options.kernel = getenv("KTDBG_TEST_KERNEL");
	options.cpu_budget = budget;
	expect_ok(topology_parse(topology, &options.topology));
	return boot(&options);
}

int guest_spawn(struct coord *in, const char *cgroup, const char *text)
{
	struct spec_limits limits;
	struct places places;
	struct agent_worker worker;
	struct work_spec spec;
	struct words words;
	unsigned int first = 0;

	expect_ok(words_split(text, &words));
	expect_ok(agent_limits(coord_agent(in), cgroup, &places, &limits));
	expect_ok(work_spec_parse(cgroup, words.count, words.words, &limits, &spec));
	words_deinit(&words);
	expect_ok(agent_spawn(coord_agent(in), &spec, &first));
	expect_ok(agent_worker(coord_agent(in), cgroup, first, &worker));
	return worker.pid;
}
