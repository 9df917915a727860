// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/agent_impl.h"

#include "coord/cgroup_spec.h"
#include "coord/places.h"
#include "coord/work_spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENCE 1500000000ULL   /* ns of guest time; a poll comes every 20 ms */
#define SLICE 10000000ULL       /* ns of guest time between looks at a guest that owes an answer */
#define DEAD_SLICES 5           /* without a heartbeat, which comes every 20 ms at least */
#define CONSOLE_TAIL 4096

struct err *agent_create(struct coord *c, struct agent **ret)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (!a)
		return err_nomem();
	a->coord = c;
	*ret = a;
	return NULL;
}

void agent_destroy(struct agent *a)
{
	free(a);
}

void agent_reply_deinit(struct agent_reply *reply)
{
	str_deinit(&reply->text);
}

struct err *agent_mailbox(struct agent *a, struct mailbox *ret)
{
	struct machine *m = coord_machine(a->coord);

	return mailbox_open(machine_ram(m), machine_mailbox(m), ret);
}

/* Writes the request and gives it its number, in this order. */
static struct err *post(const struct mailbox *m, uint32_t op, const void *payload, size_t len,
			uint32_t *ret_seq)
{
	struct wire_request request = {.op = op, .payload_len = (uint32_t)len};
	uint64_t area = (uint64_t)WIRE_REQUEST_PAGE * WIRE_PAGE_SIZE;
	struct wire_header h;
	uint32_t seq;

	if (len > WIRE_PAYLOAD_MAX)
		return err_new(ERR_REFUSED, "a request of %zu bytes is too long", len);
	ERR_TRY(mailbox_header(m, &h));
	ERR_TRY(mailbox_write(m, area, &request, sizeof(request)));
	ERR_TRY(mailbox_write(m, area + sizeof(request), payload, len));
	seq = (h.request_seq > h.response_seq ? h.request_seq : h.response_seq) + 1;
	ERR_TRY(mailbox_write(m, offsetof(struct wire_header, request_seq), &seq, sizeof(seq)));
	*ret_seq = seq;
	return NULL;
}

static enum err_kind kind_of(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ESRCH:
		return ERR_NOT_FOUND;
	case ENODEV:
	case ENOSYS:
	case EOPNOTSUPP:
		return ERR_ABSENT;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_REFUSED;
	}
}

/* The agent's own words, cleaned: they may quote what a program of the guest said. */
static struct err *refusal(const struct wire_response *r)
{
	struct str text = {0};
	struct err *err;

