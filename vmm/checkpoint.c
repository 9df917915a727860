/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/checkpoint.h"
#include "base/str.h"
#include "vmm/checkpoint_file.h"
#include "vmm/machine_impl.h"
#include "vmm/warm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TURN_TIMEOUT UINT64_C(10000000000) /* host ns */

static struct err *check_not_stopped(struct machine *m)
{
	if (m->rclock.stopped)
		return err_new(ERR_REFUSED, "the guest is frozen --as-steal: thaw it first");
	return NULL;
}

/* What a vCPU is in the middle of, at a break or a write, no device state has: on to the next
 * point. */
static struct err *finish_turn(struct machine *m)
{
	enum machine_stop_reason reason = is_virtual(m) ? vclock_reason(&m->vclock) : STOP_HELD;
	struct machine_stop stop = {.time = machine_time(m) + 1};

	while (reason == STOP_BREAK || reason == STOP_WRITE) {
		ERR_TRY(machine_run(m, &stop));
		ERR_TRY(machine_wait(m, TURN_TIMEOUT, &reason));
	}
	return NULL;
}

/* ---- the machine goes on in another process ---- */

/* Everything of `m` that is not one process: what a second one is started with. */
static void copy_setup(const struct machine *m, struct machine *fresh)
{
	*fresh = *m;
	machine_without_process(fresh);
	fresh->initrd_fd = -1;
}

/* The new process takes the old one's place. */
static void replace(struct machine *m, struct machine *fresh)
{
	struct machine old = *m;

	*m = *fresh;
	m->qemu.qmp.event_context = &m->qemu;
	old.qemu.qmp.event_context = &old.qemu;
	machine_stop_qemu(&old);
	runstates_deinit(&old.runstates);
	/* The guest is still the one that began there. */
	memcpy(m->saved_hash, old.saved_hash, sizeof(m->saved_hash));
}

static struct err *continue_virtual(struct machine *m, const struct machine *old,
				    const struct checkpoint_facts *facts, uint64_t time)
{
	vclock_take_over(&m->vclock, &old->vclock);
	vclock_set_time(&m->vclock, time);
	for (unsigned int i = 0; i < facts->count; i++)
		if (facts->stalled_until[i])
			ERR_TRY(vclock_stall(&m->vclock, i, facts->stalled_until[i]));
	return NULL;
}

static struct err *continue_real(struct machine *m, struct checkpoint_facts *facts, uint64_t gap,
				 uint64_t time)
{
	m->rclock.passed = time;
	for (unsigned int i = 0; i < facts->count; i++)
		facts->vcpus[i].time[RUNSTATE_RUNNABLE] += gap;
	return runstates_begin(&m->runstates, m->qemu.pid, m->tids, m->tid_count, time,
			       facts->vcpus);
}

static struct err *start_from(struct machine *m, struct saved *s, struct checkpoint_facts *facts,
			      uint64_t gap)
{
	struct machine fresh;
	struct err *err;

	copy_setup(m, &fresh);
	err = warm_restore(&fresh, s);
	if (!err)
		err = is_virtual(m) ? continue_virtual(&fresh, m, facts, facts->time + gap)
				    : continue_real(&fresh, facts, gap, facts->time + gap);
	if (err) {
		machine_stop_qemu(&fresh);
		runstates_deinit(&fresh.runstates);
		return err;
	}
	fresh.restore_gap = gap;
	replace(m, &fresh);
	return NULL;
}

/* ---- save ---- */

/* The vCPUs' account as of now, each of them runnable from here on. */
static struct err *take_runstates(struct machine *m, struct checkpoint_facts *facts)
{
	const struct vcpu_runstate *vcpus;
	unsigned int count;

	ERR_TRY(machine_runstates(m, &vcpus, &count));
	for (unsigned int i = 0; i < count; i++) {
		facts->vcpus[i] = vcpus[i];
		facts->vcpus[i].state = RUNSTATE_RUNNABLE;
	}
	return NULL;
}

static struct err *take_facts(struct machine *m, struct checkpoint_facts *facts)
{
	facts->time = machine_time(m);
	facts->saved = wall_now();
	facts->count = m->tid_count;
	for (unsigned int i = 0; i < facts->count; i++)
		facts->stalled_until[i] = machine_stalled_until(m, i);
	if (!is_virtual(m))
		ERR_TRY(take_runstates(m, facts));
	return warm_identity(m, &facts->identity);
}

static struct err *write_to(struct machine *m, const char *name,
			    const struct checkpoint_facts *facts, struct saved *s,
			    struct store_draft *draft)
{
	struct str summary = {0};
	struct err *err;

	s->ram_fd = dup(draft->ram_fd);
	if (s->ram_fd < 0)
		return err_os(errno, "dup");
	ERR_TRY(saved_write_ram(s, &m->ram));
	warm_summary(m, &summary);
	err = checkpoint_publish(draft, name, s, facts, str_text(&summary));
	str_deinit(&summary);
	return err;
}

/*
 * QEMU saves in what state it is itself, too, and takes none back that stands at a break of its
 * stub's: "debug" becomes "paused". The section has its name with a length, two words, and then the
 * state, with a length.
 */
