/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/breaks.h"
#include "vmm/machine_impl.h"

#include <string.h>

_Static_assert((int)BREAK_ENTRY == VCLOCK_BREAK_ENTRY && (int)BREAK_INSIDE == VCLOCK_BREAK_INSIDE &&
		       (int)BREAK_WRITE == VCLOCK_BREAK_WRITE && (int)BREAK_STEP == VCLOCK_BREAK_STEP,
	       "the same kinds");
_Static_assert(MACHINE_BREAKS_MAX <= VCLOCK_BREAKS_MAX, "they fit");

struct err *machine_can_break(struct machine *m)
{
	if (m->still)
		return machine_still_stands();
	if (is_virtual(m) && !vclock_breaks(m->vclock.page)->able)
		return err_new(ERR_ABSENT, "QEMU %s does not let its plugin stop within a turn",
			       m->qemu_version);
	return NULL;
}

struct err *machine_set_breaks(struct machine *m, const struct machine_break *list, unsigned int count)
{
	struct vclock_breaks *to;

	ERR_TRY(machine_can_break(m));
	if (count > MACHINE_BREAKS_MAX)
		return err_new(ERR_REFUSED, "at most %d places to stop at", MACHINE_BREAKS_MAX);
	if (m->rclock.stopped)
		return err_new(ERR_REFUSED, "the guest is frozen --as-steal: thaw it first");
	if (!is_virtual(m))
		return rbreaks_set(&m->rclock.breaks, &m->qemu.qmp, list, count);
	to = vclock_breaks(m->vclock.page);
	for (unsigned int i = 0; i < count; i++)
		to->list[i] = (struct vclock_break){.address = list[i].address,
						    .length = list[i].length,
						    .kind = list[i].kind};
	to->count = count;
	to->version++;
	return NULL;
}

uint64_t machine_steps_left(const struct machine *m)
{
	return is_virtual(m) ? vclock_breaks(m->vclock.page)->left : m->rclock.breaks.steps;
}

bool machine_hit(struct machine *m, struct machine_hit *ret)
{
	const struct vclock_breaks *from;

	if (!is_virtual(m)) {
		*ret = m->rclock.breaks.hit;
		return !m->rclock.running && m->rclock.breaks.stands;
	}
	if (!vclock_held(&m->vclock) || m->vclock.page->reason != VCLOCK_BREAK)
		return false;
	from = vclock_breaks(m->vclock.page);
	*ret = (struct machine_hit){.kind = (enum break_kind)from->kind,
				    .cpu = from->cpu % VCLOCK_CPUS_MAX,
				    .pc = from->pc,
				    .data = from->data};
	memcpy(ret->registers.value, vclock_cpus(m->vclock.page)[ret->cpu].value,
	       sizeof(ret->registers.value));
	return true;
}
