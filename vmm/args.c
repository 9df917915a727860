/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/args.h"

#include "base/str.h"
#include "vmm/topology.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void args_add(struct args *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	if (a->count + 2 > a->size) {
		unsigned int size = a->size ? a->size * 2 : 64;
		char **list = realloc(a->list, size * sizeof(*list));

		if (!list) {
			a->failed = true;
			return;
		}
		a->list = list;
		a->size = size;
	}
	va_start(ap, fmt);
	text = str_vformat(fmt, ap);
	va_end(ap);
	if (!text) {
		a->failed = true;
		return;
	}
	a->list[a->count++] = text;
	a->list[a->count] = NULL;
}

void args_deinit(struct args *a)
{
	for (unsigned int i = 0; i < a->count; i++)
		free(a->list[i]);
	free(a->list);
	*a = (struct args){0};
}

static void add_cpu(struct args *a, const struct qemu_setup *s)
{
	/* No entropy instructions under the virtual clock: they would be the host's. No cmpxchg16b there: while
	 * it counts instructions QEMU 7.2 leaves garbage in EFLAGS now and then (6.12 dies of it). */
	args_add(a, "-cpu");
	if (s->accel == ACCEL_KVM)
		args_add(a, "host"); /* without invtsc, which could not be saved */
	else if (s->clock == CLOCK_VIRTUAL)
		args_add(a, "max,-rdrand,-rdseed,-cx16");
	else
		args_add(a, "max");
}

static void add_accel(struct args *a, const struct qemu_setup *s)
{
	args_add(a, "-accel");
	if (s->accel == ACCEL_KVM) {
		args_add(a, "kvm");
		return;
	}
	if (s->clock == CLOCK_REAL) {
		args_add(a, "tcg,thread=multi");
		return;
	}
	args_add(a, "tcg,thread=single");
	args_add(a, "-icount");
	args_add(a, "shift=1,sleep=off");
	args_add(a, "-rtc");
	args_add(a, "base=2020-01-01,clock=vm");
	args_add(a, "-seed");
	args_add(a, "1");
}

static void add_machine(struct args *a, const struct qemu_setup *s)
{
	const struct topology *t = s->topology;

	args_add(a, "-nodefaults");
	args_add(a, "-no-user-config");
	args_add(a, "-M");
	/* Everything that a debugger's guest has no use for is off: it costs start-up time. */
	args_add(a, "q35,hpet=off,graphics=off,usb=off,sata=off,smbus=off,vmport=off,i8042=off%s",
		 t->nodes == 1 ? ",memory-backend=ram0" : "");
	add_cpu(a, s);
	add_accel(a, s);
	args_add(a, "-smp");
	args_add(a, "%u,sockets=%u,cores=%u,threads=%u", topology_cpus(t), t->llcs, t->cores,
		 t->threads);
	args_add(a, "-m");
	args_add(a, "%" PRIu64 "M", s->memory >> 20);
	args_add(a, "-uuid");
	args_add(a, "00000000-0000-0000-0000-000000000001");
	args_add(a, "-display");
	args_add(a, "none");
	args_add(a, "-no-reboot");
	args_add(a, "-S");
}

static void add_memory(struct args *a, const struct qemu_setup *s)
{
	for (unsigned int i = 0; i < s->ram->piece_count; i++) {
		args_add(a, "-object");
		args_add(a,
			 "memory-backend-file,id=ram%u,share=on,size=%" PRIu64
			 ",mem-path=/proc/self/fd/%d",
			 i, s->ram->pieces[i].len, s->ram->pieces[i].fd);
	}
}

static void add_nodes(struct args *a, const struct topology *t)
{
	if (t->nodes == 1)
		return;
	for (unsigned int i = 0; i < t->nodes; i++) {
		args_add(a, "-numa");
		args_add(a, "node,nodeid=%u,memdev=ram%u", i, i);
	}
	for (unsigned int i = 0; i < t->nodes; i++) {
		for (unsigned int l = topology_node_llc(t, i); l < topology_node_llc(t, i + 1);
		     l++) {
			args_add(a, "-numa");
			args_add(a, "cpu,node-id=%u,socket-id=%u", i, l);
		}
	}
}

static void add_devices(struct args *a, const struct qemu_setup *s)
{
	args_add(a, "-chardev");
	args_add(a, "file,id=console,append=on,path=/proc/self/fd/%d", s->console_fd);
	args_add(a, "-serial");
	args_add(a, "chardev:console");
	args_add(a, "-chardev");
	args_add(a, "file,id=debug,append=on,path=/proc/self/fd/%d", s->debug_fd);
	args_add(a, "-device");
	args_add(a, "isa-debugcon,iobase=0xe9,chardev=debug");
}

static void add_plugin(struct args *a, const struct qemu_setup *s)
{
	char ram[RAM_PIECES_MAX * 16] = "";
	int n = 0;

	if (s->clock != CLOCK_VIRTUAL) {
		if (s->plugin) {
			args_add(a, "-plugin");
			args_add(a, "%s", s->plugin);
		}
		return;
	}
	for (unsigned int i = 0; i < s->ram->piece_count; i++)
		n += snprintf(ram + n, sizeof(ram) - (size_t)n, ",ram=%d", s->ram->pieces[i].fd);
	args_add(a, "-plugin");
	args_add(a, "%s,page=%d%s", s->plugin, s->page_fd, ram);
}

static void add_channels(struct args *a, const struct qemu_setup *s)
{
	args_add(a, "-chardev");
	args_add(a, "socket,id=qmp,fd=%d", s->qmp_fd);
	args_add(a, "-mon");
	args_add(a, "chardev=qmp,mode=control");
	args_add(a, "-sandbox");
	args_add(a, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	if (s->gdb_socket) {
		args_add(a, "-chardev");
		args_add(a, "socket,id=gdb,server=on,wait=off,path=%s", s->gdb_socket);
		args_add(a, "-gdb");
		args_add(a, "chardev:gdb");
	}
}

static void add_boot(struct args *a, const struct qemu_setup *s)
{
	if (s->incoming) {
		args_add(a, "-incoming");
		args_add(a, "defer");
	}
	if (s->kernel) {
		args_add(a, "-kernel");
		args_add(a, "%s", s->kernel);
		args_add(a, "-append");
		args_add(a, "%s", s->append);
		if (s->initrd_fd >= 0) {
			args_add(a, "-initrd");
			args_add(a, "/proc/self/fd/%d", s->initrd_fd);
		}
	}
}

static struct err *finish(struct args *a, struct args *ret)
{
	if (a->failed) {
		args_deinit(a);
		return err_nomem();
	}
	*ret = *a;
	return NULL;
}

struct err *qemu_args(const struct qemu_setup *s, struct args *ret)
{
	struct args a = {0};

	args_add(&a, "%s", s->program);
	add_machine(&a, s);
	add_memory(&a, s);
	add_nodes(&a, s->topology);
	add_devices(&a, s);
	add_plugin(&a, s);
	add_channels(&a, s);
	add_boot(&a, s);
	return finish(&a, ret);
}

struct err *qemu_args_identity(const struct qemu_setup *s, struct args *ret)
{
	struct args a = {0};

	add_machine(&a, s);
	add_nodes(&a, s->topology);
	args_add(&a, "%s", s->append);
	return finish(&a, ret);
}
