// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCHED_DIR "/ktdbg/sched"
#define LOADER "/ktdbg/bin/sched-load"
#define OBJECT ".bpf.o"
#define TWIN ".nodsq.bpf.o" /* sched-load's business */
#define STATE "/sys/kernel/sched_ext/state"

#define STEP 2000000ULL                /* ns between looks while waiting */
#define ATTACH_DEADLINE 30000000000ULL /* ns of guest time */
#define DETACH_DEADLINE 5000000000ULL  /* then with force, once more */

static void read_state(char *state, size_t size)
{
	if (read_small_file(STATE, state, size) < 0)
		snprintf(state, size, "absent");
}

static bool state_is(const char *wanted)
{
	char state[32];

	read_state(state, sizeof(state));
	return strcmp(state, wanted) == 0;
}

/* Names of the image's schedulers, without ".bpf.o". */
static void list_schedulers(char *list, size_t size)
{
	struct dirent *entry;
	DIR *dir = opendir(SCHED_DIR);
	size_t len = 0;

	list[0] = '\0';
	while (dir && (entry = readdir(dir)) && len < size) {
		const char *suffix = strstr(entry->d_name, OBJECT);
		int n = suffix ? (int)(suffix - entry->d_name) : (int)strlen(entry->d_name);

		if (entry->d_name[0] != '.' && !strstr(entry->d_name, TWIN))
			len += (size_t)snprintf(list + len, size - len, "%s%.*s", len ? ", " : "", n,
						entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* `object` gets the path of NAME.bpf.o or of the program NAME; true for an object. */
static int find_scheduler(struct agent *a, const char *name, char object[320], bool *is_object)
{
	char list[512];

	if (!name[0] || strchr(name, '/'))
		return agent_fail(a, EINVAL, "\"%s\" is no name of a scheduler", name);
	snprintf(object, 320, SCHED_DIR "/%s" OBJECT, name);
	*is_object = access(object, R_OK) == 0;
	if (*is_object)
		return 0;
	snprintf(object, 320, SCHED_DIR "/%s", name);
	if (access(object, X_OK) == 0)
		return 0;
	list_schedulers(list, sizeof(list));
	return agent_fail(a, ENOENT, "no scheduler %s; there is %s", name, list[0] ? list : "none");
}

static const char *end_text(int status, char *buffer, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buffer, size, "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(buffer, size, "exited with status %d", WEXITSTATUS(status));
	return buffer;
}

/* The end of what it said last, in one line. */
static const char *last_words(struct child *child)
{
	while (child->tail_len && child->tail[child->tail_len - 1] == '\n')
		child->tail[--child->tail_len] = '\0';
	for (size_t i = 0; i < child->tail_len; i++)
		if (child->tail[i] == '\n')
			child->tail[i] = ' ';
	return child->tail_len ? child->tail : "it said nothing";
}

/* A cause that its own words do not make plain. */
static const char *hint(const struct child *child)
{
	if (strstr(child->tail, "incompatible with kernel") ||
	    strstr(child->tail, "incompatible with vmlinux") ||
	    strstr(child->tail, "does not have a valid func_proto"))
		return " (this kernel's BTF shows hidden arguments of sched_ext's functions, as a pahole before "
		       "1.31 leaves them from 7.1 on: a kernel up to 7.0, or one built with a newer pahole, runs "
		       "this scheduler)";
	return "";
}

/* Ends the process, politely, then by force; SCHED_FIFO lets it run under a scheduler that would not. */
static bool end_process(struct agent *a, struct child *child)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGKILL};
	struct sched_param param = {.sched_priority = 1};

	child->expected = true;
	for (unsigned int i = 0; i < 3 && !child->ended; i++) {
		uint64_t end = agent_now() + DETACH_DEADLINE;

		sched_setscheduler(child->pid, SCHED_FIFO, &param);
		kill(child->pid, signals[i]);
		while (!child->ended && agent_now() < end)
			agent_pause(a, STEP);
	}
	return child->ended;
}

static bool wait_disabled(struct agent *a)
{
	uint64_t end = agent_now() + DETACH_DEADLINE;

	while (!state_is("disabled") && agent_now() < end)
		agent_pause(a, STEP);
	return state_is("disabled");
}

static int wait_enabled(struct agent *a, struct child *child)
{
	uint64_t end = agent_now() + ATTACH_DEADLINE;
	char how[64];

	while (!child->ended && !state_is("enabled") && agent_now() < end)
		agent_pause(a, STEP);
	if (child->ended)
		return agent_fail(a, ECHILD, "scheduler %s %s%s: %s", child->name,
				  end_text(child->status, how, sizeof(how)), hint(child),
				  last_words(child));
	if (state_is("enabled"))
		return 0;
	end_process(a, child);
	return agent_fail(a, ETIMEDOUT, "scheduler %s did not enable sched_ext within 30 s: %s",
			  child->name, last_words(child));
}

/* A scheduler that ended by itself leaves its entry, and its last words, until the next attach. */
static int make_room(struct agent *a)
{
	struct child *child = child_find(a, CHILD_SCHEDULER, 0);

	if (child && !child->ended)
		return agent_fail(a, EBUSY, "scheduler %s (pid %d) is attached; detach it first",
				  child->name, child->pid);
	if (child)
		child_forget(child);
	if (!wait_disabled(a))
		return agent_fail(a, EBUSY, "sched_ext is held by something else");
	return 0;
}

/*
 * The process of a scheduler. A bundled one's loader is of a higher class than what it holds, so that it can
 * come and go under any scheduler; with `wait` it stops itself when all but attaching is done.
 */
static int launch(struct agent *a, const struct wire_program *p, bool wait, struct child **ret)
{
	char object[320], loader[] = LOADER, flag[] = "-w", *argv[PROGRAM_ARGV];
	struct sched_param param = {.sched_priority = 1};
	struct child *child;
	unsigned int shift = 1 + wait;
	bool is_object;
	int errnum = find_scheduler(a, p->program, object, &is_object);

	if (errnum)
		return errnum;
	if (program_argv(p, object, argv))
		return agent_fail(a, EINVAL, "malformed arguments");
	if (is_object) {
		if (p->argument_count > 1)
			return agent_fail(a, EINVAL, "a bundled scheduler takes one argument at most");
		memmove(argv + shift, argv, (p->argument_count + 2) * sizeof(*argv));
		argv[1] = flag;
		argv[shift] = object;
		argv[0] = loader;
	}
	/* While another is attached this is none yet. */
	child = child_start(a, wait ? CHILD_PROGRAM : CHILD_SCHEDULER, p->program, NULL, argv);
	if (!child)
		return agent_fail(a, errno, "%s: %s", argv[0], strerror(errno));
	if (is_object)
		sched_setscheduler(child->pid, SCHED_FIFO, &param);
	else
		child_reset_scheduling(child);
	*ret = child;
	return 0;
}

/* From its attaching on. */
static int follow(struct agent *a, struct child *child)
{
	int errnum = wait_enabled(a, child);

	if (errnum) {
		child_forget(child);
		return errnum;
	}
	a->header->scheduler_pid = (uint32_t)child->pid;
	snprintf(a->header->scheduler, sizeof(a->header->scheduler), "%s", child->name);
	return 0;
}

static int start_scheduler(struct agent *a, const struct wire_program *p)
{
	struct child *child;
	int errnum = make_room(a);

	if (!errnum)
		errnum = launch(a, p, false, &child);
	return errnum ? errnum : follow(a, child);
}

static int check_request(struct agent *a, const struct wire_program *p)
{
	char object[320];
	bool is_object;

	if (!WIRE_TEXT_OK(p->program) || !WIRE_TEXT_OK(p->cgroup))
		return agent_fail(a, EINVAL, "malformed request");
	if (state_is("absent"))
		return agent_fail(a, EOPNOTSUPP, "this kernel has no sched_ext");
	return find_scheduler(a, p->program, object, &is_object);
}

int op_sched_attach(struct agent *a, const void *payload)
{
	int errnum = check_request(a, payload);

	return errnum ? errnum : start_scheduler(a, payload);
}

static int end_scheduler(struct agent *a, struct child *child)
{
	if (!end_process(a, child))
		return agent_fail(a, EBUSY, "scheduler %s (pid %d) does not end", child->name, child->pid);
	child_forget(child);
	if (!wait_disabled(a))
		return agent_fail(a, ETIMEDOUT, "sched_ext is not disabled 5 s after its scheduler ended");
	return 0;
}

int op_sched_detach(struct agent *a, const void *payload)
{
	struct child *child = child_find(a, CHILD_SCHEDULER, 0);

	if (!child)
		return agent_fail(a, ESRCH, "no scheduler is attached");
	return end_scheduler(a, child);
}

/* It is loaded, and has stopped itself. */
static bool is_stopped(const struct child *child)
{
	char path[64], stat[512], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", child->pid);
	if (read_small_file(path, stat, sizeof(stat)) < 0)
		return false;
	state = strrchr(stat, ')');
	return state && strncmp(state, ") T", 3) == 0;
}

static int wait_loaded(struct agent *a, struct child *child)
{
	uint64_t end = agent_now() + ATTACH_DEADLINE;
	char how[64];

	while (!child->ended && !is_stopped(child) && agent_now() < end)
		agent_pause(a, STEP);
	if (is_stopped(child))
		return 0;
	agent_fail(a, ECHILD, "scheduler %s %s: %s", child->name,
		   child->ended ? end_text(child->status, how, sizeof(how)) : "does not load in 30 s",
		   last_words(child));
	kill(child->pid, SIGKILL);
	child_forget(child);
	return ECHILD;
}

/* The place of `old` is taken by one that is `loaded` already, or, NULL, by a program. Whoever watches the
 * old one is told before it ends that it will. */
static int take_place(struct agent *a, struct child *old, struct child *loaded,
		      const struct wire_program *p)
{
	int errnum = end_scheduler(a, old);

	if (!loaded)
		return errnum ? errnum : start_scheduler(a, p);
	if (errnum) {
		kill(loaded->pid, SIGKILL);
		child_forget(loaded);
		return errnum;
	}
	loaded->kind = CHILD_SCHEDULER;
	kill(loaded->pid, SIGCONT);
	return follow(a, loaded);
}

static int exchange(struct agent *a, struct child *old, const struct wire_program *p)
{
	char object[320], name[sizeof(old->name)];
	struct child *loaded = NULL;
	bool is_object;
	uint64_t begin;
	size_t len;
	int errnum = find_scheduler(a, p->program, object, &is_object);

	snprintf(name, sizeof(name), "%s", old->name);
	if (!errnum && is_object)
		errnum = launch(a, p, true, &loaded);
	if (!errnum && loaded)
		errnum = wait_loaded(a, loaded);
	if (errnum)
		return errnum; /* the old one is as it was */
	begin = agent_now();
	a->header->scheduler_change = 1;
	errnum = take_place(a, old, loaded, p);
	a->header->scheduler_change = 0;
	len = strlen(a->response->message);
	if (errnum)
		snprintf(a->response->message + len, sizeof(a->response->message) - len,
			 "; %s is detached all the same", name);
	agent_value(a, agent_now() - begin);
	agent_text(a, "%s", name);
	return errnum;
}

int op_sched_replace(struct agent *a, const void *payload)
{
	struct child *old = child_find(a, CHILD_SCHEDULER, 0);
	int errnum = check_request(a, payload);

	if (errnum)
		return errnum;
	if (old && !old->ended)
		return exchange(a, old, payload);
	errnum = start_scheduler(a, payload);
	agent_value(a, 0);
	return errnum;
}

int op_sched_status(struct agent *a, const void *payload)
{
	struct child *child = child_find(a, CHILD_SCHEDULER, 0);
	char state[32], ops[128] = "", how[64];

	read_state(state, sizeof(state));
	read_small_file("/sys/kernel/sched_ext/root/ops", ops, sizeof(ops));
	agent_text(a, "state %s\n", state);
	if (ops[0])
		agent_text(a, "ops %s\n", ops);
	if (!child)
		return 0;
	agent_text(a, "name %s\npid %d\n", child->name, child->pid);
	if (child->ended)
		agent_text(a, "ended %s: %s\n", end_text(child->status, how, sizeof(how)),
			   last_words(child));
	return 0;
}
