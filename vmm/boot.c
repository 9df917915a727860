/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From nothing to a held machine whose agent is ready. */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parse.h"
#include "vmm/machine_impl.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define QMP_TIMEOUT (10 * SECOND)
/* The boot is looked at every so much guest time, at exact points: a cold boot under the virtual
 * clock ends at an instant that the guest alone decides. */
#define BOOT_SLICE (20 * MS)
#define SETTLE_TIME SECOND
/* Coarse: nobody watches how the vCPUs interleave while the kernel boots. */
#define BOOT_QUANTUM MS
/* An idle guest's virtual time flies: this much without an agent is a hung boot. */
#define GUEST_BOOT_LIMIT (120 * SECOND)
#define CONSOLE_LINES 10
#define PANIC_REASON_MAX 200

static const char mailbox_word[] = "ktdbg-mailbox ";

void machine_progress(struct machine *m, const char *what)
{
	log_info("%s", what);
	if (m->callbacks.progress)
		m->callbacks.progress(m->callbacks.context, what);
}

void machine_without_process(struct machine *m)
{
	m->ram = (struct ram){.fd = -1};
	m->serial = m->debug = (struct console){.fd = -1};
	m->qemu = (struct qemu){.pidfd = -1, .stderr_fd = -1, .qmp.fd = -1};
	m->vclock = (struct vclock){.fd = -1};
	m->rclock = (struct rclock){0};
	m->runstates = (struct runstates){0};
	m->debug_read = m->serial_read = m->mailbox_read = 0;
	m->poll_fd = -1;
	m->tid_count = 0;
}

struct machine *machine_new(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	machine_without_process(m);
	m->initrd_fd = -1;
	return m;
}

/* An error of a boot: the reason, what QEMU complained about, the console's last lines. */
static struct err *boot_error(struct machine *m, const char *reason)
{
	char *complaint = qemu_complaint(&m->qemu), *lines = NULL;
	struct err *err;

	if (m->serial.fd >= 0)
		lines = console_last_lines(&m->serial, CONSOLE_LINES);
	err = err_new(ERR_ENVIRONMENT, "the guest did not come up: %s%s%s%s%s", reason,
		      complaint && *complaint ? "; qemu says: " : "", complaint ? complaint : "",
		      lines && *lines ? "; the console's last lines:" : "", lines ? lines : "");
	free(complaint);
	free(lines);
	return err;
}

static struct err *query_threads(struct machine *m)
{
	struct json_object *list = NULL, *cpu, *value;
	size_t count;

	ERR_TRY(qmp_execute(&m->qemu.qmp, "query-cpus-fast", NULL, -1, QMP_TIMEOUT, &list));
	count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	m->tid_count = 0;
	for (size_t i = 0; i < count && i < TOPOLOGY_CPUS_MAX; i++) {
		cpu = json_object_array_get_idx(list, i);
		if (json_object_is_type(cpu, json_type_object) &&
		    json_object_object_get_ex(cpu, "thread-id", &value))
			m->tids[m->tid_count++] = json_object_get_int(value);
	}
	json_object_put(list);
	if (m->tid_count != topology_cpus(&m->info.topology))
		return err_new(ERR_QMP, "qemu has %u vCPUs instead of %u", m->tid_count,
			       topology_cpus(&m->info.topology));
	return NULL;
}

static struct err *watch_ends(struct machine *m)
{
	struct epoll_event event = {.events = EPOLLIN};

	m->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (m->poll_fd < 0 || epoll_ctl(m->poll_fd, EPOLL_CTL_ADD, m->qemu.pidfd, &event) ||
	    epoll_ctl(m->poll_fd, EPOLL_CTL_ADD, m->qemu.qmp.fd, &event))
		return err_os(errno, "epoll");
	return NULL;
}

struct err *machine_look_at_threads(struct machine *m)
{
	ERR_TRY(query_threads(m));
	return watch_ends(m);
}

static struct err *start(struct machine *m, bool incoming)
{
	struct qemu_setup setup = {
		.program = m->program,
		.topology = &m->info.topology,
		.memory = m->info.memory,
		.ram = &m->ram,
		.accel = m->info.accel,
		.clock = m->info.clock,
		.kernel = m->kernel,
		.append = m->append,
		.initrd_fd = m->initrd_fd,
		.page_fd = -1,
		.plugin = m->plugin,
		.gdb_socket = m->gdb_socket,
		.incoming = incoming,
	};

