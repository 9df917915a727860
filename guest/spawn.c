// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"
#include "guest/wire_work.h"
#include "guest/work/work.h"
#include "guest/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STEP 500000ULL         /* ns between looks while waiting */
#define DEADLINE 5000000000ULL /* ns */

bool worker_alive(const struct wire_worker *w)
{
	return w->state == WIRE_WORKER_STARTING || w->state == WIRE_WORKER_RUNNING;
}

/* What a worker may have left behind when it was killed. */
static void clean_after(struct agent *a, uint32_t slot)
{
	char path[WORK_CGROUP_PATH];

	if (!(wire_work_types[a->workers[slot].type - 1].flags & WORK_CGROUP))
		return;
	work_cgroup_path(slot, path);
	rmdir(path);
	cgroup_tidy(CGROUP_ROOT);
}

void workers_ended(struct agent *a, pid_t tgid, int status)
{
	for (unsigned int i = 0; i < a->header->worker_high; i++) {
		struct wire_worker *w = &a->workers[i];

		if (!worker_alive(w) || w->tgid != tgid)
			continue;
		w->exit_status = status;
		w->state = WIRE_WORKER_DEAD;
		clean_after(a, i);
	}
}

static void free_slot(struct wire_worker *w)
{
	memset(w, 0, sizeof(*w));
}

/* The dead of a cgroup that is gone, or that gets new workers from index 0. */
void workers_forget(struct agent *a, const char *cgroup)
{
	for (unsigned int i = 0; i < a->header->worker_high; i++)
		if (a->workers[i].state == WIRE_WORKER_DEAD &&
		    strcmp(a->workers[i].cgroup, cgroup) == 0)
			free_slot(&a->workers[i]);
}

static unsigned int count_alive(struct agent *a, const char *cgroup)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->header->worker_high; i++)
		n += worker_alive(&a->workers[i]) && strcmp(a->workers[i].cgroup, cgroup) == 0;
	return n;
}

/* A task must run to die, which a broken scheduler might never grant: it dies under SCHED_FIFO. */
void process_kill(pid_t thread, pid_t process)
{
	struct sched_param param = {.sched_priority = 1};

	sched_setscheduler(thread, SCHED_FIFO, &param);
	kill(process, SIGKILL);
}

void worker_kill(const struct wire_worker *w)
{
	process_kill(w->pid, w->tgid);
}

unsigned int workers_kill(struct agent *a, const char *cgroup)
{
	uint64_t end = agent_now() + DEADLINE;

	for (unsigned int i = 0; i < a->header->worker_high; i++)
		if (worker_alive(&a->workers[i]) && strcmp(a->workers[i].cgroup, cgroup) == 0)
			worker_kill(&a->workers[i]);
	while (count_alive(a, cgroup) && agent_now() < end)
		agent_pause(a, STEP);
	return count_alive(a, cgroup);
}

/* The index of a cgroup's next worker. When none lives they start again at 0. */
static uint32_t next_index(struct agent *a, const char *cgroup)
{
	uint32_t next = 0;

	if (!count_alive(a, cgroup))
		workers_forget(a, cgroup);
	for (unsigned int i = 0; i < a->header->worker_high; i++)
		if (a->workers[i].state != WIRE_WORKER_FREE &&
		    strcmp(a->workers[i].cgroup, cgroup) == 0 && a->workers[i].index >= next)
			next = a->workers[i].index + 1;
	return next;
}

static void fill_slot(struct agent *a, uint32_t slot, const struct wire_spawn *r, uint32_t index)
{
	struct wire_worker *w = &a->workers[slot];

	free_slot(w);
	memset(&a->phases[slot * WIRE_PHASES], 0, WIRE_PHASES * sizeof(*a->phases));
	w->phase_count = r->phase_count;
	for (uint32_t i = 0; i < r->phase_count; i++)
		w->phase_type[i] = (uint8_t)r->phases[i].type;
	w->index = index;
	w->type = r->work.type;
	snprintf(w->cgroup, sizeof(w->cgroup), "%s", r->cgroup);
	if (r->comm[0])
		snprintf(w->comm, sizeof(w->comm), "%s", r->comm);
	else
		snprintf(w->comm, sizeof(w->comm), "%.9s-%u",
			 wire_work_types[r->work.type - 1].name, index % 10000);
	w->state = WIRE_WORKER_STARTING;
}

/* Free slots first, then those of the dead, whose statistics are lost only then. */
static int take_slots(struct agent *a, struct spawn *s)
{
	uint32_t index = next_index(a, s->request->cgroup), n = 0;

	for (unsigned int state = WIRE_WORKER_FREE; state <= WIRE_WORKER_DEAD;
	     state += WIRE_WORKER_DEAD)
		for (uint32_t i = 0; i < WIRE_WORKERS && n < s->request->workers; i++) {
			if (a->workers[i].state != state)
				continue;
			fill_slot(a, i, s->request, index + n);
			a->workers[i].scope = a->header->scope;
			/* Until it gets a CPU and says itself. */
			a->workers[i].start_time = a->workers[i].update_time = agent_now();
			s->slots[n++] = i;
			if (i >= a->header->worker_high)
				a->header->worker_high = i + 1;
		}
	if (n == s->request->workers)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		free_slot(&a->workers[s->slots[i]]);
	return agent_fail(a, EAGAIN, "%u workers wanted, %u slots left of %u", s->request->workers, n,
			  WIRE_WORKERS);
}

