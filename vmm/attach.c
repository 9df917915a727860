/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine that somebody else started: its QMP socket is all that is known of it. */
#include "base/str.h"
#include "vmm/layout.h"
#include "vmm/machine_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define QMP_TIMEOUT (5 * SECOND)
#define MAPS_MAX ((size_t)16 << 20)
#define FDS_MAX 65536

/* ---- the socket ---- */

static struct err *connect_socket(const char *path, int *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_new(ERR_USAGE, "the path of a socket has at most %zu bytes",
			       sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_os(errno, "socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		error = errno;
		close(fd);
		return err_new(ERR_ENVIRONMENT, "cannot connect: %s", strerror(error));
	}
	*ret = fd;
	return NULL;
}

/* Who listens there is who holds the memory. Takes `fd`. */
static struct err *adopt_peer(struct machine *m, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || peer.pid <= 0) {
		close(fd);
		return err_new(ERR_ENVIRONMENT, "the process behind it is not known here");
	}
	m->info.pid = peer.pid;
	return qemu_adopt(&m->qemu, peer.pid, fd);
}

static struct err *greet(struct machine *m)
{
	struct err *err = qmp_negotiate(&m->qemu.qmp, QMP_TIMEOUT);

	if (!err)
		return NULL;
	if (err_kind(err) != ERR_TIMEOUT)
		return err_wrap(err, "no QMP");
	err_free(err);
	return err_new(ERR_ENVIRONMENT,
		       "it does not greet: QMP serves one client at a time, is there another?");
}

/* ---- what it is ---- */

static bool member_bool(struct json_object *object, const char *member)
{
	struct json_object *value;

	return json_object_is_type(object, json_type_object) &&
	       json_object_object_get_ex(object, member, &value) && json_object_get_boolean(value);
}

static struct err *ask_bool(struct machine *m, const char *command, const char *member, bool *ret)
{
	struct json_object *result = NULL;

	ERR_TRY(qmp_execute(&m->qemu.qmp, command, NULL, -1, QMP_TIMEOUT, &result));
	*ret = member_bool(result, member);
	json_object_put(result);
	return NULL;
}

static struct err *count_cpus(struct machine *m)
{
	struct json_object *list = NULL;
	size_t count;

	ERR_TRY(qmp_execute(&m->qemu.qmp, "query-cpus-fast", NULL, -1, QMP_TIMEOUT, &list));
	count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	json_object_put(list);
	if (count < 1 || count > TOPOLOGY_CPUS_MAX)
		return err_new(ERR_ENVIRONMENT, "%zu vCPUs: 1 to %d are handled", count,
			       TOPOLOGY_CPUS_MAX);
	m->info.topology = (struct topology){1, 1, (unsigned int)count, 1};
	return NULL;
}

static struct err *ask_what_it_is(struct machine *m)
{
	bool kvm;

	ERR_TRY(ask_bool(m, "query-kvm", "enabled", &kvm));
	m->info.accel = kvm ? ACCEL_KVM : ACCEL_TCG;
	m->info.clock = CLOCK_REAL;
	snprintf(m->accel_reason, sizeof(m->accel_reason),
		 "attached: whoever started process %d chose it", m->info.pid);
	return count_cpus(m);
}

/* ---- its memory ---- */

/* Where one run lies in QEMU's address space. */
static struct err *host_address(struct machine *m, const struct layout_run *run, uint64_t *ret)
{
	char line[64], *text, *at;
	uint64_t address = 0;

	snprintf(line, sizeof(line), "gpa2hva 0x%" PRIx64, run->seen);
	ERR_TRY(qmp_monitor(&m->qemu.qmp, line, -1, QMP_TIMEOUT, &text));
	at = strstr(text, ") is 0x");
	if (at)
		address = strtoull(at + strlen(") is "), NULL, 16);
	free(text);
	if (address <= run->seen - run->phys)
		return err_new(ERR_ABSENT, "this qemu does not tell where its memory is");
	*ret = address - (run->seen - run->phys);
	return NULL;
}

