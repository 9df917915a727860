/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "base/str.h"
#include "vmm/accel.h"
#include "vmm/machine_impl.h"
#include "vmm/notes.h"
#include "vmm/registers.h"
#include "vmm/still.h"
#include "vmm/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define BOOT_TIMEOUT (120 * SECOND) /* also under KVM, which may be nested in TCG */
#define MEMORY_MIN (UINT64_C(64) << 20)
#define MEMORY_MAX (UINT64_C(64) << 30)
#define INITRD_MAX ((size_t)512 << 20)

/* One archive after the other, each padded to four bytes as the kernel wants it; hashed on the way.
 */
static struct err *add_initrd(int fd, const char *path, struct sha256_ctx *hash)
{
	static const char zeros[4];
	char *data = NULL;
	size_t len, padding;
	struct err *err = read_whole_file(path, INITRD_MAX, &data, &len);

	if (err)
		return err;
	padding = -len % 4;
	sha256_update(hash, len, (const uint8_t *)data);
	err = write_all(fd, data, len);
	if (!err && padding)
		err = write_all(fd, zeros, padding);
	free(data);
	return err;
}

static struct err *gather_initrds(struct machine *m, const struct machine_config *config)
{
	struct sha256_ctx hash;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&hash);
	m->initrd_fd = config->initrd_count ? memfd_create("initrd", MFD_CLOEXEC) : -1;
	if (config->initrd_count && m->initrd_fd < 0)
		return err_os(errno, "memfd for the guest image");
	for (unsigned int i = 0; i < config->initrd_count; i++)
		ERR_TRY(err_wrap(add_initrd(m->initrd_fd, config->initrds[i], &hash),
				 "guest image"));
	sha256_digest(&hash, sizeof(digest), digest);
	for (unsigned int i = 0; i < sizeof(digest); i++)
		snprintf(m->image_hash + 2 * i, 3, "%02x", digest[i]);
	return NULL;
}

/* The boot protocol's magic: QEMU's own words for a wrong file help nobody. */
static struct err *check_kernel(const char *path)
{
	char magic[4] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_new(ERR_ENVIRONMENT, "cannot read the kernel %s: %s", path,
			       strerror(errno));
	if (pread(fd, magic, sizeof(magic), 0x202) != sizeof(magic) || memcmp(magic, "HdrS", 4)) {
		close(fd);
		return err_new(ERR_ENVIRONMENT, "%s is no Linux bzImage", path);
	}
	close(fd);
	return NULL;
}

/* What can only be said of host threads, one for each vCPU. */
static bool wants_host(const struct machine_config *config)
{
	return config->cpu_budget || config->pin;
}

static struct err *check_config(const struct machine_config *config)
{
	if (config->memory < MEMORY_MIN || config->memory > MEMORY_MAX ||
	    config->memory % (1 << 20))
		return err_new(ERR_USAGE, "memory of %llu bytes: whole MiB from 64M to 64G",
			       (unsigned long long)config->memory);
	if (config->clock == CLOCK_VIRTUAL && config->accel == ACCEL_KVM)
		return err_new(ERR_USAGE, "the virtual clock needs --accel tcg");
	if (config->clock == CLOCK_VIRTUAL && wants_host(config))
		return err_new(ERR_USAGE, "a CPU budget needs --clock real");
	return check_kernel(config->kernel);
}

static struct err *find_program(struct machine *m, const struct machine_config *config)
{
	const char *name = config->qemu;

	if (!name)
		name = getenv("KTDBG_QEMU");
	if (!name || !*name)
		name = "qemu-system-x86_64";
	ERR_TRY(qemu_find(name, &m->program));
	return qemu_version(m->program, &m->qemu_version);
}

/* The real clock's only mends what QEMU 8.0 has mended: see vmm/plugin/text/. */
static struct err *find_plugin(struct machine *m)
{
	struct err *err;

	free(m->plugin);
	m->plugin = NULL;
	if (is_virtual(m))
		return vclock_plugin(m->qemu_version, &m->plugin);
	if (m->info.accel != ACCEL_TCG || strtol(m->qemu_version, NULL, 10) >= 8)
		return NULL;
	err = data_path("ktdbg-text-1.so", &m->plugin);
	if (err)
		log_info("patched code is not watched: %s", err_detail(err));
	err_free(err);
	return NULL;
}

static struct err *choose_clock(struct machine *m, const struct machine_config *config)
{
	enum accel wanted = config->accel;

