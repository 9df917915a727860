/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's patched code under multi-threaded TCG of QEMU before 8.0: a TCG plugin for the real
 * clock.
 *
 * Linux patches its running code by way of an int3: first that byte, last the right one. A vCPU's
 * thread that translates a block while another one patches it may have read the int3 and link the
 * block after the right byte was written, which then throws nothing away: the guest executes an
 * int3 that nobody expects, and panics. QEMU 8.0 locks the page for the translation.
 *
 * Here each block of kernel code with an int3 has it looked at once more, before anybody executes
 * it, while no vCPU is within a block: if it is gone, the blocks are thrown away. One that is still
 * there is linked by then, and QEMU notices what is written to it.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv);

#define INT3 0xcc

/* QEMU's own, exported to plugins; by their names and meaning in 7.2. */
static struct {
	void (*async_safe_run_on_cpu)(void *cpu, void (*work)(void *cpu, uint64_t data),
				      uint64_t data);
	int (*read_memory)(void *cpu, uint64_t address, void *buffer, uint64_t len, bool write);
	void (*flush_blocks)(void *cpu);
} qemu;

/* In the vCPU's thread, while no vCPU executes or translates. */
static void look_again(void *cpu, uint64_t address)
{
	uint8_t byte;

	if (qemu.read_memory(cpu, address, &byte, 1, false) || byte != INT3)
		qemu.flush_blocks(cpu);
}

/* In the thread of a vCPU, whose work comes before the block's first instruction. */
static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		void **current;

		if (!(address >> 63) || *(const uint8_t *)qemu_plugin_insn_data(insn) != INT3)
			continue;
		current = dlsym(RTLD_DEFAULT, "current_cpu"); /* of this thread */
		qemu.async_safe_run_on_cpu(*current, look_again, address);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	(void)argc;
	(void)argv;
	*(void **)&qemu.async_safe_run_on_cpu = dlsym(RTLD_DEFAULT, "async_safe_run_on_cpu");
	*(void **)&qemu.read_memory = dlsym(RTLD_DEFAULT, "cpu_memory_rw_debug");
	*(void **)&qemu.flush_blocks = dlsym(RTLD_DEFAULT, "tb_flush");
	if (qemu.async_safe_run_on_cpu && qemu.read_memory && qemu.flush_blocks &&
	    dlsym(RTLD_DEFAULT, "current_cpu"))
		qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	else
		fprintf(stderr,
			"ktdbg-text: this qemu hides what is needed to watch patched code\n");
	return 0;
}