/* A line of /proc/PID/maps. */
struct mapping {
	uint64_t start, end, offset, inode;
	dev_t device;
	bool shared;
};

static bool parse_mapping(const char *line, struct mapping *ret)
{
	unsigned int major, minor;
	char mode[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &ret->start,
		   &ret->end, mode, &ret->offset, &major, &minor, &ret->inode) != 7)
		return false;
	ret->shared = mode[3] == 's';
	ret->device = makedev(major, minor);
	return true;
}

/* [address, address + len) has to lie in one mapping to be shared; else it is the process's own. */
static struct err *find_mapping(pid_t pid, uint64_t address, uint64_t len, struct mapping *ret)
{
	char *path = str_format("/proc/%d/maps", (int)pid), *text = NULL, *rest;
	struct mapping m;
	bool found = false;
	size_t size;
	struct err *err = path ? read_whole_file(path, MAPS_MAX, &text, &size) : err_nomem();

	free(path);
	ERR_TRY(err_wrap(err, "the memory of qemu"));
	rest = text;
	for (char *line; !found && (line = strsep(&rest, "\n"));)
		found = parse_mapping(line, &m) && m.start <= address && address < m.end;
	free(text);
	if (!found)
		return err_new(ERR_ENVIRONMENT,
			       "process %d does not hold the memory: is it a helper of qemu's?",
			       (int)pid);
	m.shared &= m.end - address >= len;
	*ret = m;
	return NULL;
}

/* The descriptor of the process through which it mapped the file; -1: it has closed it, or we may not. */
static int open_shared(pid_t pid, const struct mapping *mapping)
{
	char path[64];
	struct stat st;

	for (unsigned int fd = 0; fd < FDS_MAX; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)pid, fd);
		if (!stat(path, &st) && S_ISREG(st.st_mode) && st.st_ino == mapping->inode &&
		    st.st_dev == mapping->device)
			return open(path, O_RDWR | O_CLOEXEC);
	}
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
		 mapping->start, mapping->end);
	return open(path, O_RDWR | O_CLOEXEC);
}

static struct err *open_private(pid_t pid, int *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	*ret = open(path, O_RDWR | O_CLOEXEC);
	if (*ret >= 0)
		return NULL;
	return err_new(ERR_ENVIRONMENT,
		       "the memory of process %d is neither shared nor open to this user (%s): start "
		       "qemu with memory-backend-memfd,share=on, or see kernel.yama.ptrace_scope",
		       (int)pid, strerror(errno));
}

static void add_run(struct ram *ram, const struct layout_run *run)
{
	ram->segments[ram->segment_count++] =
		(struct ram_segment){.phys = run->phys, .offset = ram->size, .len = run->len};
	ram->pieces[ram->piece_count++] =
		(struct ram_piece){.fd = -1, .offset = ram->size, .len = run->len};
	ram->size += run->len;
}

/* Every piece's file: what is shared all over, else the process's memory. */
static struct err *open_pieces(pid_t pid, struct ram *ram, const uint64_t *addresses, bool *shared)
{
	struct mapping mapping;

	for (unsigned int i = 0; *shared && i < ram->piece_count; i++) {
		struct ram_piece *p = &ram->pieces[i];

		ERR_TRY(find_mapping(pid, addresses[i], p->len, &mapping));
		p->fd = mapping.shared ? open_shared(pid, &mapping) : -1;
		p->start = mapping.offset + (addresses[i] - mapping.start);
		*shared = p->fd >= 0;
	}
	for (unsigned int i = 0; !*shared && i < ram->piece_count; i++) {
		close_fd(&ram->pieces[i].fd);
		ERR_TRY(open_private(pid, &ram->pieces[i].fd));
		ram->pieces[i].start = addresses[i];
	}
	return NULL;
}

