/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual clock's half inside QEMU: a TCG plugin that owns a timer on the virtual clock and
 * blocks in its callback while ktdbg wants the guest to stand (see vmm/vclock_page.h).
 *
 * Under icount the callback runs when every vCPU has used up its budget, at an exact nanosecond of
 * guest time, with QEMU's big lock held: no vCPU and no device moves until it returns.
 *
 * QEMU's plugin interface has no timers, but QEMU exports its own symbols to plugins; the few used
 * here are looked up by name and have not changed their meaning from QEMU 7.2 to 11.1. A QEMU that
 * hides them has no virtual clock: counting instructions block by block could stop it, but not tell
 * the time, which passes while the vCPUs idle. Debian's QEMU ships no plugin header, so the
 * interface is declared here. PLUGIN_API selects the version: 1 for QEMU up to 8, 2 for 9 and 10, 7
 * for 11, where callbacks got a user pointer.
 *
 * Globals are unavoidable: QEMU's callbacks before version 7 carry no context.
 */
#include "vmm/plugin/breaks.h"
#include "vmm/plugin/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info_t;

#if PLUGIN_API >= 7
typedef void (*tb_trans_fn)(struct qemu_plugin_tb *tb, void *userdata);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn cb, void *userdata);
#else
typedef void (*tb_trans_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn cb);
#endif

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_API;
__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv);

/* QEMU's own: include/qemu/timer.h. */
#define QEMU_CLOCK_VIRTUAL 1
#define QEMU_SCALE_NS 1
#define QEMU_TIMER_SIZE 512 /* a QEMUTimer is 48 bytes in 7.2; room for growth */
#define QEMU_TIMER_ATTR_ALL (-1)

static struct {
	void (*timer_init_full)(void *ts, void *group, int type, int scale, int attributes,
				void (*cb)(void *), void *opaque);
	void (*timer_mod)(void *ts, int64_t expire);
	int64_t (*clock_get_ns)(int type);
	int64_t (*clock_deadline_ns)(int type, int attributes);
	void *(*get_cpu)(int index);
	void *(*add_state_handler)(void (*cb)(void *opaque, bool running, int state), void *opaque);
	void (*async_safe_run_on_cpu)(void *cpu, void (*work)(void *cpu, uint64_t data), uint64_t data);
	/* May be missing: then QEMU answers late. */
	void (*lock)(const char *file, int line);
	void (*unlock)(void);
	/* May be missing: then nobody is told the registers. */
	int (*read_register)(void *cpu, void *array, int number);
	void *(*array_new)(void);
	void *(*array_set_size)(void *array, unsigned int len);
	/* May be missing: then no vCPU can be stalled, and no NMI sent. */
	void (*cpu_stop_current)(void);
	void (*cpu_resume)(void *cpu);
	void (*cpu_kick)(void *cpu);
	void (*nmi)(int cpu_index, void *errp);
	/* May be missing, and wanted for QEMU up to 8 only: see share_turns(). */
	void (*cpu_exit)(void *cpu);
	void (*async_run_on_cpu)(void *cpu, void (*work)(void *cpu, uint64_t data), uint64_t data);
} qemu;

/* GLib's: the bytes that read_register() appends to. */
struct byte_array {
	const uint8_t *data;
	unsigned int len;
};

#define PIECES_MAX 8
static struct {
	struct vclock_page *page;
	int piece_fd[PIECES_MAX];
	unsigned int pieces;
	pid_t parent;
	bool armed;
	uint32_t epoch;	       /* the one the guest runs in */
	const uint32_t *watch; /* mapped for this epoch */
	void *watch_map;
	uint64_t pace_host, pace_guest;	 /* where pacing counts from */
	uint64_t virtual_now;		 /* QEMU's virtual ns of the last point */
	struct byte_array *bytes;
	bool stalled[VCLOCK_CPUS_MAX];
	uint32_t spy_generation;
	uint64_t spy_next; /* guest ns before which a write is only counted */
	uint64_t timer[QEMU_TIMER_SIZE / 8];
} plugin;

static uint64_t host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void futex_wait(uint32_t *word, uint32_t value, uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000)};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* The kernel kills us with ktdbg; this is for the case that it could not be asked to. */
static void check_parent(void)
{
	if (getppid() != plugin.parent)
		_exit(1);
}

static void unmap_watch(void)
{
	if (plugin.watch_map)
		munmap(plugin.watch_map, VCLOCK_PAGE_SIZE);
	plugin.watch_map = NULL;
	plugin.watch = NULL;
}