	if (config->clock == CLOCK_VIRTUAL)
		wanted = ACCEL_TCG;
	ERR_TRY(accel_choose(wanted, m->program, config->kernel, &m->info.accel, m->accel_reason,
			     sizeof(m->accel_reason)));
	if (config->clock == CLOCK_VIRTUAL && config->accel == ACCEL_AUTO)
		snprintf(m->accel_reason, sizeof(m->accel_reason), "the virtual clock needs TCG");
	m->info.clock = config->clock;
	if (config->clock == CLOCK_AUTO)
		m->info.clock = m->info.accel == ACCEL_KVM || wants_host(config) ? CLOCK_REAL
										   : CLOCK_VIRTUAL;
	return find_plugin(m);
}

static bool wants_kaslr(const struct machine *m, enum kaslr wanted)
{
	return wanted == KASLR_ON || (wanted == KASLR_AUTO && !is_virtual(m));
}

static struct err *copy_strings(struct machine *m, const struct machine_config *config)
{
	/* A panic hangs the guest, so that it can be looked at. The self-tests of the ciphers cost
	 * seconds under TCG and show nothing here. Schedstats count what no kernel counts unasked;
	 * they are on from the boot on, so that looking at them changes nothing. TCG's TSC needs no
	 * watchdog: a vCPU that waits for the host between two readings makes it throw the TSC out,
	 * and the guest's time jumps; under the virtual clock CPU 0 of Linux 7.2 plays ping-pong with
	 * another CPU for it, interrupts off, at a turn of the vCPUs a ball: 200 ms. */
	m->append = str_format("console=ttyS0 loglevel=4 panic=0 cryptomgr.notests "
			       "schedstats=enable%s%s%s%s",
			       m->info.accel == ACCEL_TCG ? " tsc=nowatchdog" : "",
			       wants_kaslr(m, config->kaslr) ? "" : " nokaslr",
			       config->append ? " " : "", config->append ? config->append : "");
	m->kernel = strdup(config->kernel);
	m->gdb_socket = config->gdb_socket ? strdup(config->gdb_socket) : NULL;
	if (!m->append || !m->kernel || (config->gdb_socket && !m->gdb_socket))
		return err_nomem();
	return NULL;
}

static struct err *prepare(struct machine *m, const struct machine_config *config)
{
	ERR_TRY(check_config(config));
	ERR_TRY(find_program(m, config));
	ERR_TRY(choose_clock(m, config));
	ERR_TRY(copy_strings(m, config));
	ERR_TRY(gather_initrds(m, config));
	m->budget.cpus = config->cpu_budget;
	m->budget.pin = config->pin;
	m->boot_timeout = config->boot_timeout_ns;
	if (!m->boot_timeout)
		m->boot_timeout = BOOT_TIMEOUT;
	return NULL;
}

static struct err *start(struct machine *m, const struct machine_config *config)
{
	return config->cold_boot ? machine_cold_boot(m) : warm_start(m);
}

/* What this host's QEMU lacks is for the operator to mend. */
static struct err *as_environment(struct err *err)
{
	struct err *ret = err_new(ERR_ENVIRONMENT, "%s", err_detail(err));

	err_free(err);
	return ret;
}

/* A QEMU without a virtual clock still has the real one, for whoever did not ask for either. */
static struct err *boot(struct machine *m, const struct machine_config *config)
{
	struct err *err;

	ERR_TRY(prepare(m, config));
	err = start(m, config);
	if (err && err_kind(err) == ERR_ABSENT && is_virtual(m) && config->clock == CLOCK_AUTO) {
		machine_progress(m, err_detail(err));
		err_free(err);
		machine_stop_qemu(m);
		m->info.clock = CLOCK_REAL;
		err = find_plugin(m);
		if (!err)
			err = start(m, config);
	}
	if (!err) {
		machine_set_origin(m, &config->quantum);
		err = machine_begin_runstates(m);
	}
	if (!err || err_kind(err) != ERR_ABSENT)
		return err;
	return as_environment(err);
}

struct err *machine_boot(const struct machine_config *config,
			 const struct machine_callbacks *callbacks, struct machine **ret)
{
	struct machine *m = machine_new();
	uint64_t start = host_now();
	struct err *err;

	if (!m)
		return err_nomem();
	if (callbacks)
		m->callbacks = *callbacks;
	m->info.topology = config->topology;
	m->info.memory = config->memory;
	m->info.quantum = config->quantum;
	err = boot(m, config);
	if (err) {
		machine_destroy(m);
		return err;
	}
	close_fd(&m->initrd_fd);
	m->info.accel_reason = m->accel_reason;
	m->info.qemu_version = m->qemu_version;
	m->info.kernel = m->kernel;
	m->info.image_hash = m->image_hash;
	m->info.saved_hash = m->saved_hash;
	m->info.boot_ns = host_now() - start;
	*ret = m;
	return NULL;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	machine_let_go(m);
	machine_stop_qemu(m);
	machine_forget_still(m);
	runstates_deinit(&m->runstates);
	close_fd(&m->initrd_fd);
	free(m->program);
	free(m->qemu_version);
	free(m->kernel);
	free(m->append);
	free(m->plugin);
	free(m->gdb_socket);
	free(m);
}

