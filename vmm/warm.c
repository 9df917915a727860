/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/warm.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/str.h"
#include "vmm/machine_impl.h"
#include "vmm/notes.h"
#include "vmm/saved.h"
#include "vmm/store.h"
#include "vmm/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define QMP_TIMEOUT (10 * SECOND)
/* Bumped when what is booted changes in a way that no part of the key shows. */
#define KEY_FORMAT "ktdbg machine 8"

/* A file's hash, remembered for as long as the file does not change. */
static struct err *file_hash(const char *path, char ret[SHA256_TEXT])
{
	char *key = note_file_key(path), *known = key ? note_get("sha256", key) : NULL;
	struct err *err = NULL;

	if (known && strlen(known) == SHA256_TEXT - 1) {
		memcpy(ret, known, SHA256_TEXT);
	} else {
		err = sha256_file(path, ret);
		if (!err && key)
			note_put("sha256", key, ret);
	}
	free(known);
	free(key);
	return err;
}

/* A KVM guest has seen the host's CPU model. */
static void add_host_cpu(struct str *s)
{
	char *text = NULL, *end;
	size_t len;

	err_free(read_whole_file("/proc/cpuinfo", 1 << 24, &text, &len));
	end = text ? strstr(text, "\n\n") : NULL;
	if (end)
		*end = '\0';
	for (char *line = text, *next; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (str_starts(line, "model name") || str_starts(line, "flags") ||
		    str_starts(line, "stepping"))
			str_addf(s, "%s\n", line);
	}
	free(text);
}

struct err *warm_identity(struct machine *m, struct str *s)
{
	struct qemu_setup setup = {.topology = &m->info.topology,
				   .accel = m->info.accel,
				   .clock = m->info.clock,
				   .append = m->append,
				   .memory = m->info.memory};
	char *program = note_file_key(m->program), kernel[SHA256_TEXT];
	struct args args = {0};
	struct err *err = file_hash(m->kernel, kernel);

	if (!err)
		err = qemu_args_identity(&setup, &args);
	if (!err) {
		str_addf(s, "%s\nqemu %s %s\nkernel %s\nimage %s\n", KEY_FORMAT, m->qemu_version,
			 program ? program : "", kernel, m->image_hash);
		for (unsigned int i = 0; i < args.count; i++)
			str_addf(s, "%s\n", args.list[i]);
		if (m->info.accel == ACCEL_KVM)
			add_host_cpu(s);
		err = str_error(s);
	}
	args_deinit(&args);
	free(program);
	return err;
}

static struct err *make_key(struct machine *m, char key[STORE_KEY])
{
	char hash[SHA256_TEXT];
	struct str s = {0};
	struct err *err = warm_identity(m, &s);

	if (!err) {
		sha256_bytes(s.data, s.len, hash);
		memcpy(key, hash, STORE_KEY - 1);
		key[STORE_KEY - 1] = '\0';
	}
	str_deinit(&s);
	return err;
}

static struct json_object *pair(const char *key, struct json_object *value)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, key, value);
	return object;
}

/* Guest memory is a file that both sides share: it stays out of the stream. */
static struct err *ignore_shared(struct qmp *q)
{
	struct json_object *capability =
		pair("capability", json_object_new_string("x-ignore-shared"));
	struct json_object *list = json_object_new_array();

	json_object_object_add(capability, "state", json_object_new_boolean(1));
	json_object_array_add(list, capability);
	return qmp_execute(q, "migrate-set-capabilities", pair("capabilities", list), -1,
			   QMP_TIMEOUT, NULL);
}

/* QEMU's end of the pipe; ours is closed, so that each side sees the other's end. */
static struct err *give_pipe(struct qmp *q, int peer)
{
	struct err *err = qmp_execute(q, "getfd", pair("fdname", json_object_new_string("state")),
				      peer, QMP_TIMEOUT, NULL);

	close(peer);
	return err;
}

/* Until the stream has been written or read whole. */
static struct err *wait_migrated(struct qmp *q)
{
	uint64_t deadline = host_now() + QMP_TIMEOUT;
	struct json_object *info;
	const char *status, *why;
	struct err *err = NULL;
	bool done = false;