/*
 * clone3() puts the process into its cgroup at birth; writing to cgroup.procs would wait for an RCU
 * grace period each time.
 */
static pid_t clone_into(int cgroup)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	if (cgroup >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int start_process(struct agent *a, struct spawn *s, uint32_t number)
{
	pid_t pid = clone_into(s->cgroup);
	bool threads = s->request->flags & WIRE_SPAWN_THREADS;

	if (pid == 0)
		worker_process(s, number);
	if (pid < 0)
		return agent_fail(a, errno, "worker %u of %u: %s", number, s->request->workers,
				  errno == EBUSY ? "cgroups below this one have controllers, so it can have "
						   "no processes of its own"
				  : errno == EAGAIN ? "no more processes (pids.max)" : strerror(errno));
	/* Set here too, so that a process that dies at once is known by its number. */
	for (uint32_t i = number; i < (threads ? s->request->workers : number + 1); i++)
		a->workers[s->slots[i]].tgid = pid;
	return 0;
}

static void close_pair(struct spawn *s)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (s->pair[i] >= 0)
			close(s->pair[i]);
		s->pair[i] = -1;
	}
}

static uint32_t type_flags(const struct spawn *s)
{
	return wire_work_types[s->request->work.type - 1].flags;
}

bool spawn_needs_pipes(const struct spawn *s, uint32_t number)
{
	return type_flags(s) & WORK_PAIRS ? number % 2 == 0 : number == 0;
}

int spawn_open_pipes(const struct spawn *s, int ret[4])
{
	uint32_t flags = type_flags(s);

	for (unsigned int i = 0; i < 4; i++)
		ret[i] = -1;
	if (flags & WORK_COMMON)
		return pipe2(ret, O_CLOEXEC | O_NONBLOCK);
	if (flags & WORK_PAIRS)
		return pipe2(ret, O_CLOEXEC) || pipe2(ret + 2, O_CLOEXEC) ? -1 : 0;
	return 0;
}

static int start_processes(struct agent *a, struct spawn *s)
{
	bool threads = s->request->flags & WIRE_SPAWN_THREADS;
	int errnum = 0;

	for (uint32_t i = 0; i < s->request->workers && !errnum; i++) {
		if (!threads && spawn_needs_pipes(s, i)) {
			close_pair(s);
			if (spawn_open_pipes(s, s->pair))
				return agent_fail(a, errno, "pipe: %s", strerror(errno));
		}
		errnum = start_process(a, s, i);
		if (threads)
			break;
	}
	close_pair(s);
	return errnum;
}

/* Until every worker has said that it is ready. */
static int collect_reports(struct agent *a, struct spawn *s)
{
	uint64_t end = agent_now() + DEADLINE;
	uint32_t ready = 0;

	while (ready < s->request->workers) {
		struct worker_report r;
		ssize_t n = read(s->report[0], &r, sizeof(r));

		if (n == (ssize_t)sizeof(r) && r.errnum)
			return agent_fail(a, r.errnum, "worker %u: %s: %s", r.number, r.step,
					  strerror(r.errnum));
		if (n == (ssize_t)sizeof(r)) {
			ready++;
			continue;
		}
		if (n == 0)
			return agent_fail(a, ECHILD, "%u of %u workers ended before they were ready",
					  s->request->workers - ready, s->request->workers);
		if (agent_now() > end)
			return agent_fail(a, ETIMEDOUT, "only %u of %u workers got ready within 5 s",
					  ready, s->request->workers);
		agent_pause(a, STEP);
	}
	return 0;
}

/* struct sched_attr of sched_setattr(2), which some C libraries declare and others do not. */
struct policy_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct policy_attr) == 48, "SCHED_ATTR_SIZE_VER0");

static const char *policy_error(uint32_t policy, int errnum)
{
	if (errnum == EINVAL)
		return "this kernel does not have it";
	if (errnum == EBUSY)
		return "the CPUs have no bandwidth left for it";
	if (errnum == EPERM && policy == SCHED_DEADLINE)
		return "a deadline worker must be allowed every CPU of the guest, also by its cgroup";
	return strerror(errnum);
}

static int set_policy(struct agent *a, const struct wire_worker *w, const struct wire_spawn *r)
{
	struct policy_attr attr = {.size = sizeof(attr),
				   .policy = r->policy,
				   .nice = r->nice,
				   .priority = r->rt_priority,
				   .runtime = r->dl_runtime,
				   .deadline = r->dl_deadline,
				   .period = r->dl_period};

	if (syscall(SYS_sched_setattr, w->pid, &attr, 0))
		return agent_fail(a, errno, "policy %u of worker %u: %s", r->policy, w->index,
				  policy_error(r->policy, errno));
	return 0;
}