enum machine_state machine_state(struct machine *m)
{
	if (m->still)
		return MACHINE_HELD;
	if (!qemu_alive(&m->qemu))
		return MACHINE_DEAD;
	if (is_virtual(m))
		return vclock_held(&m->vclock) ? MACHINE_HELD : MACHINE_RUNNING;
	/* Trouble with the stub is told by whoever waits. */
	err_free(rclock_look(&m->rclock, &m->qemu));
	return m->rclock.running ? MACHINE_RUNNING : MACHINE_HELD;
}

const char *machine_death(struct machine *m)
{
	return qemu_death(&m->qemu);
}

uint64_t machine_time(struct machine *m)
{
	if (m->still)
		return m->still->time;
	return is_virtual(m) ? vclock_now(&m->vclock) : rclock_now(&m->rclock);
}

uint64_t machine_grid(const struct machine *m)
{
	if (!is_virtual(m))
		return 1;
	return m->info.quantum.ns ? m->info.quantum.ns : VCLOCK_RANDOM_GRID;
}

static struct err *dead(struct machine *m)
{
	const char *why = qemu_death(&m->qemu);

	return err_new(ERR_GUEST_DIED, "%s", why ? why : "the machine is gone");
}

struct err *machine_run(struct machine *m, const struct machine_stop *stop)
{
	static const struct machine_stop none = MACHINE_STOP_NONE;

	if (!stop)
		stop = &none;
	if (m->still)
		return machine_still_stands();
	if (!qemu_alive(&m->qemu))
		return dead(m);
	if (!is_virtual(m))
		return rclock_run(&m->rclock, &m->qemu, stop);
	/* A hold leaves no trace in the guest's history, so a new stop may begin with one. */
	ERR_TRY(machine_hold(m, 10 * SECOND));
	return vclock_run(&m->vclock, &m->ram, stop);
}

struct err *machine_wait(struct machine *m, uint64_t host_timeout_ns, enum machine_stop_reason *ret)
{
	if (m->still)
		return machine_still_stands();
	if (!qemu_alive(&m->qemu))
		return dead(m);
	if (is_virtual(m)) {
		ERR_TRY(vclock_wait(&m->vclock, &m->qemu, host_timeout_ns));
		*ret = vclock_reason(&m->vclock);
		return NULL;
	}
	ERR_TRY(rclock_wait(&m->rclock, &m->qemu, &m->ram, host_timeout_ns));
	ram_refresh(&m->ram);
	*ret = m->rclock.reason;
	return NULL;
}

struct err *machine_spy(struct machine *m, const struct machine_spy *spies, unsigned int count,
			uint64_t every)
{
	if (!is_virtual(m))
		return err_new(ERR_ABSENT, "writes can be watched under the virtual clock only");
	return vclock_spy(&m->vclock, spies, count, every);
}

bool machine_spied(struct machine *m, unsigned int *ret)
{
	if (!is_virtual(m) || !vclock_held(&m->vclock) || vclock_reason(&m->vclock) != STOP_WRITE)
		return false;
	*ret = vclock_spy_hit(&m->vclock);
	return true;
}

uint64_t machine_spy_writes(const struct machine *m, unsigned int i)
{
	return is_virtual(m) ? vclock_spy_writes(&m->vclock, i) : 0;
}

/* Whether a vCPU's thread waits: it idles or has stopped. */
static bool thread_waits(pid_t pid, int tid)
{
	char *path = str_format("/proc/%d/task/%d/stat", (int)pid, tid), *text = NULL, *state;
	size_t len;
	bool waits;

	if (path)
		err_free(read_whole_file(path, 4096, &text, &len));
	state = text ? strrchr(text, ')') : NULL;
	waits = state && str_starts(state, ") S");
	free(text);
	free(path);
	return waits;
}

static struct err *not_all_stopped(struct machine *m, struct err *late)
{
	unsigned int stopped = 0;

	if (err_kind(late) != ERR_TIMEOUT)
		return late;
	err_free(late);
	for (unsigned int i = 0; i < m->tid_count; i++)
		stopped += thread_waits(m->qemu.pid, m->tids[i]);
	return err_new(ERR_TIMEOUT, "%u of %u vCPUs stopped in time", stopped, m->tid_count);
}

struct err *machine_hold(struct machine *m, uint64_t host_timeout_ns)
{
	struct err *err;

