/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/checkpoint.h"
#include "base/str.h"
#include "vmm/checkpoint_file.h"
#include "vmm/device_clock.h"
#include "vmm/machine_impl.h"
#include "vmm/warm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct err *check_clock(struct machine *m)
{
	if (is_virtual(m))
		return err_new(ERR_REFUSED,
			       "checkpoints need --clock real; under the virtual one `back` and "
			       "--open FILE --at LINE go to any moment of a history");
	if (m->rclock.stopped)
		return err_new(ERR_REFUSED, "the guest is frozen --as-steal: thaw it first");
	return NULL;
}

/* ---- save ---- */

/* The vCPUs' account as of now, each of them runnable from here on. */
static struct err *take_facts(struct machine *m, struct checkpoint_facts *facts)
{
	const struct vcpu_runstate *vcpus;
	unsigned int count;

	ERR_TRY(machine_runstates(m, &vcpus, &count));
	facts->time = machine_time(m);
	facts->saved = wall_now();
	facts->count = count;
	for (unsigned int i = 0; i < count; i++) {
		facts->vcpus[i] = vcpus[i];
		facts->vcpus[i].state = RUNSTATE_RUNNABLE;
	}
	return warm_identity(m, &facts->identity);
}

static struct err *write_all_of(struct machine *m, const struct checkpoint_facts *facts,
				struct saved *s, struct checkpoint_draft *draft)
{
	struct str summary = {0};
	struct err *err;

	s->ram_fd = dup(draft->ram_fd);
	if (s->ram_fd < 0)
		return err_os(errno, "dup");
	ERR_TRY(saved_write_ram(s, &m->ram));
	warm_summary(m, &summary);
	err = checkpoint_draft_fill(draft, s, facts, str_text(&summary));
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

static struct err *save(struct machine *m, const char *name, struct checkpoint_facts *facts,
			struct saved *s)
{
	struct checkpoint_draft draft;
	struct err *err;

	ERR_TRY(take_facts(m, facts));
	ERR_TRY(warm_save_state(m, s));
	if (m->rclock.breaks.stands)
		ERR_TRY(forget_break(s));
	ERR_TRY(checkpoint_draft_begin(name, &draft));
	err = write_all_of(m, facts, s, &draft);
	if (!err)
		err = checkpoint_draft_publish(&draft, name);
	checkpoint_draft_end(&draft);
	return err;
}

struct err *checkpoint_save(struct machine *m, const char *name)
{
	struct checkpoint_facts facts = {0};
	struct saved s;
	struct err *err;

	ERR_TRY(checkpoint_check_name(name));
	ERR_TRY(check_clock(m));
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

/* Everything of `m` that is not one process: what a second one is started with. */
static void copy_setup(const struct machine *m, struct machine *fresh)
{
	*fresh = *m;
	fresh->ram = (struct ram){.fd = -1};
	fresh->serial = fresh->debug = (struct console){.fd = -1};
	fresh->qemu = (struct qemu){.pidfd = -1, .stderr_fd = -1, .qmp.fd = -1};
	fresh->rclock = (struct rclock){0};
	fresh->runstates = (struct runstates){0};
	fresh->debug_read = fresh->serial_read = fresh->mailbox_read = 0;
	fresh->poll_fd = fresh->initrd_fd = -1;
	fresh->tid_count = 0;
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
}

static struct err *begin_account(struct machine *m, struct checkpoint_facts *facts, uint64_t gap)
{
	m->rclock.passed = facts->time + gap;
	m->restore_gap = gap;
	for (unsigned int i = 0; i < facts->count; i++)
		facts->vcpus[i].time[RUNSTATE_RUNNABLE] += gap;
	return runstates_begin(&m->runstates, m->qemu.pid, m->tids, m->tid_count, m->rclock.passed,
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
		err = begin_account(&fresh, facts, gap);
	if (err) {
		machine_stop_qemu(&fresh);
		runstates_deinit(&fresh.runstates);
		return err;
	}
	replace(m, &fresh);
	return NULL;
}

static struct err *restore(struct machine *m, const char *name, uint64_t gap,
			   struct checkpoint_facts *facts, struct saved *s)
{
	ERR_TRY(checkpoint_open(name, s, facts));
	ERR_TRY(check_identity(m, facts));
	ERR_TRY(saved_check(s));
	if (gap == CHECKPOINT_GAP_REAL) {
		int64_t since = wall_now() - facts->saved;

		gap = since > 0 ? (uint64_t)since : 0;
	}
	if (gap && m->info.accel == ACCEL_KVM)
		return err_new(ERR_REFUSED,
			       "a gap needs TCG: KVM's clocks are not in the timer section");
	if (gap)
		ERR_TRY(device_clock_advance(s, gap));
	return start_from(m, s, facts, gap);
}

struct err *checkpoint_restore(struct machine *m, const char *name, uint64_t gap)
{
	struct checkpoint_facts facts = {0};
	struct saved s;
	struct err *err;

	ERR_TRY(checkpoint_check_name(name));
	ERR_TRY(check_clock(m));
	saved_init(&s);
	err = restore(m, name, gap, &facts, &s);
	saved_deinit(&s);
	checkpoint_facts_deinit(&facts);
	return err_wrap(err, "checkpoint %s", name);
}
