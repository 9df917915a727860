/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin that looks at int3s twice, on a QEMU that is played here. */
#include "tests/expect.h"

#include <dlfcn.h>

static void *vcpu; /* QEMU's, of this thread */

static void *fake_dlsym(void *handle, const char *name)
{
	return &vcpu;
}
#define dlsym fake_dlsym
#include "vmm/plugin/text/text_plugin.c"

#define KERNEL UINT64_C(0xffffffff81000000)

struct qemu_plugin_insn {
	uint64_t address;
	uint8_t bytes[4];
};

struct qemu_plugin_tb {
	struct qemu_plugin_insn list[3];
};

static struct {
	uint8_t memory; /* where the int3 was */
	bool fault;
	uint64_t asked; /* for a look at this address, 0: not */
	void (*work)(void *cpu, uint64_t data);
	unsigned int flushes;
} fake;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb)
{
	return 3;
}

struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index)
{
	return (struct qemu_plugin_insn *)&tb->list[index];
}

const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn)
{
	return insn->bytes;
}

uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn)
{
	return insn->address;
}

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb))
{
}

static void fake_run(void *cpu, void (*work)(void *cpu, uint64_t data), uint64_t data)
{
	assert_ptr_equal(cpu, vcpu);
	fake.work = work;
	fake.asked = data;
}

static int fake_read(void *cpu, uint64_t address, void *buffer, uint64_t len, bool write)
{
	assert_int_equal(address, fake.asked);
	assert_int_equal(len, 1);
	assert_false(write);
	*(uint8_t *)buffer = fake.memory;
	return fake.fault ? -1 : 0;
}

static void fake_flush(void *cpu)
{
	fake.flushes++;
}

/* A block at `address` with `byte` at the beginning of its second instruction. */
static void translate(uint64_t address, uint8_t byte)
{
	struct qemu_plugin_tb tb = {
		{{address, {0x90}}, {address + 1, {byte, INT3}}, {address + 3, {0xc3}}}};

	memset(&fake, 0, sizeof(fake));
	vcpu = &fake;
	qemu.async_safe_run_on_cpu = fake_run;
	qemu.read_memory = fake_read;
	qemu.flush_blocks = fake_flush;
	on_translate(0, &tb);
}

static unsigned int flushes_with(uint8_t memory, bool fault)
{
	translate(KERNEL, INT3);
	assert_int_equal(fake.asked, KERNEL + 1);
	fake.memory = memory;
	fake.fault = fault;
	fake.work(vcpu, fake.asked);
	return fake.flushes;
}

static void an_int3_is_looked_at_again(void **state)
{
	assert_int_equal(flushes_with(INT3, false), 0);
	assert_int_equal(flushes_with(0x0f, false), 1);
	assert_int_equal(flushes_with(INT3, true), 1);
}

static void nothing_else_is(void **state)
{
	translate(KERNEL, 0x0f); /* an int3 within an instruction is none */
	assert_int_equal(fake.asked, 0);
	translate(0x400000, INT3); /* a program's own */
	assert_int_equal(fake.asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_int3_is_looked_at_again),
		cmocka_unit_test(nothing_else_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