	if (m->still)
		return NULL;
	if (!qemu_alive(&m->qemu))
		return dead(m);
	if (!is_virtual(m)) {
		err = rclock_hold(&m->rclock, &m->qemu, STOP_HELD, host_timeout_ns);
		ram_refresh(&m->ram);
		return err ? not_all_stopped(m, err) : NULL;
	}
	if (vclock_held(&m->vclock))
		return NULL;
	vclock_request_hold(&m->vclock);
	err = vclock_wait(&m->vclock, &m->qemu, host_timeout_ns);
	if (!err)
		return NULL;
	vclock_withdraw_hold(&m->vclock);
	return not_all_stopped(m, err);
}

struct err *machine_hold_as_gap(struct machine *m)
{
	if (m->still)
		return machine_still_stands();
	if (!qemu_alive(&m->qemu))
		return dead(m);
	if (is_virtual(m))
		return err_new(ERR_REFUSED,
			       "only under --clock real does the guest's clock run on by itself; "
			       "`steal inject cpu:all T` does it by a given time");
	if (m->info.attached)
		return err_new(ERR_REFUSED, "somebody else's QEMU is not stopped behind its back");
	return rclock_hold_as_gap(&m->rclock, &m->qemu);
}

uint64_t machine_take_gap(struct machine *m)
{
	uint64_t gap = is_virtual(m) ? 0 : rclock_take_gap(&m->rclock);
	uint64_t before = m->restore_gap; /* booked as runnable by the restore */

	m->runstates.stolen += gap;
	m->restore_gap = 0;
	return before + gap;
}

void machine_set_paced(struct machine *m, bool paced)
{
	if (is_virtual(m))
		vclock_set_paced(&m->vclock, paced);
}

int machine_poll_fd(const struct machine *m)
{
	return m->poll_fd;
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
	return console_tail(&m->serial, buffer, size);
}

const struct machine_info *machine_info(const struct machine *m)
{
	return &m->info;
}

unsigned int machine_vcpu_threads(struct machine *m, int *tids, unsigned int max)
{
	unsigned int n = m->tid_count < max ? m->tid_count : max;

	memcpy(tids, m->tids, n * sizeof(*tids));
	return n;
}

/* ---- registers ---- */

static struct err *ask_qemu(struct machine *m, unsigned int cpu, struct cpu_registers *ret)
{
	char *text;
	bool found;

	ERR_TRY(qmp_monitor(&m->qemu.qmp, "info registers", (int)cpu, 5 * SECOND, &text));
	found = registers_parse(text, ret);
	free(text);
	if (!found)
		return err_new(ERR_ABSENT, "this QEMU does not tell the registers of vCPU %u", cpu);
	return NULL;
}

struct err *machine_registers(struct machine *m, unsigned int cpu, struct cpu_registers *ret)
{
	unsigned int cpus = topology_cpus(&m->info.topology);
	const struct vclock_cpu *from;

	if (cpu >= cpus)
		return err_new(ERR_NOT_FOUND, "no vCPU %u: this machine has 0 to %u", cpu,
			       cpus - 1);
	if (m->still)
		return machine_still_registers(m, cpu, ret);
	if (machine_state(m) != MACHINE_HELD)
		return err_new(ERR_REFUSED, "registers change while the machine runs");
	if (!is_virtual(m))
		return ask_qemu(m, cpu, ret);
	ERR_TRY(vclock_registers(&m->vclock, &m->qemu, cpu, &from));
	memcpy(ret->value, from->value, sizeof(ret->value));
	return NULL;
}

struct err *machine_nmi(struct machine *m)
{
	if (m->still)
		return machine_still_stands();
	if (is_virtual(m))
		return vclock_nmi(&m->vclock);
	if (m->rclock.stopped)
		return err_new(ERR_REFUSED, "the guest is frozen --as-steal: thaw it first");
	return qmp_execute(&m->qemu.qmp, "inject-nmi", NULL, -1, 5 * SECOND, NULL);
}

struct err *machine_stall(struct machine *m, unsigned int cpu, uint64_t until)
{
	if (!is_virtual(m))
		return err_new(ERR_ABSENT, "a single vCPU can be stopped under the virtual clock only");
	if (cpu >= topology_cpus(&m->info.topology))
		return err_new(ERR_NOT_FOUND, "no vCPU %u; there are %u", cpu,
			       topology_cpus(&m->info.topology));
	return vclock_stall(&m->vclock, cpu, until);
}

uint64_t machine_stalled_until(const struct machine *m, unsigned int cpu)
{
	return is_virtual(m) ? vclock_stalled_until(&m->vclock, cpu) : 0;
}