	str_add_clean(&text, r->message, sizeof(r->message));
	if (!text.len)
		str_addf(&text, "the agent refused with errno %d", r->status);
	err = err_new(kind_of(r->status), "%s", str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *read_text(const struct mailbox *m, uint32_t len, struct str *ret)
{
	char *buffer = malloc(len + 1);
	struct err *err;

	if (!buffer)
		return err_nomem();
	err = mailbox_read(m, (uint64_t)WIRE_TEXT_PAGE * WIRE_PAGE_SIZE, buffer, len);
	if (!err) {
		str_add_n(ret, buffer, len);
		err = str_error(ret);
	}
	free(buffer);
	return err;
}

static struct err *collect(const struct mailbox *m, uint32_t op, struct agent_reply *ret)
{
	struct wire_response r;

	ERR_TRY(mailbox_response(m, &r));
	if (r.op != op)
		return err_new(ERR_BAD_DATA, "the agent answered op %u instead of %u", r.op, op);
	if (r.status)
		return refusal(&r);
	if (!ret)
		return NULL;
	*ret = (struct agent_reply){.value_count = r.value_count};
	memcpy(ret->values, r.values, sizeof(ret->values));
	return read_text(m, r.text_len, &ret->text);
}

/*
 * So that nothing is carried out long after it was given up. False: the agent works on it, or its mailbox is
 * not as it should be.
 */
static bool withdraw(const struct mailbox *m)
{
	struct wire_header h;
	struct err *err = mailbox_header(m, &h);
	bool taken = !err && h.agent_state == WIRE_AGENT_BUSY;

	if (!err && !taken)
		err = mailbox_write(m, offsetof(struct wire_header, request_seq), &h.response_seq,
				    sizeof(h.response_seq));
	taken |= err != NULL;
	err_free(err);
	return !taken;
}

static struct err *silent(struct err *err, const struct mailbox *m, uint64_t deadline_ns)
{
	const char *more = withdraw(m) ? "" : "; it may still do what was asked";

	if (err_kind(err) != ERR_TIMEOUT)
		return err;
	err_free(err);
	return err_new(ERR_TIMEOUT,
		       "the agent did not answer within %" PRIu64 " s of guest time%s; inspection still works",
		       deadline_ns / (uint64_t)1000000000, more);
}

/* What the kernel's last words on the console say of a panic; false: none. */
static bool find_panic(struct agent *a, struct str *reason)
{
	static const char words[] = "Kernel panic - not syncing";
	char tail[CONSOLE_TAIL], *at;

	machine_console(coord_machine(a->coord), tail, sizeof(tail));
	at = strstr(tail, words);
	if (!at)
		return false;
	str_add_clean(reason, at, strcspn(at, "\r\n"));
	return true;
}

/*
 * A panicked kernel spins with interrupts off, and guest time then hardly moves: waiting for the
 * deadline would take minutes. The words alone prove nothing, any program can write them.
 */
static struct err *check_alive(struct agent *a, const struct mailbox *m, uint64_t *heartbeat,
			       unsigned int *still)
{
	struct str reason = {0};
	struct wire_header h;
	struct err *err = NULL;

	ERR_TRY(mailbox_header(m, &h));
	*still = h.heartbeat == *heartbeat ? *still + 1 : 0;
	*heartbeat = h.heartbeat;
	if (*still >= DEAD_SLICES && find_panic(a, &reason))
		err = err_new(ERR_GUEST_DIED, "the agent cannot answer: %s; inspection still works",
			      str_text(&reason));
	str_deinit(&reason);
	return err;
}

static struct err *wait_for_word(struct agent *a, const struct mailbox *m, uint64_t word, uint32_t seq,
				 uint64_t deadline_ns)
{
	uint64_t heartbeat = UINT64_MAX, end = coord_time(a->coord) + deadline_ns;
	unsigned int still = 0;
	struct err *err;

	for (;;) {
		err = coord_run_until_word(a->coord, word, seq, SLICE);
		if (!err || err_kind(err) != ERR_TIMEOUT || coord_time(a->coord) >= end)
			return err;
		err_free(err);
		ERR_TRY(check_alive(a, m, &heartbeat, &still));
	}
}

/*
 * How far the workers' clock is ahead of guest time: the most seen when an answer came, which is within
 * a point of the moment at which the agent stamped it. Only then, since how often anybody looks otherwise
 * is the host's affair, and what is told of workers must not depend on it.
 */
static void learn_clock(struct agent *a, const struct mailbox *m)
{
	struct wire_header h;
	struct err *err = mailbox_header(m, &h);
	int64_t ahead = err ? 0 : (int64_t)(h.heartbeat_time - coord_time(a->coord));

	if (!err && (!a->clock_known || ahead > a->ahead))
		a->ahead = ahead;
	a->clock_known |= !err;
	err_free(err);
}

/* Inside a window. */
static struct err *exchange(struct agent *a, uint32_t op, const void *payload, size_t len,
			    uint64_t deadline_ns, struct agent_reply *ret)
{
	struct mailbox m;
	uint32_t seq;
	uint64_t word;
	struct err *err;

	ERR_TRY(agent_mailbox(a, &m));
	ERR_TRY(post(&m, op, payload, len, &seq));
	word = mailbox_phys(&m, offsetof(struct wire_header, response_seq));
	err = wait_for_word(a, &m, word, seq, deadline_ns);
	if (err)
		return silent(err, &m, deadline_ns);
	learn_clock(a, &m);
	return collect(&m, op, ret);
}

struct err *agent_call(struct agent *a, uint32_t op, const void *payload, size_t len,
		       uint64_t deadline_ns, struct agent_reply *ret)
{
	struct err *err, *leave;

	/* Before anything is written: what is in the mailbox would be carried out after the thaw. */
	if (coord_frozen(a->coord))
		return err_new(ERR_REFUSED, "the guest is frozen, so its agent cannot act; thaw it first");
	ERR_TRY(coord_enter(a->coord));
	err = exchange(a, op, payload, len, deadline_ns, ret);
	leave = coord_leave(a->coord);
	if (err && leave) {
		err_free(leave);
		leave = NULL;
	}
	if (leave && ret)
		agent_reply_deinit(ret);
	return err ? err : leave;
}

struct err *agent_ping(struct agent *a)
{
	return agent_call(a, WIRE_OP_PING, NULL, 0, AGENT_DEADLINE, NULL);
}

/* A call whose answer is its text. */
static struct err *call_for_text(struct agent *a, uint32_t op, const void *payload, size_t len,
				 struct str *ret)
{
	struct agent_reply reply;

	ERR_TRY(agent_call(a, op, payload, len, AGENT_DEADLINE, &reply));
	*ret = reply.text;
	return NULL;
}

struct err *agent_spawn(struct agent *a, const struct work_spec *spec, unsigned int *ret_first)
{
	struct agent_reply reply;

	ERR_TRY(agent_call(a, WIRE_OP_SPAWN, &spec->wire, sizeof(spec->wire), 2 * AGENT_DEADLINE,
			   &reply));
	if (ret_first)
		*ret_first = (unsigned int)reply.values[0];
	agent_reply_deinit(&reply);
	return NULL;
}

struct err *agent_cgroup_add(struct agent *a, const struct cgroup_spec *spec)
{
	return agent_call(a, WIRE_OP_CGROUP_ADD, &spec->wire, sizeof(spec->wire), AGENT_DEADLINE, NULL);
}

struct err *agent_cgroup_set(struct agent *a, const struct cgroup_spec *spec)
{
	return agent_call(a, WIRE_OP_CGROUP_SET, &spec->wire, sizeof(spec->wire), AGENT_DEADLINE, NULL);
}

struct err *agent_name_payload(const char *name, char buffer[WIRE_CGROUP_NAME])
{
	if (strcmp(name, WIRE_RUNNER) != 0)
		ERR_TRY(cgroup_name_check(name));
	memset(buffer, 0, WIRE_CGROUP_NAME);
	snprintf(buffer, WIRE_CGROUP_NAME, "%s", name);
	return NULL;
}

static struct err *call_with_name(struct agent *a, uint32_t op, const char *name)
{
	struct wire_name payload;

	ERR_TRY(agent_name_payload(name, payload.name));
	/* A kill and a wait for its end come with some of these. */
	return agent_call(a, op, &payload, sizeof(payload), 2 * AGENT_DEADLINE, NULL);
}

struct err *agent_cgroup_remove(struct agent *a, const char *name)
{
	return call_with_name(a, WIRE_OP_CGROUP_REMOVE, name);
}

struct err *agent_cgroup_stop(struct agent *a, const char *name)
{
	return call_with_name(a, WIRE_OP_CGROUP_STOP, name);
}

struct err *agent_cgroup_freeze(struct agent *a, const char *name)
{
	return call_with_name(a, WIRE_OP_CGROUP_FREEZE, name);
}

struct err *agent_cgroup_thaw(struct agent *a, const char *name)
{
	return call_with_name(a, WIRE_OP_CGROUP_THAW, name);
}

struct err *agent_cgroup_move(struct agent *a, const char *from, const char *to)
{
	struct wire_two_names payload;

	ERR_TRY(agent_name_payload(from, payload.from));
	ERR_TRY(agent_name_payload(to, payload.to));
	return agent_call(a, WIRE_OP_CGROUP_MOVE, &payload, sizeof(payload), AGENT_DEADLINE, NULL);
}

struct err *agent_cgroup_procs(struct agent *a, const char *name, struct str *ret)
{
	struct wire_name payload;

	ERR_TRY(agent_name_payload(name, payload.name));
	return call_for_text(a, WIRE_OP_CGROUP_PROCS, &payload, sizeof(payload), ret);
}

struct err *agent_cgroup_list(struct agent *a, struct str *ret)
{
	return call_for_text(a, WIRE_OP_CGROUP_LIST, NULL, 0, ret);
}

struct err *agent_affinity(struct agent *a, const char *cgroup, const char *intent)
{
	struct wire_affinity payload;
	struct spec_limits limits;
	struct places places;

	ERR_TRY(agent_limits(a, cgroup, &places, &limits));
	ERR_TRY(affinity_parse(intent, &limits, &payload));
	ERR_TRY(agent_name_payload(cgroup, payload.cgroup));
	return agent_call(a, WIRE_OP_AFFINITY, &payload, sizeof(payload), AGENT_DEADLINE, NULL);
}

struct err *agent_sched_attach(struct agent *a, const char *name, unsigned int argument_count,
			       char *const *arguments)
{
	struct wire_program payload;

	ERR_TRY(agent_fill_program(name, argument_count, arguments, &payload));
	return agent_call(a, WIRE_OP_SCHED_ATTACH, &payload, sizeof(payload), AGENT_SCHED_DEADLINE, NULL);
}

struct err *agent_sched_replace(struct agent *a, const char *name, unsigned int argument_count,
				char *const *arguments, char ret_old[64], uint64_t *ret_gap)
{
	struct wire_program payload;
	struct agent_reply reply;
	struct str old = {0};

	ERR_TRY(agent_fill_program(name, argument_count, arguments, &payload));
	ERR_TRY(agent_call(a, WIRE_OP_SCHED_REPLACE, &payload, sizeof(payload), AGENT_SCHED_DEADLINE,
			   &reply));
	str_add_clean(&old, str_text(&reply.text), reply.text.len);
	snprintf(ret_old, 64, "%s", str_text(&old));
	*ret_gap = reply.values[0];
	str_deinit(&old);
	agent_reply_deinit(&reply);
	return NULL;
}

struct err *agent_sched_detach(struct agent *a)
{
	return agent_call(a, WIRE_OP_SCHED_DETACH, NULL, 0, AGENT_SCHED_DEADLINE, NULL);
}

struct err *agent_bpf_pin(struct agent *a, unsigned int map_id, const char *name, struct str *ret)
{
	struct wire_pin payload = {.map_id = map_id};

	snprintf(payload.name, sizeof(payload.name), "%s", name);
	return call_for_text(a, WIRE_OP_BPF_PIN, &payload, sizeof(payload), ret);
}

struct err *agent_sched_status(struct agent *a, struct str *ret)
{
	return call_for_text(a, WIRE_OP_SCHED_STATUS, NULL, 0, ret);
}

struct err *agent_cat(struct agent *a, const char *path, struct str *ret)
{
	struct wire_path payload = {0};

	if (strlen(path) >= sizeof(payload.path))
		return err_new(ERR_USAGE, "%.20s...: the path is too long", path);
	strcpy(payload.path, path);
	return call_for_text(a, WIRE_OP_CAT, &payload, sizeof(payload), ret);
}

struct err *agent_proc_snapshot(struct agent *a, struct str *ret)
{
	return call_for_text(a, WIRE_OP_PROC_SNAPSHOT, NULL, 0, ret);
}

static void unwell(struct agent_health *health, const char *reason)
{
	health->ok = false;
	snprintf(health->reason, sizeof(health->reason), "%s", reason);
}

/* Takes down when the heartbeat was first seen as it is. */
static void observe(struct agent *a, uint64_t heartbeat, uint64_t now)
{
	if (a->seen && heartbeat == a->heartbeat && now >= a->heartbeat_time)
		return;
	a->seen = true;
	a->heartbeat = heartbeat;
	a->heartbeat_time = now;
}

uint64_t agent_clock(struct agent *a)
{
	struct mailbox m;
	struct err *err = a->clock_known ? NULL : agent_mailbox(a, &m);

	if (!a->clock_known && !err)
		learn_clock(a, &m);
	err_free(err);
	return a->clock_known ? coord_time(a->coord) + (uint64_t)a->ahead : 0;
}

void agent_watch(struct agent *a)
{
	struct machine *m = coord_machine(a->coord);
	const struct wire_header *h = ram_at(machine_ram(m), machine_mailbox(m), sizeof(*h));

	if (h)
		observe(a, h->heartbeat, machine_time(m));
}

void agent_health(struct agent *a, struct agent_health *ret)
{
	uint64_t now = coord_time(a->coord);
	struct str panic = {0};
	struct mailbox m;
	struct wire_header h;
	struct err *err = agent_mailbox(a, &m);

	memset(ret, 0, sizeof(*ret));
	ret->ok = true;
	if (!err)
		err = mailbox_header(&m, &h);
	if (err) {
		unwell(ret, err_detail(err));
		err_free(err);
		return;
	}
	ret->heartbeat = h.heartbeat;
	ret->scheduler_pid = h.scheduler_pid;
	ret->scheduler_change = h.scheduler_change != 0;
	ret->scheduler_exits = h.scheduler_exits;
	ret->scheduler_status = (int)h.scheduler_status;
	memcpy(ret->scheduler, h.scheduler, sizeof(ret->scheduler));
	observe(a, h.heartbeat, now);
	if (now - a->heartbeat_time > SILENCE) {
		char text[128];

		snprintf(text, sizeof(text), "the agent has been silent for %" PRIu64 " ms of guest time",
			 (now - a->heartbeat_time) / 1000000);
		unwell(ret, text);
	}
	if (coord_panicked(a->coord, &panic))
		unwell(ret, str_text(&panic));
	str_deinit(&panic);
}

/* 1 when the mailbox cannot be read: the least that a guest has. */
static unsigned int header_count(struct agent *a, size_t offset, unsigned int max)
{
	uint32_t count = 0;
	struct mailbox m;
	struct err *err = agent_mailbox(a, &m);

	if (!err)
		err = mailbox_read(&m, offset, &count, sizeof(count));
	err_free(err);
	return count < 1 ? 1 : count > max ? max : count;
}

unsigned int agent_cpus(struct agent *a)
{
	return header_count(a, offsetof(struct wire_header, cpu_count), WIRE_CPUS);
}

unsigned int agent_nodes(struct agent *a)
{
	return header_count(a, offsetof(struct wire_header, node_count), WIRE_NODES);
}

static struct err *fill_limits(struct agent *a, struct err *err, const struct places *places,
			       struct spec_limits *ret)
{
	bool unknown = err && (err_kind(err) == ERR_ABSENT || err_kind(err) == ERR_NOT_FOUND);

	if (err && !unknown)
		return err;
	err_free(err);
	*ret = (struct spec_limits){agent_cpus(a), agent_nodes(a), unknown ? NULL : places};
	return NULL;
}

struct err *agent_limits(struct agent *a, const char *cgroup, struct places *places,
			 struct spec_limits *ret)
{
	return fill_limits(a, places_read(a->coord, cgroup, places), places, ret);
}

struct err *agent_limits_above(struct agent *a, const char *cgroup, struct places *places,
			       struct spec_limits *ret)
{
	return fill_limits(a, places_read_above(a->coord, cgroup, places), places, ret);
}