	ERR_TRY(ram_create_pieces(m->info.memory, m->info.topology.nodes, &m->ram));
	ERR_TRY(console_init(&m->serial, "console"));
	ERR_TRY(console_init(&m->debug, "debug-port"));
	if (is_virtual(m)) {
		ERR_TRY(vclock_init(&m->vclock));
		setup.page_fd = m->vclock.fd;
	}
	setup.console_fd = m->serial.fd;
	setup.debug_fd = m->debug.fd;
	ERR_TRY(qemu_start(&m->qemu, &setup));
	m->info.pid = m->qemu.pid;
	return watch_ends(m);
}

static struct err *talk(struct machine *m)
{
	ERR_TRY(qmp_negotiate(&m->qemu.qmp, QMP_TIMEOUT));
	ERR_TRY(query_threads(m));
	return machine_confine(m);
}

/* QEMU's own end explains more than the broken conversation. */
static struct err *explain(struct machine *m, struct err *err)
{
	struct err *better;

	if (err_kind(err) != ERR_QMP && err_kind(err) != ERR_GUEST_DIED)
		return err;
	if (m->vclock.page && m->vclock.page->problem == ENOSYS) {
		err_free(err);
		return err_new(
			ERR_ABSENT,
			"no virtual clock: %s hides the functions that it needs from plugins",
			m->program);
	}
	/* The socket closes a moment before the process can be waited for. */
	for (int i = 0; i < 100 && qemu_alive(&m->qemu); i++)
		usleep(1000);
	better = boot_error(m, qemu_alive(&m->qemu) ? err_detail(err) : qemu_death(&m->qemu));
	err_free(err);
	return better;
}

struct err *machine_spawn(struct machine *m, bool incoming)
{
	struct err *err = start(m, incoming);

	return err ? explain(m, err) : NULL;
}

struct err *machine_talk(struct machine *m)
{
	struct err *err = talk(m);

	return err ? explain(m, err) : NULL;
}

void machine_stop_qemu(struct machine *m)
{
	qemu_stop(&m->qemu);
	close_fd(&m->poll_fd);
	vclock_deinit(&m->vclock);
	rclock_deinit(&m->rclock, NULL);
	console_deinit(&m->serial);
	console_deinit(&m->debug);
	ram_deinit(&m->ram);
	m->debug_read = m->serial_read = m->mailbox_read = 0;
	m->tid_count = 0;
	m->info.pid = 0;
}

static void ignore_reply(void *context, struct err *err, struct json_object *result)
{
	(void)context;
	(void)result;
	err_free(err);
}

struct err *machine_first_hold(struct machine *m)
{
	if (!is_virtual(m))
		return NULL; /* stopped already: held */
	/* The answer comes after the guest has run on: while it stands QEMU's main loop waits too.
	 */
	ERR_TRY(qmp_send(&m->qemu.qmp, "cont", NULL, -1, UINT64_MAX / 2, ignore_reply, NULL));
	return err_wrap(vclock_wait(&m->vclock, &m->qemu, QMP_TIMEOUT),
			"waiting for the virtual clock to start");
}

/* The line "ktdbg-mailbox ADDRESS" among what is new on `console`; nothing happens without. */
static struct err *look_on(struct machine *m, struct console *console, uint64_t *seen)
{
	char buffer[4096], *line, *end;
	size_t n = console_read(console, *seen, buffer, sizeof(buffer) - 1);

	buffer[n] = '\0';
	if (n == sizeof(buffer) - 1 && !strchr(buffer, '\n'))
		*seen += n; /* no line of the agent's */
	for (line = buffer; (end = strchr(line, '\n')); line = end + 1) {
		*seen += (uint64_t)(end + 1 - line);
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, mailbox_word, strlen(mailbox_word)))
			continue;
		ERR_TRY(err_wrap(parse_u64(line + strlen(mailbox_word), &m->mailbox),
				 "the agent's mailbox"));
		if (!m->mailbox || m->mailbox % 4096 || !ram_at(&m->ram, m->mailbox, 4096))
			return err_new(ERR_BAD_DATA,
				       "the agent's mailbox is at 0x%llx, which is no page of RAM",
				       (unsigned long long)m->mailbox);
	}
	return NULL;
}