	while (!err && !done) {
		info = NULL;
		ERR_TRY(qmp_execute(q, "query-migrate", NULL, -1, QMP_TIMEOUT, &info));
		status = qmp_string(info, "status");
		done = status && !strcmp(status, "completed");
		if (status && !strcmp(status, "failed")) {
			why = qmp_string(info, "error-desc");
			err = err_new(ERR_BAD_DATA, "qemu: migration failed: %s",
				      why ? why : "no reason given");
		} else if (!done && host_now() > deadline) {
			err = err_new(ERR_TIMEOUT, "qemu does not finish with the machine's state");
		}
		json_object_put(info);
		if (!done && !err)
			usleep(1000);
	}
	return err;
}

static void ignore_reply(void *context, struct err *err, struct json_object *result)
{
	(void)context;
	(void)result;
	err_free(err);
}

/*
 * Pause. Under the virtual clock at this very instant, so that every host saves the same machine: QEMU
 * takes up `stop` while the guest stands, and stops before it goes on.
 */
static struct err *pause_machine(struct machine *m)
{
	struct machine_stop none = MACHINE_STOP_NONE;
	struct qmp *q = &m->qemu.qmp;

	if (is_virtual(m)) {
		ERR_TRY(vclock_stand_unlocked(&m->vclock, &m->qemu, &m->ram, QMP_TIMEOUT));
		ERR_TRY(qmp_send(q, "stop", NULL, -1, QMP_TIMEOUT, ignore_reply, NULL));
		qemu_wait_locked(&m->qemu);
		ERR_TRY(vclock_run(&m->vclock, &m->ram, &none));
	}
	return qmp_execute(q, "stop", NULL, -1, QMP_TIMEOUT, NULL);
}

/* `command` is migrate or migrate-incoming: the state between QEMU and `file`. */
static struct err *transfer(struct qmp *q, const char *command, int file,
			    enum stream_direction direction)
{
	struct stream stream;
	struct err *err, *late;
	int peer;

	ERR_TRY(stream_start(&stream, file, direction, &peer));
	err = give_pipe(q, peer);
	if (!err)
		err = qmp_execute(q, command, pair("uri", json_object_new_string("fd:state")), -1,
				  QMP_TIMEOUT, NULL);
	if (!err)
		err = wait_migrated(q);
	late = stream_finish(&stream, err != NULL);
	if (!err)
		return late;
	err_free(late);
	return err;
}

/* The device state goes to memory first: it is small, and then a full disk costs nothing but the
 * disk. */
struct err *warm_save_state(struct machine *m, struct saved *s)
{
	struct qmp *q = &m->qemu.qmp;

	machine_progress(m, "saving the machine");
	s->state_fd = memfd_create("saved-state", MFD_CLOEXEC);
	if (s->state_fd < 0)
		return err_os(errno, "memfd");
	ERR_TRY(pause_machine(m));
	ERR_TRY(console_save(&m->serial, &s->console_fd));
	ERR_TRY(ignore_shared(q));
	ERR_TRY(transfer(q, "migrate", s->state_fd, STREAM_TO_FILE));
	s->mailbox = m->mailbox;
	return saved_measure_state(s, is_virtual(m));
}

/* Nothing may be pending on QEMU's real-time clock: the vCPUs' turns would depend on it. */
static struct err *no_announcements(struct qmp *q)
{
	return qmp_execute(q, "migrate-set-parameters",
			   pair("announce-rounds", json_object_new_int(0)), -1, QMP_TIMEOUT, NULL);
}

static struct err *take_state(struct machine *m, struct saved *s, struct saved_load *load)
{
	struct qmp *q = &m->qemu.qmp;

	ERR_TRY(machine_talk(m));
	ERR_TRY(ignore_shared(q));
	ERR_TRY(no_announcements(q));
	ERR_TRY(saved_load_finish(load));
	ERR_TRY(transfer(q, "migrate-incoming", s->state_fd, STREAM_FROM_FILE));
	m->mailbox = s->mailbox;
	return machine_first_hold(m);
}

struct err *warm_restore(struct machine *m, struct saved *s)
{
	struct saved_load load = {0};
	struct err *err, *late;

