/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/code.h"

#include <inttypes.h>

void code_deinit(struct code *c)
{
	bpf_list_deinit(&c->programs);
	c->programs_read = false;
}

static const struct bpf_program *find_program(struct code *c, uint64_t address)
{
	if (!c->programs_read) {
		/* A kernel without BPF has no programs to be named. */
		err_free(bpf_list(c->kernel, &c->programs));
		c->programs_read = true;
	}
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
