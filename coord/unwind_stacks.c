/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/unwind_impl.h"

#include "coord/object.h"
#include "coord/types.h"

#define IRQ_STACK 16384 /* 32768 with KASAN, of which nobody asks for the lower half */
#define KERNEL_HALF 0xff00000000000000ull

static void add(struct stack_ranges *s, uint64_t low, uint64_t size)
{
	if (s->count < STACK_RANGES && low >= KERNEL_HALF && size <= UINT64_MAX - low)
		s->ranges[s->count++] = (struct stack_range){low, low + size};
}

/* The value of a per-CPU pointer; 0: there is none of that name. */
static uint64_t percpu_pointer(struct kernel *k, const char *symbol, uint32_t offset,
			       unsigned int cpu)
{
	uint64_t base, address, value = 0;
	struct err *err;

	if (!kernel_find_symbol(k, symbol, &base))
		return 0;
	err = kernel_percpu(k, base, cpu, &address);
	if (!err)
		err = kernel_read_u64(k, address + offset, &value);
	err_free(err);
	return value;
}

/* The pointer is to the stack's topmost word. */
static void add_irq_stack(struct kernel *k, unsigned int cpu, struct stack_ranges *s)
{
	uint64_t top = percpu_pointer(k, "hardirq_stack_ptr", 0, cpu);
	struct field hot; /* up to 6.14 */

	field_find(kernel_types(k), "struct pcpu_hot", "hardirq_stack_ptr", &hot);
	if (!top && hot.present)
		top = percpu_pointer(k, "pcpu_hot", hot.offset, cpu);
	if (top)
		add(s, top + 8 - IRQ_STACK, IRQ_STACK);
}

/* The way from user space into the kernel begins on a page of the same area. */
static void add_entry_stack(struct kernel *k, uint64_t exception_stacks, struct stack_ranges *s)
{
	struct field stacks, entry;

	field_find(kernel_types(k), "struct cpu_entry_area", "estacks", &stacks);
	field_find(kernel_types(k), "struct cpu_entry_area", "entry_stack_page", &entry);
	if (stacks.present && entry.present)
		add(s, exception_stacks - stacks.offset + entry.offset, entry.size);
}

static void add_exception_stacks(struct kernel *k, unsigned int cpu, struct stack_ranges *s)
{
	static const char *const names[] = {"NMI_stack", "DF_stack", "DB_stack",
					    "MCE_stack", "VC_stack", "VC2_stack"};
	uint64_t base = percpu_pointer(k, "cea_exception_stacks", 0, cpu);

	for (unsigned int i = 0; base && i < sizeof(names) / sizeof(*names); i++) {
		struct field f;

		field_find(kernel_types(k), "struct cea_exception_stacks", names[i], &f);
		if (f.present)
			add(s, base + f.offset, f.size);
	}
	if (base)
		add_entry_stack(k, base, s);
}

void unwind_cpu_stacks(struct kernel *k, unsigned int cpu, struct stack_ranges *ret)
{
	ret->count = 0;
	add_irq_stack(k, cpu, ret);
	add_exception_stacks(k, cpu, ret);
}
