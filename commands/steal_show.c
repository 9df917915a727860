/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/steal_show.h"

#include "commands/show.h"
#include "coord/steal_book.h"
#include "vmm/budget.h"
#include "vmm/runstate.h"

#include <inttypes.h>
#include <stdio.h>

static const struct out_column columns[] = {
	{"cpu", OUT_RIGHT},
	{"guest", OUT_RIGHT},
	{"source", 0},
	{"state", 0},
	{"runnable", OUT_RIGHT},
	{"running", OUT_RIGHT},
	{"blocked", OUT_RIGHT},
	{"offline", OUT_RIGHT},
	{"dilation", OUT_RIGHT},
	{"kvm", OUT_RIGHT},
	{"host_cpu", OUT_RIGHT},
	{"mask", 0},
	{"entry", OUT_RIGHT | OUT_HIDDEN},
};

/* 1 + run_delay / run_time: how many times longer work takes than alone. */
static const char *dilation(const struct vcpu_runstate *v, char text[32])
{
	uint64_t run = v->time[RUNSTATE_RUNNING], delay = v->time[RUNSTATE_RUNNABLE];

	if (!run)
		return NULL;
	snprintf(text, 32, "%.2f", 1 + (double)delay / (double)run);
	return text;
}

/* The host's side of one vCPU. */
static void fill_host(struct machine *m, const struct vcpu_runstate *v, unsigned int cpu,
		      struct out_value *value, char ratio[32], struct str *mask)
{
	struct budget_place place;

	machine_vcpu_place(m, cpu, &place);
	budget_add_mask(mask, &place.mask);
	*value++ = out_string(runstate_name(v->state));
	*value++ = out_u64(v->time[RUNSTATE_RUNNABLE]);
	*value++ = out_u64(v->time[RUNSTATE_RUNNING]);
	*value++ = out_u64(v->time[RUNSTATE_BLOCKED]);
	*value++ = out_u64(v->time[RUNSTATE_OFFLINE]);
	*value++ = dilation(v, ratio) ? out_string(ratio) : out_none();
	value++; /* the guest's */
	*value++ = place.last < 0 ? out_none() : out_s64(place.last);
	*value++ = out_string(str_text(mask));
	*value = out_u64(v->entry_time);
}

static void show_cpu(struct machine *m, struct steal_book *steal, const struct vcpu_runstate *v,
		     unsigned int cpu, struct out *out)
{
	struct out_value values[sizeof(columns) / sizeof(columns[0])];
	struct str mask = {0};
	char ratio[32];
	uint64_t kvm;

	for (unsigned int i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		values[i] = out_none();
	values[0] = out_u64(cpu);
	values[1] = out_u64(steal_book_guest(steal, cpu));
	values[2] = out_string(steal_book_source_name(steal_book_source(steal)));
	if (v)
		fill_host(m, v, cpu, &values[3], ratio, &mask);
	if (steal_book_kvm(steal, cpu, &kvm))
		values[9] = out_u64(kvm);
	out_row(out, values);
	str_deinit(&mask);
}

struct err *steal_show(struct session *s, struct out *out)
{
	struct machine *m = coord_machine(session_coord(s));
	const struct vcpu_runstate *vcpus = NULL;
	const struct budget *budget;
	unsigned int count = 0;
	struct steal_book *steal;
	struct err *err;

	ERR_TRY(coord_steal_book(session_coord(s), &steal));
	/* What the host took or gave meanwhile is in the masks. */
	ERR_TRY(machine_budget(m, &budget));
	err = machine_runstates(m, &vcpus, &count);
	if (err && err_kind(err) != ERR_ABSENT)
		return err;
	err_free(err); /* the virtual clock: only the guest's side */
	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int cpu = 0; cpu < steal_book_cpus(steal); cpu++)
		show_cpu(m, steal, cpu < count ? &vcpus[cpu] : NULL, cpu, out);
	out_table_end(out);
	return NULL;
}