static void serve_spies(void)
{
	const struct vclock_spies *spies = vclock_spies(plugin.page);

	if (spies->generation == plugin.spy_generation)
		return;
	plugin.spy_generation = spies->generation;
	plugin.spy_next = 0;
	breaks_spy(spies->count != 0);
}

/* Once an epoch: what to look at, and where pacing starts. */
static void begin_epoch(uint64_t now)
{
	struct vclock_page *page = plugin.page;
	uint64_t offset = page->watch_offset;
	uint64_t start = offset & ~(uint64_t)(VCLOCK_PAGE_SIZE - 1);

	plugin.pace_host = host_ns();
	plugin.pace_guest = now;
	serve_spies();
	unmap_watch();
	if (!page->watch_piece || page->watch_piece > plugin.pieces)
		return;
	plugin.watch_map = mmap(NULL, VCLOCK_PAGE_SIZE, PROT_READ, MAP_SHARED,
				plugin.piece_fd[page->watch_piece - 1], (off_t)start);
	if (plugin.watch_map == MAP_FAILED) {
		page->problem = (uint32_t)errno;
		plugin.watch_map = NULL;
		return;
	}
	plugin.watch = (const uint32_t *)((const char *)plugin.watch_map + (offset - start));
}

static void read_registers(void *cpu, struct vclock_cpu *ret)
{
	for (int i = 0; i < VCLOCK_REGISTERS; i++) {
		qemu.array_set_size(plugin.bytes, 0);
		ret->value[i] = 0;
		if (!qemu.read_register(cpu, plugin.bytes, i) || plugin.bytes->len > 8)
			return;
		memcpy(&ret->value[i], plugin.bytes->data, plugin.bytes->len);
	}
	ret->present = 1;
}

static uint64_t store_registers(int index, uint64_t rip)
{
	struct vclock_cpu *ret = &vclock_cpus(plugin.page)[index];
	void *cpu;

	if (!plugin.bytes && qemu.array_new)
		plugin.bytes = qemu.array_new();
	cpu = plugin.bytes ? qemu.get_cpu(index) : NULL;
	ret->present = 0;
	if (cpu && qemu.read_register && qemu.array_set_size)
		read_registers(cpu, ret);
	if (rip)
		ret->value[VCLOCK_REGISTER_RIP] = rip;
	return ret->value[VCLOCK_REGISTER_RIP];
}

/* The host asks while the guest stands: the other vCPUs are in no block then. */
static void serve_registers(void)
{
	struct vclock_page *page = plugin.page;

	if (!__atomic_load_n(&page->registers, __ATOMIC_SEQ_CST))
		return;
	for (int i = 0; i < VCLOCK_CPUS_MAX; i++)
		store_registers(i, breaks_rip(i));
	__atomic_store_n(&page->registers, 0, __ATOMIC_SEQ_CST);
	futex_wake(&page->registers);
}

/* Block while the guest is to stand. Returns in a new epoch. */
static void stand(enum vclock_reason reason)
{
	struct vclock_page *page = plugin.page;

	page->reason = reason;
	__atomic_store_n(&page->held, plugin.epoch, __ATOMIC_SEQ_CST);
	futex_wake(&page->held);
	while (__atomic_load_n(&page->go, __ATOMIC_SEQ_CST) == plugin.epoch) {
		futex_wait(&page->go, plugin.epoch, 1000000000);
		serve_registers();
		check_parent();
	}
	plugin.epoch = __atomic_load_n(&page->go, __ATOMIC_SEQ_CST);
}

/* QEMU's main loop gets a turn meanwhile: an idle guest does not let go of the big lock for long. */
static void sleep_unlocked(uint32_t *word, uint64_t ns)
{
	if (qemu.unlock)
		qemu.unlock();
	futex_wait(word, 0, ns);
	if (qemu.unlock)
		qemu.lock(__FILE__, __LINE__);
}

/* Sleep while guest time is ahead of host time; a hold request ends it. */
static void pace(uint64_t now)
{
	struct vclock_page *page = plugin.page;

	while (__atomic_load_n(&page->paced, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&page->hold, __ATOMIC_SEQ_CST)) {
		uint64_t guest = now - plugin.pace_guest;
		uint64_t host = host_ns() - plugin.pace_host;

		/* A host that fell behind does not make the guest race to catch up. */
		if (host > guest + 20000000) {
			plugin.pace_host = host_ns();
			plugin.pace_guest = now;
			return;
		}
		if (guest <= host)
			return;
		sleep_unlocked(&page->hold, guest - host < 100000000 ? guest - host : 100000000);
		check_parent();
	}
}