	machine_progress(m, "restoring the saved machine");
	ERR_TRY(saved_check(s));
	ERR_TRY(machine_spawn(m, true));
	err = console_restore(&m->serial, s->console_fd);
	if (!err)
		err = saved_load_start(&load, s, &m->ram);
	if (!err)
		err = take_state(m, s, &load);
	late = saved_load_finish(&load);
	if (err) {
		err_free(late);
		return err;
	}
	if (!late && is_virtual(m))
		saved_hash(s, m->saved_hash);
	return late;
}

/* An entry that exists but does not work is worth one new boot, unless that would not help. */
static bool worth_rebuilding(const struct err *err)
{
	return err_kind(err) != ERR_INTERRUPTED && err_kind(err) != ERR_NOMEM &&
	       err_kind(err) != ERR_ABSENT;
}

/* From the store: ERR_NOT_FOUND when there is no entry, or none that works. */
static struct err *restore_entry(struct machine *m, const char *key)
{
	struct saved s;
	struct err *err;

	saved_init(&s);
	err = store_open(key, &s);
	if (!err) {
		err = warm_restore(m, &s);
		if (!err) {
			m->info.warm = true;
			store_touch(key);
		} else {
			machine_stop_qemu(m);
			if (worth_rebuilding(err)) {
				log_info("saved machine %s: %s; it is made again", key,
					 err_detail(err));
				store_remove(key);
				err_free(err);
				err = err_new(ERR_NOT_FOUND, "the saved machine is damaged");
			}
		}
	}
	saved_deinit(&s);
	return err;
}

void warm_summary(struct machine *m, struct str *s)
{
	char topology[TOPOLOGY_TEXT];

	str_addf(s, "%s %s %lluM %s %s", m->kernel, topology_format(&m->info.topology, topology),
		 (unsigned long long)(m->info.memory >> 20),
		 m->info.accel == ACCEL_KVM ? "kvm" : "tcg", is_virtual(m) ? "virtual" : "real");
}

/* The memory into a new entry of the store and publish that. */
static struct err *keep(struct machine *m, struct saved *s, const char *key)
{
	struct store_draft draft;
	struct str summary = {0};
	struct err *err;

	ERR_TRY(store_begin(&draft));
	s->ram_fd = dup(draft.ram_fd);
	err = s->ram_fd < 0 ? err_os(errno, "dup") : saved_write_ram(s, &m->ram);
	if (!err) {
		warm_summary(m, &summary);
		err = store_publish(&draft, key, s, str_text(&summary));
		str_deinit(&summary);
	}
	store_end(&draft);
	return err;
}

/* Without a usable cache folder the saved machine lives in memory, for this start alone. */
static struct err *keep_in_memory(struct machine *m, struct saved *s, struct err *why)
{
	log_info("the saved machine is not kept: %s", err_detail(why));
	err_free(why);
	close_fd(&s->ram_fd);
	s->ram_fd = memfd_create("saved-ram", MFD_CLOEXEC);
	return s->ram_fd < 0 ? err_os(errno, "memfd") : saved_write_ram(s, &m->ram);
}

static struct err *save(struct machine *m, struct saved *s, const char *key)
{
	struct err *err;

	ERR_TRY(warm_save_state(m, s));
	err = keep(m, s, key);
	return err ? keep_in_memory(m, s, err) : NULL;
}

static struct err *save_and_restore(struct machine *m, const char *key)
{
	struct saved s;
	struct err *err;

	saved_init(&s);
	err = save(m, &s, key);
	machine_stop_qemu(m);
	if (!err)
		err = warm_restore(m, &s);
	saved_deinit(&s);
	return err;
}

static struct err *build(struct machine *m, const char *key)
{
	ERR_TRY(machine_cold_boot(m));
	return save_and_restore(m, key);
}

struct err *warm_start(struct machine *m)
{
	char key[STORE_KEY];
	struct err *err;
	int lock = -1;

	ERR_TRY(make_key(m, key));
	err = restore_entry(m, key);
	if (!err || err_kind(err) != ERR_NOT_FOUND)
		return err;
	err_free(err);
	ERR_TRY(store_lock(key, &lock));
	/* Whoever was waited for may have made it. */
	err = restore_entry(m, key);
	if (err && err_kind(err) == ERR_NOT_FOUND) {
		err_free(err);
		err = build(m, key);
	}
	store_unlock(key, &lock);
	return err;
}
