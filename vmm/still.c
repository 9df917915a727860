/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/still.h"

#include "vmm/machine_impl.h"
#include "vmm/ram_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err *copy_names(struct machine *m, const char *version, const char *kernel, const char *reason)
{
	m->qemu_version = strdup(version);
	m->kernel = strdup(kernel);
	if (!m->qemu_version || !m->kernel)
		return err_nomem();
	snprintf(m->accel_reason, sizeof(m->accel_reason), "%s", reason);
	m->info.qemu_version = m->qemu_version;
	m->info.kernel = m->kernel;
	m->info.accel_reason = m->accel_reason;
	m->info.image_hash = m->image_hash;
	m->info.saved_hash = m->saved_hash;
	return NULL;
}

/* RAM as `from` has it, or with NULL the segments alone. */
static struct err *fill(struct machine *m, const struct still *what, const struct ram *from)
{
	m->still = malloc(sizeof(*m->still));
	if (!m->still)
		return err_nomem();
	*m->still = *what;
	m->info = what->info;
	m->info.still = true;
	m->info.attached = false;
	m->info.found_stopped = true;
	m->info.pid = 0;
	ERR_TRY(copy_names(m, what->qemu_version, what->kernel, what->reason));
	memcpy(m->ram.segments, what->segments, sizeof(what->segments));
	m->ram.segment_count = what->segment_count;
	for (unsigned int i = 0; i < what->segment_count; i++)
		m->ram.size += what->segments[i].len;
	ERR_TRY(console_init(&m->serial, "console"));
	return ram_pages_create(&m->ram, from);
}

static struct err *create(const struct still *what, const struct ram *from, struct machine **ret)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct err *err;

	if (!m)
		return err_nomem();
	m->initrd_fd = m->poll_fd = m->serial.fd = m->debug.fd = m->ram.fd = -1;
	m->qemu.qmp.fd = -1;
	m->mailbox = MACHINE_NO_MAILBOX;
	err = fill(m, what, from);
	if (err)
		machine_destroy(m);
	else
		*ret = m;
	return err;
}

struct err *still_create(struct machine *of, struct machine **ret)
{
	struct still what = {.info = of->info,
			     .qemu_version = of->qemu_version,
			     .kernel = of->kernel,
			     .reason = of->accel_reason,
			     .segment_count = of->ram.segment_count};

	memcpy(what.segments, of->ram.segments, sizeof(what.segments));
	return create(&what, &of->ram, ret);
}

/* One that QEMU does not tell has none; nor have those after it. */
static void take_registers(struct still *s, struct machine *of)
{
	unsigned int count = topology_cpus(&of->info.topology);

	for (s->register_count = 0; s->register_count < count; s->register_count++) {
		struct err *err = machine_registers(of, s->register_count,
						    &s->registers[s->register_count]);

		err_free(err);
		if (err)
			break;
	}
}

struct err *still_take(struct machine *still, struct machine *of)
{
	char *text = malloc(CONSOLE_KEEP);
	struct err *err;

	if (!text)
		return err_nomem();
	ram_pages_refresh(still->ram.pages);
	still->still->time = machine_time(of);
	take_registers(still->still, of);
	*text = '\0';
	machine_console(of, text, CONSOLE_KEEP);
	err = write_all(still->serial.fd, text, strlen(text));
	free(text);
	return err;
}

/* Hostile: what a file says. */
static struct err *check_segments(const struct still *what)
{
	uint64_t offset = 0;

	if (!what->segment_count || what->segment_count > RAM_SEGMENTS_MAX)
		return err_new(ERR_BAD_DATA, "%u segments of memory: 1 to %d are handled",
			       what->segment_count, RAM_SEGMENTS_MAX);
	for (unsigned int i = 0; i < what->segment_count; i++) {
		const struct ram_segment *s = &what->segments[i];

		if (s->offset != offset || !s->len || s->len % RAM_PAGE || s->phys % RAM_PAGE ||
		    s->len > STILL_MEMORY_MAX - offset || s->phys > UINT64_MAX - s->len)
			return err_new(ERR_BAD_DATA, "segment %u of memory is none", i);
		offset += s->len;
	}
	return NULL;
}

struct err *still_open(const struct still *what, const char *console, size_t console_len,
		       struct machine **ret)
{
	struct machine *m;
	struct err *err;

	ERR_TRY(check_segments(what));
	ERR_TRY(create(what, NULL, &m));
	err = write_all(m->serial.fd, console, console_len);
	if (err)
		machine_destroy(m);
	else
		*ret = m;
	return err;
}

struct ram_pages *still_pages(struct machine *still)
{
	return still->ram.pages;
}

const struct still *still_info(const struct machine *m)
{
	return m->still;
}

void machine_forget_still(struct machine *m)
{
	free(m->still);
	m->still = NULL;
}

struct err *machine_still_registers(const struct machine *m, unsigned int cpu, struct cpu_registers *ret)
{
	if (cpu >= m->still->register_count)
		return err_new(ERR_ABSENT, "the registers of vCPU %u are not in this dump", cpu);
	*ret = m->still->registers[cpu];
	return NULL;
}

struct err *machine_still_stands(void)
{
	return err_new(ERR_REFUSED, "a dump is one instant of a guest: nothing runs in it");
}