static struct err *forget_break(struct saved *s)
{
	static const char name[] = "\013globalstate", debug[] = "\0\0\0\006debug",
			  paused[] = "\0\0\0\007paused";
	uint8_t *state = mmap(NULL, s->state_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->state_fd,
			      0),
		*at;
	size_t skip = strlen(name) + 8;

	if (state == MAP_FAILED)
		return err_os(errno, "the saved device state");
	at = memmem(state, s->state_size, name, strlen(name));
	if (at && s->state_size - (size_t)(at - state) > skip + sizeof(paused) &&
	    !memcmp(at + skip, debug, sizeof(debug)))
		memcpy(at + skip, paused, sizeof(paused));
	munmap(state, s->state_size);
	return saved_measure_state(s, false);
}

static struct err *keep(struct machine *m, const char *name, const struct checkpoint_facts *facts,
			struct saved *s)
{
	struct store_draft draft;
	struct err *err;

	ERR_TRY(checkpoint_begin(&draft));
	err = write_to(m, name, facts, s, &draft);
	store_end(&draft);
	return err;
}

/* Not as if nothing had happened, but it goes on. */
static struct err *go_on(struct machine *m, struct err *why)
{
	vclock_request_hold(&m->vclock);
	err_free(machine_first_hold(m));
	return why;
}

static struct err *save(struct machine *m, const char *name, struct checkpoint_facts *facts,
			struct saved *s)
{
	struct err *err;

	ERR_TRY(take_facts(m, facts));
	err = warm_save_state(m, s);
	if (!err && m->rclock.breaks.stands)
		err = forget_break(s);
	if (!err)
		err = keep(m, name, facts, s);
	if (!is_virtual(m))
		return err;
	if (!err)
		err = start_from(m, s, facts, 0);
	return err ? go_on(m, err) : NULL;
}

struct err *checkpoint_save(struct machine *m, const char *name)
{
	struct checkpoint_facts facts = {0};
	struct saved s;
	struct err *err;

	ERR_TRY(checkpoint_check_name(name));
	ERR_TRY(check_not_stopped(m));
	ERR_TRY(finish_turn(m));
	saved_init(&s);
	err = save(m, name, &facts, &s);
	saved_deinit(&s);
	checkpoint_facts_deinit(&facts);
	return err_wrap(err, "checkpoint %s", name);
}

/* ---- restore ---- */

/* The first line in which two identities differ, from each. */
static struct err *compare(const char *saved, const char *here)
{
	while (*saved || *here) {
		size_t a = strcspn(saved, "\n"), b = strcspn(here, "\n");

		if (a != b || memcmp(saved, here, a) != 0)
			return err_new(ERR_REFUSED,
				       "it was saved with \"%.*s\", this machine has \"%.*s\"",
				       (int)(a > 160 ? 160 : a), saved, (int)(b > 160 ? 160 : b),
				       here);
		saved += a + (saved[a] == '\n');
		here += b + (here[b] == '\n');
	}
	return NULL;
}

static struct err *check_identity(struct machine *m, const struct checkpoint_facts *facts)
{
	struct str here = {0};
	struct err *err = warm_identity(m, &here);

	if (!err)
		err = compare(str_text(&facts->identity), str_text(&here));
	str_deinit(&here);
	if (!err && facts->count != m->tid_count)
		err = err_new(ERR_BAD_DATA, "it has %u vCPUs instead of %u", facts->count,
			      m->tid_count);
	return err;
}

/* The gap in ns of what was asked for. */
static struct err *measure_gap(const struct machine *m, const struct checkpoint_facts *facts,
			       uint64_t *gap)
{
	int64_t since = wall_now() - facts->saved;

	if (*gap && m->info.accel == ACCEL_KVM)
		return err_new(ERR_REFUSED,
			       "a gap needs TCG: KVM's clocks are not in the timer section");
	if (*gap == CHECKPOINT_GAP_REAL)
		*gap = since > 0 ? (uint64_t)since : 0;
	return NULL;
}

static struct err *restore(struct machine *m, const char *name, uint64_t gap,
			   struct checkpoint_facts *facts, struct saved *s)
{
	ERR_TRY(checkpoint_open(name, s, facts));
	ERR_TRY(check_identity(m, facts));
	ERR_TRY(saved_check(s));
	ERR_TRY(measure_gap(m, facts, &gap));
	if (gap)
		ERR_TRY(saved_advance_clock(s, is_virtual(m), gap));
	return start_from(m, s, facts, gap);
}

struct err *checkpoint_restore(struct machine *m, const char *name, uint64_t gap)
{
	struct checkpoint_facts facts = {0};
	struct saved s;
	struct err *err;

	ERR_TRY(checkpoint_check_name(name));
	if (is_virtual(m) && gap == CHECKPOINT_GAP_REAL)
		return err_new(ERR_REFUSED, "under the virtual clock nothing depends on the host's "
					    "time: give the gap as a time");
	ERR_TRY(check_not_stopped(m));
	saved_init(&s);
	err = restore(m, name, gap, &facts, &s);
	saved_deinit(&s);
	checkpoint_facts_deinit(&facts);
	return err_wrap(err, "checkpoint %s", name);
}
