/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/start.h"

#include "base/file.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "vmm/kernel_cache.h"

#include <stdlib.h>

static struct err *boot(const struct options *options, const char *kernel, const char *image,
			const struct machine_callbacks *callbacks, struct machine **ret)
{
	const char *const initrds[] = {image};
	const struct machine_config config = {
		.kernel = kernel,
		.initrds = initrds,
		.initrd_count = 1,
		.append = options->append,
		.topology = options->topology,
		.memory = options->memory,
		.accel = options->accel,
		.clock = options->cpu_budget ? CLOCK_REAL : options->clock,
		.quantum = options->quantum,
		.cpu_budget = options->cpu_budget,
		.cold_boot = options->cold_boot,
		.gdb_socket = options->gdb_socket,
	};

	return machine_boot(&config, callbacks, ret);
}

struct err *start_machine(const struct options *options, const struct machine_callbacks *callbacks,
			  struct machine **ret)
{
	char *kernel = NULL, *image = NULL;
	struct err *err;

	if (options->cpu_budget && options->clock == CLOCK_VIRTUAL)
		return err_new(ERR_USAGE, "--cpu-budget needs the real clock");
	err = kernel_cache_resolve(options->kernel, &kernel);
	if (!err)
		err = data_path("initramfs.cpio", &image);
	if (!err)
		err = boot(options, kernel, image, callbacks, ret);
	free(kernel);
	free(image);
	return err;
}

static struct err *attach(const struct words *words, struct coord *coord)
{
	struct err *err;

	if (!words->count)
		return err_new(ERR_USAGE, "--scheduler: no name");
	ERR_TRY(coord_enter(coord));
	err = agent_sched_attach(coord_agent(coord), words->words[0], words->count - 1,
				 words->words + 1);
	return coord_leave_with(coord, err_wrap(err, "scheduler %s", words->words[0]));
}

struct err *start_scheduler(const struct options *options, struct coord *coord)
{
	struct words words;
	struct err *err;

	if (!options->scheduler)
		return NULL;
	ERR_TRY(words_split(options->scheduler, &words));
	err = attach(&words, coord);
	words_deinit(&words);
	return err;
}