static bool is_backend(void *context, const char *block)
{
	struct json_object *list = context;
	const char *id;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		id = qmp_string(json_object_array_get_idx(list, i), "id");
		if (id && !strcmp(id, block))
			return true;
	}
	return false;
}

static struct err *ask_layout(struct machine *m, struct layout *ret)
{
	struct json_object *backends = NULL;
	char *text = NULL;
	struct err *err;

	ERR_TRY(qmp_monitor(&m->qemu.qmp, "info mtree -f", -1, QMP_TIMEOUT, &text));
	err = qmp_execute(&m->qemu.qmp, "query-memdev", NULL, -1, QMP_TIMEOUT, &backends);
	if (!err && !json_object_is_type(backends, json_type_array))
		err = err_new(ERR_QMP, "query-memdev: no list");
	if (!err)
		err = layout_parse(text, is_backend, backends, ret);
	json_object_put(backends);
	free(text);
	return err;
}

static struct err *map_memory(struct machine *m)
{
	uint64_t addresses[RAM_SEGMENTS_MAX];
	struct layout layout;
	bool shared = true;

	ERR_TRY(ask_layout(m, &layout));
	for (unsigned int i = 0; i < layout.count; i++) {
		ERR_TRY(host_address(m, &layout.runs[i], &addresses[i]));
		add_run(&m->ram, &layout.runs[i]);
	}
	ERR_TRY(open_pieces(m->info.pid, &m->ram, addresses, &shared));
	m->info.memory = m->ram.size;
	return ram_map(&m->ram, shared);
}

/* ---- as a machine ---- */

/* Held, at guest time 0; how it was found is how it will be left. */
static struct err *take_hold(struct machine *m)
{
	bool running;

	ERR_TRY(ask_bool(m, "query-status", "running", &running));
	m->info.found_stopped = !running;
	m->rclock.running = running;
	m->rclock.started = host_now();
	ERR_TRY(machine_hold(m, QMP_TIMEOUT));
	rclock_set_origin(&m->rclock);
	return NULL;
}

static struct err *name_machine(struct machine *m)
{
	m->qemu_version = strdup(m->qemu.qmp.version);
	m->kernel = strdup("");
	if (!m->qemu_version || !m->kernel)
		return err_nomem();
	m->info.accel_reason = m->accel_reason;
	m->info.qemu_version = m->qemu_version;
	m->info.kernel = m->kernel;
	m->info.image_hash = m->image_hash;
	m->info.saved_hash = m->saved_hash;
	m->info.quantum.ns = 1;
	return NULL;
}

static struct err *attach(struct machine *m, const char *socket)
{
	int fd = -1;

	ERR_TRY(connect_socket(socket, &fd));
	ERR_TRY(adopt_peer(m, fd));
	ERR_TRY(greet(m));
	ERR_TRY(ask_what_it_is(m));
	ERR_TRY(machine_look_at_threads(m));
	ERR_TRY(map_memory(m));
	ERR_TRY(name_machine(m));
	ERR_TRY(take_hold(m));
	return machine_begin_runstates(m);
}

struct err *machine_attach(const char *socket, struct machine **ret)
{
	struct machine *m = machine_new();
	uint64_t start = host_now();
	struct err *err;

	if (!m)
		return err_nomem();
	m->info.attached = m->info.found_stopped = true;
	m->mailbox = MACHINE_NO_MAILBOX;
	err = attach(m, socket);
	if (err) {
		machine_destroy(m);
		return err_wrap(err, "%s", socket);
	}
	m->info.boot_ns = host_now() - start;
	*ret = m;
	return NULL;
}

void machine_let_go(struct machine *m)
{
	if (!m->info.attached || !qemu_alive(&m->qemu))
		return;
	err_free(machine_hold(m, QMP_TIMEOUT));
	rclock_deinit(&m->rclock, &m->qemu);
	if (!m->info.found_stopped)
		err_free(machine_run(m, NULL));
}