static enum vclock_reason stop_reason(uint64_t now)
{
	const struct vclock_page *page = plugin.page;

	if (plugin.watch && __atomic_load_n(plugin.watch, __ATOMIC_RELAXED) == page->watch_value)
		return VCLOCK_WATCH;
	if (now >= page->stop_time)
		return VCLOCK_TIME;
	if (__atomic_load_n(&page->hold, __ATOMIC_SEQ_CST))
		return VCLOCK_HELD;
	return 0;
}

/*
 * QEMU stops single vCPUs only at their own wish, so it is made to believe that this one asks. The kick is
 * for a thread that sleeps because all vCPUs idle: it takes note of the stop when it wakes up.
 */
static void stall(void *cpu)
{
	void **current = dlsym(RTLD_DEFAULT, "current_cpu"); /* of this thread */
	void *saved = *current;

	*current = cpu;
	qemu.cpu_stop_current();
	*current = saved;
	qemu.cpu_kick(cpu);
}

static void serve_stall(int index, uint64_t now)
{
	struct vclock_acts *acts = vclock_acts(plugin.page);
	void *cpu = qemu.get_cpu(index);

	if (cpu && acts->stalled_until[index] > now) {
		if (!plugin.stalled[index])
			stall(cpu);
		plugin.stalled[index] = true;
		return;
	}
	if (cpu && plugin.stalled[index])
		qemu.cpu_resume(cpu);
	plugin.stalled[index] = false;
	acts->stalled_until[index] = 0;
	acts->stalls--;
}

/* At a point, with the big lock: no vCPU is within a block. */
static void serve_acts(uint64_t now)
{
	struct vclock_acts *acts = vclock_acts(plugin.page);

	if (acts->nmi && acts->able & VCLOCK_CAN_NMI)
		qemu.nmi(0, NULL);
	acts->nmi = 0;
	for (int i = 0; i < VCLOCK_CPUS_MAX && acts->stalls && acts->able & VCLOCK_CAN_STALL; i++)
		if (acts->stalled_until[i])
			serve_stall(i, now);
}

/* The first instant after `now` at which there must be a point. */
static uint64_t next_due(uint64_t now)
{
	const struct vclock_acts *acts = vclock_acts(plugin.page);
	uint64_t due = plugin.page->stop_time > now ? plugin.page->stop_time : VCLOCK_NEVER;

	for (int i = 0; i < VCLOCK_CPUS_MAX && acts->stalls; i++)
		if (acts->stalled_until[i] > now && acts->stalled_until[i] < due)
			due = acts->stalled_until[i];
	return due;
}

/*
 * Arm the timer for the next point. While every vCPU idles nothing can happen before QEMU's next
 * own timer, so the points until then are passed over: that changes nothing but the cost.
 */
static void arm(uint64_t now)
{
	const struct vclock_page *page = plugin.page;
	uint64_t from = now, due = next_due(now), next;

	if (host_all_idle()) {
		int64_t deadline = qemu.clock_deadline_ns(QEMU_CLOCK_VIRTUAL, QEMU_TIMER_ATTR_ALL);

		from += deadline < 0 || (uint64_t)deadline > VCLOCK_IDLE_MAX ? VCLOCK_IDLE_MAX
									     : (uint64_t)deadline;
	}
	/* Due in the idle time: the first point at or after it. */
	if (due <= from)
		from = due - 1;
	next = vclock_next_point(page->quantum, page->seed, from);
	qemu.timer_mod(plugin.timer, (int64_t)(page->origin + next));
}

static void ask_for_break(void *cpu, uint64_t data)
{
	(void)data;
	for (int i = 0; (cpu = qemu.get_cpu(i)); i++)
		qemu.cpu_exit(cpu);
}

/*
 * The vCPUs share what there is until the next timer, and up to QEMU 8 one that spins uses up all of it. Then
 * the next one's turn is to find that a timer is due, and to run nothing; so it goes quantum after quantum,
 * and a vCPU with an interrupt at hand may stand for hundreds of milliseconds of guest time. A vCPU that was
 * asked to break has its turn begin with the timers, and then runs. Asked now it would forget it by running
 * nothing, so it is asked as work that QEMU does between turns. While all idle nobody spins.
 */