/* On the debug port; an agent that is denied it says the line on the console. */
static struct err *look_for_mailbox(struct machine *m)
{
	ERR_TRY(look_on(m, &m->debug, &m->debug_read));
	return m->mailbox ? NULL : look_on(m, &m->serial, &m->mailbox_read);
}

/* The reason of a panic seen on the console, "" without; false while there is none. */
static bool panicked(struct machine *m, char reason[PANIC_REASON_MAX])
{
	static const char word[] = "Kernel panic - not syncing: ";
	char buffer[8192], *found;
	size_t n = console_read(&m->serial, m->serial_read, buffer, sizeof(buffer) - 1);
	struct str clean = {0};

	buffer[n] = '\0';
	found = memmem(buffer, n, word, strlen(word));
	if (!found) {
		/* The word may be cut in two. */
		if (n > sizeof(word))
			m->serial_read += n - sizeof(word);
		reason[0] = '\0';
		return m->qemu.panicked;
	}
	found += strlen(word);
	str_add_clean(&clean, found, strcspn(found, "\r\n"));
	snprintf(reason, PANIC_REASON_MAX, ": %s", str_text(&clean));
	str_deinit(&clean);
	return true;
}

/* Under the real clock nothing is gained by stopping in between. */
static struct err *watch_slice(struct machine *m, uint64_t slice)
{
	enum machine_stop_reason reason;
	struct err *err;

	ERR_TRY(machine_run(m, NULL));
	err = machine_wait(m, slice, &reason);
	if (!err || err_kind(err) != ERR_TIMEOUT)
		return err;
	err_free(err);
	return NULL;
}

static struct err *run_slice(struct machine *m, uint64_t slice, uint64_t timeout)
{
	struct machine_stop stop = MACHINE_STOP_NONE;
	enum machine_stop_reason reason;

	if (!is_virtual(m))
		return watch_slice(m, slice);
	stop.time = machine_time(m) + slice;
	ERR_TRY(machine_run(m, &stop));
	return machine_wait(m, timeout, &reason);
}

static struct err *boot_slice(struct machine *m, uint64_t deadline)
{
	char what[PANIC_REASON_MAX + 32], reason[PANIC_REASON_MAX];
	uint64_t now = host_now();
	struct err *err;

	if (now >= deadline)
		return boot_error(m, "it took too long");
	err = run_slice(m, BOOT_SLICE, deadline - now);
	if (err && err_kind(err) == ERR_TIMEOUT) {
		err_free(err);
		return boot_error(m, "it took too long");
	}
	if (err)
		return explain(m, err);
	ERR_TRY(look_for_mailbox(m));
	if (!m->mailbox && panicked(m, reason)) {
		err_free(run_slice(m, 100 * MS, SECOND)); /* the rest of its last words */
		panicked(m, reason);
		snprintf(what, sizeof(what), "the kernel panicked%s", reason);
		return boot_error(m, what);
	}
	if (!m->mailbox && machine_time(m) > GUEST_BOOT_LIMIT)
		return boot_error(m, "no agent after two minutes of guest time");
	return NULL;
}

struct err *machine_cold_boot(struct machine *m)
{
	uint64_t deadline = host_now() + m->boot_timeout, settled;

	machine_progress(m, "starting qemu");
	ERR_TRY(machine_spawn(m, false));
	ERR_TRY(machine_talk(m));
	ERR_TRY(machine_first_hold(m));
	machine_set_origin(m, &(struct quantum){.ns = BOOT_QUANTUM});
	machine_progress(m, "booting the kernel");
	m->mailbox = 0;
	while (!m->mailbox)
		ERR_TRY(boot_slice(m, deadline));
	machine_progress(m, "letting the guest settle");
	if (is_virtual(m))
		machine_set_origin(m, &(struct quantum){.ns = VCLOCK_QUANTUM_DEFAULT});
	settled = machine_time(m) + SETTLE_TIME;
	while (machine_time(m) < settled)
		ERR_TRY(boot_slice(m, deadline));
	return machine_hold(m, QMP_TIMEOUT);
}

void machine_set_origin(struct machine *m, const struct quantum *quantum)
{
	if (!is_virtual(m)) {
		rclock_set_origin(&m->rclock);
		return;
	}
	vclock_set_time(&m->vclock, 0);
	vclock_set_quantum(&m->vclock, quantum);
}
