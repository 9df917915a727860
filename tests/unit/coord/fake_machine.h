/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine without QEMU: real guest memory (a memfd, or an image that the test opens) and a clock that
 * jumps to whatever a run waits for. For tests of the layer above; defines all of vmm/machine.h, so that
 * the real one is not linked. Include in one file of a program.
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include "vmm/machine.h"
#include "vmm/breaks.h"

#include <string.h>

struct machine {
	enum machine_state state;
	uint64_t time;
	struct ram ram;
	struct machine_stop stop;
	bool paced;
	uint64_t mailbox;              /* guest-physical */
	const char *console;           /* NULL: nothing yet */
	unsigned int runs, holds;      /* calls that changed the state */
	unsigned int held_as_gap;
	bool hold_fails;               /* a vCPU does not stop */
	const struct machine_hit *hit; /* NULL: it stands at no break */
	bool interrupted;              /* the next wait sees SIGINT */
	/* Called whenever guest time has passed; what "the guest" does. May be NULL. */
	void (*work)(struct machine *m);
};

void machine_destroy(struct machine *m)
{
	if (m)
		m->state = MACHINE_DEAD;
}

enum machine_state machine_state(struct machine *m)
{
	return m->state;
}

const char *machine_death(struct machine *m)
{
	return m->state == MACHINE_DEAD ? "qemu was killed by signal 9" : NULL;
}

uint64_t machine_time(struct machine *m)
{
	return m->time;
}

uint64_t machine_grid(const struct machine *m)
{
	(void)m;
	return 1;
}

struct err *machine_run(struct machine *m, const struct machine_stop *stop)
{
	m->state = MACHINE_RUNNING;
	m->stop = stop ? *stop : MACHINE_STOP_NONE;
	m->runs++;
	return NULL;
}

static bool fake_watch_hit(struct machine *m)
{
	const uint32_t *word = m->stop.watch_phys ? ram_at(&m->ram, m->stop.watch_phys, 4) : NULL;

	return word && *word == m->stop.watch_value;
}

/* Guest time passes in steps of 1 ms until the stop. */
struct err *machine_wait(struct machine *m, uint64_t host_timeout_ns, enum machine_stop_reason *ret)
{
	(void)host_timeout_ns;
	if (m->interrupted) {
		m->interrupted = false;
		return err_new(ERR_INTERRUPTED, "interrupted");
	}
	while (m->state == MACHINE_RUNNING) {
		uint64_t left = m->stop.time - m->time;

		if (fake_watch_hit(m) || left == 0) {
			m->state = MACHINE_HELD;
			*ret = left == 0 ? STOP_TIME : STOP_WATCH;
			return NULL;
		}
		m->time += left < 1000000 ? left : 1000000;
		if (m->work)
			m->work(m);
	}
	if (m->state == MACHINE_DEAD)
		return err_new(ERR_GUEST_DIED, "qemu was killed by signal 9");
	*ret = STOP_HELD;
	return NULL;
}

struct err *machine_hold(struct machine *m, uint64_t host_timeout_ns)
{
	(void)host_timeout_ns;
	if (m->hold_fails)
		return err_new(ERR_TIMEOUT, "3 of 4 vCPUs stopped");
	m->state = MACHINE_HELD;
	m->time += 1000;
	m->holds++;
	return NULL;
}

struct err *machine_hold_as_gap(struct machine *m)
{
	m->state = MACHINE_HELD;
	m->held_as_gap++;
	return NULL;
}

uint64_t machine_take_gap(struct machine *m)
{
	uint64_t gap = m->held_as_gap ? 1000 : 0;

	m->held_as_gap = 0;
	return gap;
}

void machine_set_paced(struct machine *m, bool paced)
{
	m->paced = paced;
}

int machine_poll_fd(const struct machine *m)
{
	(void)m;
	return -1;
}

struct ram *machine_ram(struct machine *m)
{
	return &m->ram;
}

uint64_t machine_mailbox(const struct machine *m)
{
	return m->mailbox;
}

uint64_t machine_console(struct machine *m, char *buffer, size_t size)
{
	const char *text = m->console ? m->console : "";

	if (size)
		buffer[0] = '\0';
	if (size > strlen(text))
		strcpy(buffer, text);
	return strlen(text);
}

const struct machine_info *machine_info(const struct machine *m)
{
	static const struct machine_info info = {.clock = CLOCK_VIRTUAL, .accel = ACCEL_TCG};

	(void)m;
	return &info;
}

unsigned int machine_vcpu_threads(struct machine *m, int *tids, unsigned int max)
{
	(void)m;
	(void)tids;
	(void)max;
	return 0;
}

struct err *machine_registers(struct machine *m, unsigned int cpu, struct cpu_registers *ret)
{
	return err_new(ERR_ABSENT, "no vCPU behind this memory");
}

struct err *machine_spy(struct machine *m, const struct machine_spy *spies, unsigned int count,
			uint64_t every)
{
	(void)m;
	(void)spies;
	(void)count;
	(void)every;
	return NULL;
}

bool machine_spied(struct machine *m, unsigned int *ret)
{
	(void)m;
	(void)ret;
	return false;
}

uint64_t machine_spy_writes(const struct machine *m, unsigned int i)
{
	(void)m;
	(void)i;
	return 0;
}

struct err *machine_can_break(struct machine *m)
{
	(void)m;
	return NULL;
}

struct err *machine_set_breaks(struct machine *m, const struct machine_break *list, unsigned int count)
{
	(void)m;
	(void)list;
	(void)count;
	return NULL;
}

bool machine_hit(struct machine *m, struct machine_hit *ret)
{
	if (m->hit)
		*ret = *m->hit;
	return m->hit;
}

uint64_t machine_steps_left(const struct machine *m)
{
	(void)m;
	return 0;
}

struct err *machine_nmi(struct machine *m)
{
	(void)m;
	return NULL;
}

struct err *machine_stall(struct machine *m, unsigned int cpu, uint64_t until)
{
	(void)m;
	(void)cpu;
	(void)until;
	return NULL;
}

uint64_t machine_stalled_until(const struct machine *m, unsigned int cpu)
{
	(void)m;
	(void)cpu;
	return 0;
}

#endif
