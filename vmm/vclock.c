/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/vclock.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How soon the end of QEMU is noticed; a stand itself wakes the waiter at once. */
#define SLICE_NS UINT64_C(20000000)

struct err *vclock_init(struct vclock *v)
{
	struct vclock_page *page;
	int fd = memfd_create("vclock", MFD_CLOEXEC);

	if (fd < 0)
		return err_os(errno, "memfd for the virtual clock");
	if (ftruncate(fd, VCLOCK_SIZE)) {
		close(fd);
		return err_os(errno, "memfd for the virtual clock");
	}
	page = mmap(NULL, VCLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		close(fd);
		return err_os(errno, "mapping the virtual clock");
	}
	*page = (struct vclock_page){
		.magic = VCLOCK_MAGIC,
		.version = VCLOCK_VERSION,
		.go = 1,
		.hold = 1,
		.stop_time = VCLOCK_NEVER,
		.quantum = VCLOCK_QUANTUM_DEFAULT,
	};
	*v = (struct vclock){.fd = fd, .page = page};
	return NULL;
}

void vclock_deinit(struct vclock *v)
{
	if (!v->page)
		return;
	munmap(v->page, VCLOCK_SIZE);
	close_fd(&v->fd);
	v->page = NULL;
}

/* QEMU 9 dropped plugin interface 1, QEMU 11 all below 7. */
struct err *vclock_plugin(const char *qemu_version, char **ret)
{
	long major = strtol(qemu_version, NULL, 10);
	const char *name = "ktdbg-vclock-7.so";

	if (major < 7)
		return err_new(ERR_ENVIRONMENT,
			       "the virtual clock needs QEMU 7.2 or later, this is %s",
			       qemu_version);
	if (major < 9)
		name = "ktdbg-vclock-1.so";
	else if (major < 11)
		name = "ktdbg-vclock-2.so";
	return err_wrap(data_path(name, ret), "plugin for the virtual clock");
}

static void wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

bool vclock_held(const struct vclock *v)
{
	return __atomic_load_n(&v->page->held, __ATOMIC_SEQ_CST) == v->page->go;
}

uint64_t vclock_now(const struct vclock *v)
{
	return __atomic_load_n(&v->page->now, __ATOMIC_SEQ_CST);
}

void vclock_take_over(struct vclock *v, const struct vclock *from)
{
	struct vclock_spies *spies = vclock_spies(v->page);
	uint32_t able = spies->able;

	v->page->quantum = from->page->quantum;
	v->page->seed = from->page->seed;
	v->page->paced = from->page->paced;
	*spies = *vclock_spies(from->page);
	spies->able = able;
}

void vclock_set_time(struct vclock *v, uint64_t time)
{
	v->page->origin += v->page->now - time;
	__atomic_store_n(&v->page->now, time, __ATOMIC_SEQ_CST);
}

void vclock_set_quantum(struct vclock *v, const struct quantum *q)
{
	v->page->quantum = q->ns;
	v->page->seed = q->seed;
}

void vclock_set_paced(struct vclock *v, bool paced)
{
	__atomic_store_n(&v->page->paced, paced, __ATOMIC_SEQ_CST);
}

/* Steps are counted by code that a list of breaks brings in. */
static void set_breaks(struct vclock_page *page, const struct machine_stop *stop)
{
	struct vclock_breaks *breaks = vclock_breaks(page);

	breaks->heeded = stop->breaks;
	breaks->steps = stop->steps;
	breaks->left = (uint32_t)stop->steps;
	breaks->step_cpu = stop->step_cpu;
	if (stop->steps && !breaks->version)
		breaks->version = 1;
}

struct err *vclock_run(struct vclock *v, const struct ram *ram, const struct machine_stop *stop)
{
	struct vclock_page *page = v->page;
	uint64_t offset = 0;
	int piece = -1;

	if (stop->watch_phys) {
		piece = stop->watch_phys % 4 ? -1 : ram_locate(ram, stop->watch_phys, &offset);
		if (piece < 0)
			return err_new(ERR_USAGE, "cannot watch guest-physical 0x%llx",
				       (unsigned long long)stop->watch_phys);
	}
	page->watch_piece = (uint32_t)(piece + 1);
	page->watch_offset = offset;
	page->watch_value = stop->watch_value;
	page->stop_time = stop->time;
	set_breaks(page, stop);
	page->problem = 0;
	__atomic_store_n(&page->hold, 0, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&page->go, 1, __ATOMIC_SEQ_CST);
	wake(&page->go);
	return NULL;
}

void vclock_request_hold(struct vclock *v)
{
	__atomic_store_n(&v->page->hold, 1, __ATOMIC_SEQ_CST);
	wake(&v->page->hold);
}

void vclock_withdraw_hold(struct vclock *v)
{
	__atomic_store_n(&v->page->hold, 0, __ATOMIC_SEQ_CST);
}

static struct err *check(struct vclock *v, struct qemu *q, uint64_t deadline)
{
	if (!qemu_alive(q))
		return err_new(ERR_GUEST_DIED, "%s", qemu_death(q));
	if (interrupted())
		return err_new(ERR_INTERRUPTED, "interrupted");
	if (v->page->problem)
		return err_new(ERR_OS, "the clock's plugin: %s", strerror((int)v->page->problem));
	if (host_now() >= deadline)
		return err_new(ERR_TIMEOUT, "the guest did not stop in time");
	return NULL;
}