/*
 * A child of a SCHED_FIFO process has no timer slack to go back to, and cannot set one while it is
 * SCHED_FIFO itself.
 */
static void set_slack(const struct wire_worker *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", w->pid);
	write_small_file(path, "50000"); /* of the kernel's init_task */
}

static int configure_workers(struct agent *a, struct spawn *s)
{
	const struct wire_spawn *r = s->request;
	int errnum = 0;

	for (uint32_t i = 0; i < r->workers && !errnum; i++) {
		const struct wire_worker *w = &a->workers[s->slots[i]];

		if (r->place.kind != WIRE_PLACE_INHERIT)
			errnum = place_worker(a, w, &r->place);
		if (!errnum)
			errnum = set_policy(a, w, r);
		set_slack(w);
	}
	return errnum;
}

/* Nothing of a spawn that failed stays behind. */
static void undo_spawn(struct agent *a, struct spawn *s)
{
	uint64_t end = agent_now() + DEADLINE;

	for (uint32_t i = 0; i < s->request->workers; i++) {
		struct wire_worker *w = &a->workers[s->slots[i]];

		if (w->tgid && w->state == WIRE_WORKER_STARTING)
			kill(w->tgid, SIGKILL);
	}
	for (uint32_t i = 0; i < s->request->workers; i++) {
		struct wire_worker *w = &a->workers[s->slots[i]];

		while (w->tgid && w->state == WIRE_WORKER_STARTING && agent_now() < end)
			agent_pause(a, STEP);
		free_slot(w);
	}
}

static int open_channels(struct agent *a, struct spawn *s, const char *path)
{
	if (strcmp(s->request->cgroup, WIRE_RUNNER) != 0) {
		s->cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->cgroup < 0)
			return agent_fail(a, errno, "%s: %s", path, strerror(errno));
	}
	if (pipe2(s->gate, O_CLOEXEC) || pipe2(s->report, O_CLOEXEC))
		return agent_fail(a, errno, "pipe: %s", strerror(errno));
	fcntl(s->report[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_channels(struct spawn *s)
{
	close_one(&s->cgroup);
	for (unsigned int i = 0; i < 2; i++) {
		close_one(&s->gate[i]);
		close_one(&s->report[i]);
	}
	close_pair(s);
}

static int check_spawn(struct agent *a, const struct wire_spawn *r)
{
	const struct wire_work_type *type;

	if (!WIRE_TEXT_OK(r->cgroup) || !WIRE_TEXT_OK(r->comm) || !r->workers ||
	    r->workers > WIRE_WORKERS || r->phase_count > WIRE_PHASES || !r->work.type ||
	    r->work.type >= WORK_COUNT)
		return agent_fail(a, EINVAL, "malformed request to spawn");
	if (r->work.type == WORK_SEQUENCE && !r->phase_count)
		return agent_fail(a, EINVAL, "a sequence without phases");
	for (uint32_t i = 0; i < r->phase_count; i++)
		if (!r->phases[i].type || r->phases[i].type >= WORK_COUNT ||
		    !(wire_work_types[r->phases[i].type - 1].flags & WORK_PHASE))
			return agent_fail(a, EINVAL, "work type %u is no phase", r->phases[i].type);
	type = &wire_work_types[r->work.type - 1];
	if ((type->flags & WORK_CGROUP) && (r->flags & WIRE_SPAWN_UID) && r->uid)
		return agent_fail(a, EPERM, "%s is work for uid 0 only", type->name);
	if ((type->group && r->workers % type->group) || r->workers < type->least)
		return agent_fail(a, EINVAL, "%u workers do not do for %s", r->workers, type->name);
	return 0;
}

static int run_spawn(struct agent *a, struct spawn *s, const char *path)
{
	int errnum = open_channels(a, s, path);

	if (!errnum)
		errnum = start_processes(a, s);
	close_one(&s->report[1]);
	if (!errnum)
		errnum = collect_reports(a, s);
	if (!errnum)
		errnum = configure_workers(a, s);
	if (errnum)
		undo_spawn(a, s);
	return errnum;
}

int op_spawn(struct agent *a, const void *payload)
{
	static struct spawn s; /* static for its size only */
	const struct wire_spawn *r = payload;
	char path[CGROUP_PATH];
	int errnum = check_spawn(a, r);

	if (errnum || (errnum = cgroup_find(a, r->cgroup, path)) ||
	    (errnum = cgroup_check_thawed(a, r->cgroup, path)))
		return errnum;
	s = (struct spawn){.agent = a, .request = r, .cgroup = -1, .gate = {-1, -1},
			   .report = {-1, -1}, .pair = {-1, -1, -1, -1}};
	errnum = take_slots(a, &s);
	if (errnum)
		return errnum;
	errnum = run_spawn(a, &s, path);
	if (!errnum) {
		for (uint32_t i = 0; i < r->workers; i++)
			a->workers[s.slots[i]].state = WIRE_WORKER_RUNNING;
		agent_value(a, a->workers[s.slots[0]].index);
		agent_value(a, (uint64_t)a->workers[s.slots[0]].pid);
	}
	close_channels(&s); /* opens the gate */
	return errnum;
}
