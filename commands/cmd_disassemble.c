/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/session.h"
#include "commands/show.h"
#include "coord/code.h"
#include "coord/disasm.h"
#include "vmm/registers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024
/* A function without a size is not longer than this, in bytes; so many instructions are shown
 * around a place. */
#define FUNCTION_MAX (256u << 10)
#define BEFORE 8
#define AFTER 16

static const struct out_column columns[] = {
	{"cpu", 0},   {"address", OUT_RIGHT}, {"place", 0},
	{"bytes", 0}, {"instruction", 0},     {"target", 0},
};

struct listing {
	struct session *session;
	struct kernel *kernel;
	struct code code;
	struct disasm *disasm;
	uint64_t address;	/* what was asked for */
	bool whole;		/* the function, since that is its name */
	int64_t wanted;		/* instructions, 0: not said */
	uint64_t rip[CPUS_MAX]; /* of the CPUs in the kernel, else 0 */
	unsigned int cpus;
	uint8_t *bytes;
	uint64_t start; /* of the bytes */
	size_t len;
};

static void listing_deinit(struct listing *l)
{
	code_deinit(&l->code);
	disasm_destroy(l->disasm);
	free(l->bytes);
}

/* ---- what is asked for ---- */

/* Not to be had under some clocks: then no CPU is shown. */
static void read_rips(struct listing *l, unsigned int cpus)
{
	struct cpu_registers r;

	l->cpus = cpus < CPUS_MAX ? cpus : CPUS_MAX;
	for (unsigned int cpu = 0; cpu < l->cpus; cpu++) {
		struct err *err =
			machine_registers(coord_machine(session_coord(l->session)), cpu, &r);

		l->rip[cpu] = !err && !registers_in_user(&r) ? r.value[REG_RIP] : 0;
		err_free(err);
	}
}

static struct err *find_cpu(struct listing *l, const char *word)
{
	struct cpu_registers r;
	unsigned int cpu;

	ERR_TRY(show_cpu_number(l->session, word, &cpu));
	ERR_TRY(machine_registers(coord_machine(session_coord(l->session)), cpu, &r));
	if (registers_in_user(&r))
		return err_new(ERR_REFUSED, "cpu %u runs code of user space, at 0x%" PRIx64, cpu,
			       r.value[REG_RIP]);
	l->address = r.value[REG_RIP];
	return NULL;
}

static struct err *find_place(struct listing *l, const char *word)
{
	uint64_t start, end;

	if (str_starts(word, "cpu:"))
		return find_cpu(l, word);
	if (str_starts(word, "bpf:")) {
		l->address = code_program(&l->code, word + strlen("bpf:"));
		if (!l->address)
			return err_new(ERR_NOT_FOUND, "no BPF program %s is loaded and jited",
				       word + strlen("bpf:"));
	} else {
		ERR_TRY(show_address(l->session, word, &l->address));
	}
	l->whole = code_bounds(&l->code, l->address, &start, &end) && start == l->address;
	return NULL;
}

/* ---- the bytes ---- */

/* From the beginning of its function, since from the middle of an instruction all would look
 * different. */
static struct err *read_code(struct listing *l)
{
	uint64_t end;

	if (!code_bounds(&l->code, l->address, &l->start, &end)) {
		l->start = l->address;
		end = l->address + (l->wanted ? (uint64_t)l->wanted : AFTER) * INSTRUCTION_MAX;
	}
	if (end - l->start > FUNCTION_MAX)
		end = l->start + FUNCTION_MAX;
	l->len = (size_t)(end - l->start);
	l->bytes = malloc(l->len ? l->len : 1);
	if (!l->bytes)
		return err_nomem();
	return kernel_read(l->kernel, l->start, l->bytes, l->len);
}

/* Which instructions are shown, `to` excluded. `index` is the place's, of `count`. */
static void choose(const struct listing *l, int64_t index, int64_t count, int64_t *from,
		   int64_t *to)
{
	int64_t before = l->whole || l->wanted ? 0 : BEFORE;

	*from = index > before ? index - before : 0;
	*to = l->wanted ? index + l->wanted : l->whole ? count : index + AFTER;
	if (*to > count)
		*to = count;
}

/* ---- rows ---- */

static void cpus_there(const struct listing *l, const struct instruction *i, struct str *s)
{
	for (unsigned int cpu = 0; cpu < l->cpus; cpu++)
		if (l->rip[cpu] == i->address)
			str_addf(s, "%s%u", s->len ? "," : "=>", cpu);
}