static void share_turns(void)
{
	void *cpu = PLUGIN_API == 1 ? qemu.get_cpu(0) : NULL;

	if (cpu && qemu.cpu_exit && qemu.async_run_on_cpu && !host_all_idle())
		qemu.async_run_on_cpu(cpu, ask_for_break, 0);
}

static uint64_t guest_now(void)
{
	return (uint64_t)qemu.clock_get_ns(QEMU_CLOCK_VIRTUAL) - plugin.page->origin;
}

/* Between two turns, in the thread of the vCPUs, without the big lock. */
static void stand_unlocked(void *cpu, uint64_t reason)
{
	(void)cpu;
	stand((enum vclock_reason)reason);
	begin_epoch(plugin.page->now);
	arm(plugin.page->now);
}

static void keep_host_out(void)
{
	const char *problem = host_keep_out(&plugin.virtual_now);

	if (problem)
		fprintf(stderr, "ktdbg-vclock: histories may differ with this qemu: %s\n", problem);
}

static void at_point(void *opaque)
{
	struct vclock_page *page = plugin.page;
	uint64_t now = guest_now();
	enum vclock_reason reason;
	bool stood = false;

	(void)opaque;
	plugin.virtual_now = page->origin + now;
	if (!page->points++)
		keep_host_out();
	__atomic_store_n(&page->now, now, __ATOMIC_SEQ_CST);
	pace(now);
	serve_acts(now);
	while ((reason = stop_reason(now))) {
		if (page->unlocked) {
			qemu.async_safe_run_on_cpu(qemu.get_cpu(0), stand_unlocked, reason);
			break;
		}
		stand(reason);
		stood = true;
		now = guest_now(); /* the host may have moved the origin */
		__atomic_store_n(&page->now, now, __ATOMIC_SEQ_CST);
		begin_epoch(now);
		serve_acts(now);
		/* A new stop that is reached already holds again, at the same instant. */
	}
	breaks_at_point(stood);
	arm(now);
	share_turns();
}

/*
 * In a vCPU's thread, in its turn. QEMU refuses to tell a vCPU the time in the middle of a block, but the
 * turn is accounted: so nobody in particular asks.
 */
static uint64_t now_in_turn(void)
{
	static __thread void **current;
	void *saved;
	uint64_t now;

	if (!current)
		current = dlsym(RTLD_DEFAULT, "current_cpu");
	saved = *current;
	*current = NULL;
	now = guest_now();
	*current = saved;
	return now;
}

static void stand_at_break(uint64_t now)
{
	__atomic_store_n(&plugin.page->now, now, __ATOMIC_SEQ_CST);
	stand(VCLOCK_BREAK);
	begin_epoch(plugin.page->now); /* the host may have moved the origin */
}

/* In the vCPU's thread, behind the write. True when it stood. */
static bool on_write(uint64_t address, uint64_t size)
{
	struct vclock_spies *spies = vclock_spies(plugin.page);

	for (uint32_t i = 0; i < spies->count && i < VCLOCK_SPIES; i++) {
		if (address >= spies->range[i].address + spies->range[i].len ||
		    address + size <= spies->range[i].address)
			continue;
		spies->range[i].writes++;
		if (plugin.page->now < plugin.spy_next)
			return false;
		plugin.spy_next = plugin.page->now + spies->every;
		spies->hit = i;
		stand(VCLOCK_WRITE);
		begin_epoch(plugin.page->now);
		return true;
	}
	return false;
}