struct err *vclock_wait(struct vclock *v, struct qemu *q, uint64_t timeout_ns)
{
	uint64_t start = host_now();
	uint64_t deadline = timeout_ns < UINT64_MAX - start ? start + timeout_ns : UINT64_MAX;
	uint32_t held;

	while ((held = __atomic_load_n(&v->page->held, __ATOMIC_SEQ_CST)) != v->page->go) {
		struct timespec ts = {.tv_nsec = SLICE_NS};
		uint64_t now = host_now();

		if (now < deadline && deadline - now < SLICE_NS)
			ts.tv_nsec = (long)(deadline - now);
		syscall(SYS_futex, &v->page->held, FUTEX_WAIT, held, &ts, NULL, 0);
		if (!vclock_held(v))
			ERR_TRY(check(v, q, deadline));
	}
	return NULL;
}

/* The answer comes in microseconds: a QEMU that takes a second will not give it. */
struct err *vclock_registers(struct vclock *v, struct qemu *q, unsigned int cpu,
			     const struct vclock_cpu **ret)
{
	const struct vclock_cpu *cpus = vclock_cpus(v->page);
	uint64_t deadline = host_now() + UINT64_C(5000000000);

	__atomic_store_n(&v->page->registers, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&v->page->registers, __ATOMIC_SEQ_CST)) {
		struct timespec ts = {.tv_nsec = SLICE_NS};

		/* Again, in case it was between its look and its sleep. */
		wake(&v->page->go);
		syscall(SYS_futex, &v->page->registers, FUTEX_WAIT, 1, &ts, NULL, 0);
		ERR_TRY(check(v, q, deadline));
	}
	if (cpu >= VCLOCK_CPUS_MAX || !cpus[cpu].present)
		return err_new(ERR_ABSENT, "this QEMU does not tell the registers of vCPU %u", cpu);
	*ret = &cpus[cpu];
	return NULL;
}

struct err *vclock_stall(struct vclock *v, unsigned int cpu, uint64_t until)
{
	struct vclock_acts *acts = vclock_acts(v->page);

	if (!(acts->able & VCLOCK_CAN_STALL))
		return err_new(ERR_ABSENT, "this QEMU does not let a single vCPU be stopped");
	if (cpu >= VCLOCK_CPUS_MAX)
		return err_new(ERR_NOT_FOUND, "no vCPU %u", cpu);
	acts->stalls += !acts->stalled_until[cpu];
	acts->stalled_until[cpu] = until;
	return NULL;
}

uint64_t vclock_stalled_until(const struct vclock *v, unsigned int cpu)
{
	return cpu < VCLOCK_CPUS_MAX ? vclock_acts(v->page)->stalled_until[cpu] : 0;
}

struct err *vclock_nmi(struct vclock *v)
{
	struct vclock_acts *acts = vclock_acts(v->page);

	if (!(acts->able & VCLOCK_CAN_NMI))
		return err_new(ERR_ABSENT, "this QEMU does not let its plugin send an NMI");
	acts->nmi = 1;
	return NULL;
}

struct err *vclock_spy(struct vclock *v, const struct machine_spy *spies, unsigned int count, uint64_t every)
{
	struct vclock_spies *to = vclock_spies(v->page);

	if (!to->able)
		return err_new(ERR_ABSENT, "this QEMU does not let its plugin look at writes");
	if (count > VCLOCK_SPIES)
		return err_new(ERR_REFUSED, "at most %d variables can be watched at once", VCLOCK_SPIES);
	to->count = count;
	to->every = every;
	for (unsigned int i = 0; i < count; i++) {
		to->range[i].address = spies[i].address;
		to->range[i].len = spies[i].len;
		to->range[i].writes = 0;
	}
	to->generation++;
	return NULL;
}

unsigned int vclock_spy_hit(const struct vclock *v)
{
	return vclock_spies(v->page)->hit;
}

uint64_t vclock_spy_writes(const struct vclock *v, unsigned int i)
{
	return i < VCLOCK_SPIES ? vclock_spies(v->page)->range[i].writes : 0;
}

struct err *vclock_stand_unlocked(struct vclock *v, struct qemu *q, const struct ram *ram,
				  uint64_t timeout_ns)
{
	struct machine_stop here = {.time = vclock_now(v)};
	struct err *err;

	v->page->unlocked = 1;
	err = vclock_run(v, ram, &here);
	if (!err)
		err = vclock_wait(v, q, timeout_ns);
	v->page->unlocked = 0;
	return err;
}

enum machine_stop_reason vclock_reason(const struct vclock *v)
{
	switch (v->page->reason) {
	case VCLOCK_TIME:
		return STOP_TIME;
	case VCLOCK_WATCH:
		return STOP_WATCH;
	case VCLOCK_WRITE:
		return STOP_WRITE;
	case VCLOCK_BREAK:
		return STOP_BREAK;
	default:
		return STOP_HELD;
	}
}
