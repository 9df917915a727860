/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/start.h"

#include "commands/words.h"
#include "coord/agent.h"
#include "coord/source.h"
#include "vmm/elf_needs.h"
#include "vmm/guest_image.h"
#include "vmm/kernel_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err *boot(const struct options *options, const char *kernel,
			const struct guest_image *image, const struct machine_callbacks *callbacks,
			struct machine **ret)
{
	const struct machine_config config = {
		.kernel = kernel,
		.initrds = guest_image_initrds(image),
		.initrd_count = guest_image_initrd_count(image),
		.append = options->append,
		.topology = options->topology,
		.memory = options->memory,
		.accel = options->accel,
		.clock = options->cpu_budget || options->pin ? CLOCK_REAL : options->clock,
		.quantum = options->quantum,
		.kaslr = options->kaslr,
		.cpu_budget = options->cpu_budget,
		.pin = options->pin,
		.cold_boot = options->cold_boot,
		.gdb_socket = options->gdb_socket,
	};

	return machine_boot(&config, callbacks, ret);
}

/* The first word of --scheduler, which names what to pack; NULL: none. */
static struct err *make_image(const struct options *options, struct guest_image **ret)
{
	struct guest_image_config config = {.add_files = options->add_files,
					    .add_file_count = options->add_file_count};
	struct words words = {0};
	struct err *err = NULL;

	if (options->scheduler)
		err = words_split(options->scheduler, &words);
	if (!err && words.count)
		config.scheduler = words.words[0];
	if (!err)
		err = guest_image_create(&config, ret);
	words_deinit(&words);
	return err;
}

static struct err *check_scheduler(const struct options *options)
{
	struct words words;
	struct elf_needs needs;
	const char *path;
	struct err *err;

	ERR_TRY(words_split(options->scheduler, &words));
	path = words.count ? words.words[0] : "";
	err = !strchr(path, '/')     ? NULL
	      : access(path, R_OK)   ? err_os(errno, "%s", path)
				     : elf_needs_find(path, &needs);
	if (!err && strchr(path, '/'))
		elf_needs_deinit(&needs);
	words_deinit(&words);
	return err;
}

/* Whatever is wrong with a file of the command line is wrong with the command line. */
static struct err *as_usage(struct err *err, const char *option)
{
	struct err *ret;

	if (!err || err_kind(err) == ERR_NOMEM)
		return err;
	ret = err_new(ERR_USAGE, "%s: %s", option, err_detail(err));
	err_free(err);
	return ret;
}

struct err *start_check(const struct options *options)
{
	if (options->attach && options->scheduler)
		return err_new(ERR_USAGE, "--scheduler needs a guest that ktdbg boots, not --attach");
	if (options->attach && options->record)
		return err_new(ERR_USAGE, "--record: a recording begins with a boot, --attach has none");
	if (options->open_dump && (options->attach || options->scheduler || options->record))
		return err_new(ERR_USAGE, "--open-dump goes neither with --attach nor with --scheduler or --record");
	if (options->scheduler)
		ERR_TRY(as_usage(check_scheduler(options), "--scheduler"));
	return options->vmlinux ? as_usage(source_check(options->vmlinux), "--vmlinux") : NULL;
}

struct err *start_machine(const struct options *options, const struct machine_callbacks *callbacks,
			  struct machine **ret)
{
	struct guest_image *image = NULL;
	char *kernel = NULL;
	struct err *err;

	if (options->attach)
		return err_wrap(machine_attach(options->attach, ret), "--attach");
	if ((options->cpu_budget || options->pin) && options->clock == CLOCK_VIRTUAL)
		return err_new(ERR_USAGE, "--%s needs the real clock",
			       options->cpu_budget ? "cpu-budget" : "pin");
	err = kernel_cache_resolve(options->kernel, &kernel);
	if (!err)
		err = make_image(options, &image);
	if (!err)
		err = boot(options, kernel, image, callbacks, ret);
	guest_image_destroy(image);
	free(kernel);
	return err;
}

static struct err *attach(const struct words *words, struct coord *coord)
{
	const char *name;
	struct err *err;

	if (!words->count)
		return err_new(ERR_USAGE, "--scheduler: no name");
	/* A packed program goes by its file's name in the guest. */
	name = strrchr(words->words[0], '/');
	name = name ? name + 1 : words->words[0];
	ERR_TRY(coord_enter(coord));
	err = agent_sched_attach(coord_agent(coord), name, words->count - 1, words->words + 1);
	return coord_leave_with(coord, err_wrap(err, "scheduler %s", name));
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
