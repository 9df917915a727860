/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/code.h"

#include <inttypes.h>
#include <string.h>

void code_deinit(struct code *c)
{
	bpf_list_deinit(&c->programs);
	c->programs_read = false;
}

/* A kernel without BPF has no programs to be named. */
static void read_programs(struct code *c)
{
	if (!c->programs_read)
		err_free(bpf_list(c->kernel, &c->programs));
	c->programs_read = true;
}

static const struct bpf_program *find_program(struct code *c, uint64_t address)
{
	read_programs(c);
	for (unsigned int i = 0; i < c->programs.program_count; i++) {
		const struct bpf_program *p = &c->programs.programs[i];

		if (p->code_len && address >= p->code && address - p->code < p->code_len)
			return p;
	}
	return NULL;
}

void code_place(struct code *c, uint64_t ip, uint64_t inside, struct str *s)
{
	const struct bpf_program *program;
	uint64_t offset;
	char name[512];
	struct err *err = kernel_symbol_at(c->kernel, inside, name, sizeof(name), &offset);

	if (!err) {
		str_addf(s, "%s+0x%" PRIx64 "/0x%" PRIx64, name, offset + (ip - inside),
			 kernel_symbol_span(c->kernel, inside));
		return;
	}
	err_free(err);
	program = find_program(c, inside);
	if (program)
		str_addf(s, "bpf:%s+0x%" PRIx64 "/0x%x", program->name, ip - program->code,
			 program->code_len);
	else
		str_addf(s, "0x%" PRIx64, ip);
}

bool code_function(struct code *c, uint64_t address, struct str *s)
{
	const struct bpf_program *program;
	uint64_t offset;
	char name[512];
	struct err *err = kernel_symbol_at(c->kernel, address, name, sizeof(name), &offset);

	if (!err) {
		str_add(s, name);
		return true;
	}
	err_free(err);
	program = find_program(c, address);
	if (program)
		str_addf(s, "bpf:%s", program->name);
	return program != NULL;
}

bool code_bounds(struct code *c, uint64_t address, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct bpf_program *program;
	uint64_t offset;
	char name[512];
	struct err *err = kernel_symbol_at(c->kernel, address, name, sizeof(name), &offset);

	if (!err) {
		*ret_start = address - offset;
		*ret_end = *ret_start + kernel_symbol_span(c->kernel, address);
		return true;
	}
	err_free(err);
	program = find_program(c, address);
	if (program) {
		*ret_start = program->code;
		*ret_end = program->code + program->code_len;
	}
	return program != NULL;
}

uint64_t code_program(struct code *c, const char *name)
{
	read_programs(c);
	for (unsigned int i = 0; i < c->programs.program_count; i++)
		if (c->programs.programs[i].code_len &&
		    strcmp(c->programs.programs[i].name, name) == 0)
			return c->programs.programs[i].code;
	return 0;
}