/* The machine is let go, and no vCPU has executed anything yet: the first point is at this instant. */
static void on_state(void *opaque, bool running, int state)
{
	(void)state;
	(void)opaque;
	if (!running || plugin.armed)
		return;
	plugin.armed = true;
	qemu.timer_init_full(plugin.timer, NULL, QEMU_CLOCK_VIRTUAL, QEMU_SCALE_NS, 0, at_point,
			     NULL);
	qemu.timer_mod(plugin.timer, qemu.clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

#if PLUGIN_API >= 7
static void on_translate(struct qemu_plugin_tb *tb, void *userdata)
{
	(void)userdata;
	breaks_translate(tb);
}
#else
static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	breaks_translate(tb);
}
#endif

/* Of the big lock: since QEMU 9, and before. */
static void find_lock(void)
{
	*(void **)&qemu.lock = dlsym(RTLD_DEFAULT, "bql_lock_impl");
	*(void **)&qemu.unlock = dlsym(RTLD_DEFAULT, "bql_unlock");
	if (!qemu.lock || !qemu.unlock) {
		*(void **)&qemu.lock = dlsym(RTLD_DEFAULT, "qemu_mutex_lock_iothread_impl");
		*(void **)&qemu.unlock = dlsym(RTLD_DEFAULT, "qemu_mutex_unlock_iothread");
	}
	if (!qemu.lock)
		qemu.unlock = NULL;
}

static bool find_symbols(void)
{
	find_lock();
	*(void **)&qemu.timer_init_full = dlsym(RTLD_DEFAULT, "timer_init_full");
	*(void **)&qemu.timer_mod = dlsym(RTLD_DEFAULT, "timer_mod");
	*(void **)&qemu.clock_get_ns = dlsym(RTLD_DEFAULT, "qemu_clock_get_ns");
	*(void **)&qemu.clock_deadline_ns = dlsym(RTLD_DEFAULT, "qemu_clock_deadline_ns_all");
	*(void **)&qemu.get_cpu = dlsym(RTLD_DEFAULT, "qemu_get_cpu");
	*(void **)&qemu.add_state_handler =
		dlsym(RTLD_DEFAULT, "qemu_add_vm_change_state_handler");
	*(void **)&qemu.async_safe_run_on_cpu = dlsym(RTLD_DEFAULT, "async_safe_run_on_cpu");
	*(void **)&qemu.read_register = dlsym(RTLD_DEFAULT, "x86_cpu_gdb_read_register");
	*(void **)&qemu.array_new = dlsym(RTLD_DEFAULT, "g_byte_array_new");
	*(void **)&qemu.array_set_size = dlsym(RTLD_DEFAULT, "g_byte_array_set_size");
	*(void **)&qemu.cpu_stop_current = dlsym(RTLD_DEFAULT, "cpu_stop_current");
	*(void **)&qemu.cpu_resume = dlsym(RTLD_DEFAULT, "cpu_resume");
	*(void **)&qemu.cpu_kick = dlsym(RTLD_DEFAULT, "qemu_cpu_kick");
	*(void **)&qemu.nmi = dlsym(RTLD_DEFAULT, "nmi_monitor_handle");
	*(void **)&qemu.cpu_exit = dlsym(RTLD_DEFAULT, "cpu_exit");
	*(void **)&qemu.async_run_on_cpu = dlsym(RTLD_DEFAULT, "async_run_on_cpu");
	return qemu.timer_init_full && qemu.timer_mod && qemu.clock_get_ns &&
	       qemu.clock_deadline_ns && qemu.get_cpu && qemu.add_state_handler &&
	       qemu.async_safe_run_on_cpu;
}

static uint32_t able(void)
{
	bool stall = qemu.cpu_stop_current && qemu.cpu_resume && qemu.cpu_kick &&
		     dlsym(RTLD_DEFAULT, "current_cpu");

	return (stall ? VCLOCK_CAN_STALL : 0) | (qemu.nmi ? VCLOCK_CAN_NMI : 0);
}

/* Arguments: page=FD, and ram=FD for each piece of guest memory in order. */
static int parse_arguments(int argc, char **argv)
{
	int page_fd = -1;

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "page=", 5))
			page_fd = atoi(argv[i] + 5);
		else if (!strncmp(argv[i], "ram=", 4) && plugin.pieces < PIECES_MAX)
			plugin.piece_fd[plugin.pieces++] = atoi(argv[i] + 4);
		else
			return -1;
	}
	return page_fd;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	int fd = parse_arguments(argc, argv);
	struct vclock_page *page;
	bool can_break;

	(void)info;
	page = mmap(NULL, VCLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || page->magic != VCLOCK_MAGIC || page->version != VCLOCK_VERSION) {
		fprintf(stderr, "ktdbg-vclock: no control page, or another version's\n");
		return -1;
	}
	if (!find_symbols()) {
		fprintf(stderr, "ktdbg-vclock: this qemu hides its timer functions\n");
		page->problem = ENOSYS;
		return -1;
	}
	plugin.page = page;
	can_break = breaks_init(page, &(struct breaks_clock){.now = now_in_turn,
							     .stand = stand_at_break,
							     .get_cpu = qemu.get_cpu,
							     .registers = store_registers,
							     .wrote = on_write});
	vclock_acts(page)->able = able();
	vclock_spies(page)->able = can_break;
	plugin.parent = getppid();
	plugin.epoch = page->go;
	qemu.add_state_handler(on_state, NULL);
#if PLUGIN_API >= 7
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate, NULL);
#else
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
#endif
	return 0;
}