static void add_row(struct listing *l, const struct instruction *i, struct out *out)
{
	struct str cpus = {0}, place = {0}, bytes = {0}, target = {0};

	cpus_there(l, i, &cpus);
	code_place(&l->code, i->address, i->address, &place);
	for (unsigned int b = 0; b < i->size; b++)
		str_addf(&bytes, "%s%02x", b ? " " : "", i->bytes[b]);
	if (i->target)
		code_place(&l->code, i->target, i->target, &target);
	out_row(out, (struct out_value[]){
			     out_string(str_text(&cpus)),
			     out_hex(i->address),
			     out_string(str_text(&place)),
			     out_string(str_text(&bytes)),
			     out_string(i->text),
			     out_string(str_text(&target)),
		     });
	str_deinit(&cpus);
	str_deinit(&place);
	str_deinit(&bytes);
	str_deinit(&target);
}

/* How many instructions there are up to `address` (all of them: ~0); -1: none begins there. */
static int64_t index_of(struct listing *l, uint64_t address)
{
	struct instruction i;
	int64_t index = 0;

	for (size_t at = 0; at < l->len; at += i.size, index++) {
		if (l->start + at == address)
			return index;
		disasm_decode(l->disasm, l->bytes + at, l->len - at, l->start + at, &i);
	}
	return address == UINT64_MAX ? index : -1;
}

static void show(struct listing *l, struct out *out)
{
	int64_t index = index_of(l, l->address), from, to, n = 0;
	struct instruction i;
	size_t at = 0;

	if (index < 0) { /* inside of an instruction: from there on */
		l->len -= (size_t)(l->address - l->start);
		memmove(l->bytes, l->bytes + (l->address - l->start), l->len);
		l->start = l->address;
		index = 0;
	}
	choose(l, index, index_of(l, UINT64_MAX), &from, &to);
	out_table_begin(out, columns, sizeof(columns) / sizeof(*columns));
	for (; at < l->len && n < to; at += i.size, n++) {
		disasm_decode(l->disasm, l->bytes + at, l->len - at, l->start + at, &i);
		if (n >= from)
			add_row(l, &i, out);
	}
	out_table_end(out);
}

static struct err *disassemble(struct listing *l, const struct command_line *line, struct out *out)
{
	const struct model *model;

	ERR_TRY(session_kernel(l->session, &l->kernel));
	l->code.kernel = l->kernel;
	ERR_TRY(coord_model(session_coord(l->session), &model));
	ERR_TRY(find_place(l, line->words[0]));
	if (line->count == 2) {
		ERR_TRY(show_number(l->session, line->words[1], &l->wanted));
		if (l->wanted <= 0 || l->wanted > FUNCTION_MAX)
			return err_new(ERR_USAGE, "%s is no number of instructions",
				       line->words[1]);
	}
	ERR_TRY(disasm_create(&l->disasm));
	ERR_TRY(read_code(l));
	read_rips(l, model->cpu_count);
	show(l, out);
	return NULL;
}

static struct err *run_disassemble(struct session *s, const struct command_line *line,
				   struct out *out)
{
	struct listing l = {.session = s};
	struct err *err;

	if (line->count < 1 || line->count > 2)
		return command_usage(&command_disassemble);
	err = disassemble(&l, line, out);
	listing_deinit(&l);
	return err;
}

const struct command command_disassemble = {
	.name = "disassemble",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "disassemble SYMBOL|bpf:PROGRAM|ADDR|cpu:N [COUNT]",
	.summary = "machine code of the kernel or of a BPF program, as it is now",
	.help = "A function or program from its beginning, all of it or COUNT instructions. An "
		"address, "
		"or where a\n"
		"CPU stands: eight instructions before it and sixteen from it on, or COUNT. `cpu` "
		"marks with =>\n"
		"the CPUs that stand there, `target` names what is called or jumped to, or the "
		"variable. The\n"
		"kernel patches itself: this is what runs, not what was compiled.\n"
		"\n"
		"    disassemble schedule\n"
		"    disassemble bpf:vtime_dispatch\n"
		"    disassemble cpu:0",
	.arguments = {{"SYMBOL|bpf:PROGRAM|ADDR|cpu:N", COMPLETE_SYMBOL, NULL},
		      {"COUNT", COMPLETE_NONE, NULL}},
	.run = run_disassemble,
};
