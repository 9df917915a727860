// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP 2000000ULL         /* ns between looks while waiting */
#define DEADLINE 5000000000ULL  /* ns of guest time for a kill, a freeze */
#define MAX_DEPTH 8
#define ROOT_LEN (sizeof(CGROUP_ROOT) - 1)
#define MAX_LISTED 4096
#define MAX_PASSES 64 /* over a cgroup whose processes fork while they are moved */

static bool is_runner(const char *name)
{
	return name[0] == '\0' || strcmp(name, WIRE_RUNNER) == 0;
}

/* Letters, digits, `_ . -` in parts that do not start with a dot: nothing that leaves the tree. */
static bool name_ok(const char *name, size_t size)
{
	bool start = true;

	if (strnlen(name, size) == size)
		return false;
	for (; *name; name++) {
		if (*name == '/' ? start : start && *name == '.')
			return false;
		if (*name != '/' && !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					    "0123456789_.-", *name))
			return false;
		start = *name == '/';
	}
	return !start;
}

/* Calls `visit` with each cgroup's name below the root, parents first. */
static void each_cgroup(const char *below, unsigned int depth, unsigned int *left,
			void (*visit)(void *context, const char *name), void *context)
{
	char path[CGROUP_PATH + 300], name[CGROUP_PATH];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), CGROUP_ROOT "/%s", below);
	dir = depth < MAX_DEPTH ? opendir(path) : NULL;
	if (!dir)
		return;
	while ((entry = readdir(dir)) && *left) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "",
			     entry->d_name) >= (int)sizeof(name))
			continue;
		(*left)--;
		visit(context, name);
		each_cgroup(name, depth + 1, left, visit, context);
	}
	closedir(dir);
}

static void list_name(void *context, const char *name)
{
	agent_text(context, "%s\n", name);
}

int op_cgroup_list(struct agent *a, const void *payload)
{
	unsigned int left = MAX_LISTED;

	each_cgroup("", 0, &left, list_name, a);
	return 0;
}

/* What exists, and the name among it that was probably meant. */
struct known {
	const char *wanted;
	char list[512], near[CGROUP_PATH];
	unsigned int distance;
};

static void add_name(void *context, const char *name)
{
	struct known *k = context;
	size_t len = strlen(k->list);
	unsigned int distance = edit_distance(k->wanted, name);

	snprintf(k->list + len, sizeof(k->list) - len, "%s%s", len ? ", " : "", name);
	if (distance >= k->distance)
		return;
	k->distance = distance;
	snprintf(k->near, sizeof(k->near), "%s", name);
}

/* Farther off than a third of what was asked for is not near. */
static int fail_unknown(struct agent *a, const char *name)
{
	struct known k = {.wanted = name, .distance = (unsigned int)strlen(name) / 3 + 1};
	unsigned int left = MAX_LISTED;

	each_cgroup("", 0, &left, add_name, &k);
	return agent_fail(a, ENOENT, "no cgroup %s; there is %s%s%s%s", name, k.list[0] ? k.list : "none",
			  k.list[0] ? "" : " but " WIRE_RUNNER, k.near[0] ? "; near: " : "", k.near);
}

int cgroup_find(struct agent *a, const char *name, char path[CGROUP_PATH])
{
	struct stat st;

	if (is_runner(name)) {
		snprintf(path, CGROUP_PATH, CGROUP_ROOT);
		return 0;
	}
	if (!name_ok(name, WIRE_CGROUP_NAME))
		return agent_fail(a, EINVAL, "this is no name of a cgroup");
	snprintf(path, CGROUP_PATH, CGROUP_ROOT "/%s", name);
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return fail_unknown(a, name);
	return 0;
}

/* As cgroup_find() but not the root, whose files are not for changing. */
static int find_below(struct agent *a, const char *name, char path[CGROUP_PATH])
{
	if (strnlen(name, WIRE_CGROUP_NAME) < WIRE_CGROUP_NAME && is_runner(name))
		return agent_fail(a, EINVAL, "%s is the root cgroup, which has no knobs", WIRE_RUNNER);
	return cgroup_find(a, name, path);
}

/* Enable `controller` in the subtree_control of every ancestor of `path`, the root first. */
static int enable_controller(struct agent *a, const char *path, const char *controller)
{
	char file[CGROUP_PATH + 32], word[40];

	snprintf(word, sizeof(word), "+%s", controller);
	for (const char *p = path + strlen(CGROUP_ROOT); p; p = strchr(p + 1, '/')) {
		int errnum;

		snprintf(file, sizeof(file), "%.*s/cgroup.subtree_control", (int)(p - path), path);
		errnum = write_small_file(file, word);
		if (errnum) {
			char have[256] = "?";

			read_small_file(CGROUP_ROOT "/cgroup.controllers", have, sizeof(have));
			if (errnum == EBUSY)
				return agent_fail(a, errnum, "cgroup %.*s has processes of its own, so "
						  "those below it get no %s controller",
						  (int)(p - path - 1 - ROOT_LEN), path + ROOT_LEN + 1,
						  controller);
			return agent_fail(a, errnum == ENOENT || errnum == EINVAL ? EOPNOTSUPP : errnum,
					  "controller %s: %s; this kernel offers: %s", controller,
					  strerror(errnum), have);
		}
	}
	return 0;
}

void cgroup_tidy(const char *path)
{
	char file[CGROUP_PATH + 32], have[256], word[40], *save;
	struct stat st;

	/* cgroup v2 counts a directory's links as other file systems do. */
	if (stat(path, &st) || st.st_nlink > 2)
		return;
	snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
	if (read_small_file(file, have, sizeof(have)) <= 0)
		return;
	for (char *name = strtok_r(have, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		snprintf(word, sizeof(word), "-%s", name);
		write_small_file(file, word);
	}
}

static void tidy_above(const char *path)
{
	char above[CGROUP_PATH];

	snprintf(above, sizeof(above), "%.*s", (int)(strrchr(path, '/') - path), path);
	cgroup_tidy(above);
}

/* "cpu.max" belongs to controller cpu; cgroup.* files belong to none. */
static int set_knob(struct agent *a, const char *path, const struct wire_knob *knob)
{
	char file[CGROUP_PATH + 40], controller[32];
	const char *dot = strchr(knob->file, '.');
	int errnum;

	if (!WIRE_TEXT_OK(knob->file) || !WIRE_TEXT_OK(knob->value) || strchr(knob->file, '/') ||
	    !dot || dot == knob->file)
		return agent_fail(a, EINVAL, "malformed knob");
	snprintf(controller, sizeof(controller), "%.*s", (int)(dot - knob->file), knob->file);
	if (strcmp(controller, "cgroup") != 0 && (errnum = enable_controller(a, path, controller)))
		return errnum;
	snprintf(file, sizeof(file), "%s/%s", path, knob->file);
	errnum = write_small_file(file, knob->value);
	if (errnum)
		return agent_fail(a, errnum, "%s = \"%s\": %s", knob->file, knob->value,
				  errnum == ENOENT ? "this kernel has no such file" : strerror(errnum));
	return 0;
}

static int set_knobs(struct agent *a, const char *path, const struct wire_cgroup *c)
{
	int errnum = 0;

	if (c->knob_count > WIRE_KNOBS)
		return agent_fail(a, EINVAL, "%u knobs are too many", c->knob_count);
	for (unsigned int i = 0; i < c->knob_count && !errnum; i++)
		errnum = set_knob(a, path, &c->knobs[i]);
	return errnum;
}

int op_cgroup_add(struct agent *a, const void *payload)
{
	const struct wire_cgroup *c = payload;
	char path[CGROUP_PATH];
	int errnum;

	if (!name_ok(c->name, sizeof(c->name)) || is_runner(c->name))
		return agent_fail(a, EINVAL, "this is no name for a cgroup");
	snprintf(path, sizeof(path), CGROUP_ROOT "/%s", c->name);
	if (mkdir(path, 0755)) {
		errnum = errno;
		if (errnum == EEXIST)
			return agent_fail(a, errnum, "cgroup %s exists already", c->name);
		if (errnum == ENOENT)
			return agent_fail(a, errnum, "the parent of %s does not exist", c->name);
		return agent_fail(a, errnum, "cgroup %s: %s", c->name, strerror(errnum));
	}
	errnum = set_knobs(a, path, c);
	if (!errnum)
		errnum = scope_take(a, c->name);
	if (errnum)
		rmdir(path);
	return errnum;
}

int op_cgroup_set(struct agent *a, const void *payload)
{
	const struct wire_cgroup *c = payload;
	char path[CGROUP_PATH];
	int errnum = find_below(a, c->name, path);

	return errnum ? errnum : set_knobs(a, path, c);
}

/* A flag of cgroup.events, "populated" or "frozen"; -1 when it cannot be read. */
static int read_event(const char *path, const char *name)
{
	char file[CGROUP_PATH + 32], text[256], *p;

	snprintf(file, sizeof(file), "%s/cgroup.events", path);
	if (read_small_file(file, text, sizeof(text)) < 0)
		return -1;
	p = strstr(text, name);
	return p ? atoi(p + strlen(name)) : -1;
}

static bool wait_event(struct agent *a, const char *path, const char *name, int value)
{
	uint64_t end = agent_now() + DEADLINE;

	while (read_event(path, name) != value) {
		if (agent_now() > end)
			return false;
		agent_pause(a, STEP);
	}
	return true;
}

static int write_in(const char *path, const char *name, const char *value)
{
	char file[CGROUP_PATH + 32];

	snprintf(file, sizeof(file), "%s/%s", path, name);
	return write_small_file(file, value);
}

/* Children of workers and programs that fork as we look: again and again until nothing is left. */
static void kill_once(void *context, const char *name)
{
	const char *top = context;
	size_t len = strlen(top);
	char path[2 * CGROUP_PATH], line[32];
	FILE *f;

	if (strncmp(name, top, len) != 0 || (name[len] && name[len] != '/'))
		return;
	snprintf(path, sizeof(path), CGROUP_ROOT "/%s/cgroup.procs", name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		process_kill(atoi(line), atoi(line));
	if (f)
		fclose(f);
}

static bool kill_until_empty(struct agent *a, const char *name, const char *path)
{
	uint64_t end = agent_now() + DEADLINE;

	while (read_event(path, "populated") == 1) {
		unsigned int left = MAX_LISTED;

		if (agent_now() > end)
			return false;
		each_cgroup("", 0, &left, kill_once, (char *)(uintptr_t)name);
		agent_pause(a, STEP);
	}
	return true;
}

/*
 * Kill all of it, frozen or not. Freezing it keeps a process that forks from doing so again. cgroup.kill would
 * do it in one go, but from then on some kernels (7.2 does) kill whatever clone3() puts into that cgroup.
 */
static int kill_all(struct agent *a, const char *name, const char *path)
{
	char file[CGROUP_PATH + 32], frozen[16] = "0";
	unsigned int left;
	bool empty;

	snprintf(file, sizeof(file), "%s/cgroup.freeze", path);
	read_small_file(file, frozen, sizeof(frozen));
	write_small_file(file, "1");
	left = workers_kill(a, name);
	empty = kill_until_empty(a, name, path);
	write_small_file(file, frozen);
	if (left || !empty)
		return agent_fail(a, EBUSY, "%u workers of cgroup %s do not end", left, name);
	return 0;
}

int op_cgroup_stop(struct agent *a, const void *payload)
{
	const struct wire_name *n = payload;
	char path[CGROUP_PATH];
	unsigned int left;
	int errnum = cgroup_find(a, n->name, path);

	if (errnum)
		return errnum;
	if (!is_runner(n->name))
		return kill_all(a, n->name, path);
	left = workers_kill(a, WIRE_RUNNER);
	return left ? agent_fail(a, EBUSY, "%u workers do not end", left) : 0;
}

struct removal {
	const char *below;
	char names[MAX_LISTED][WIRE_CGROUP_NAME];
	unsigned int count;
};

static void add_removal(void *context, const char *name)
{
	struct removal *r = context;
	size_t len = strlen(r->below);

	if (r->count < MAX_LISTED && strlen(name) < WIRE_CGROUP_NAME &&
	    strncmp(name, r->below, len) == 0 && (name[len] == '/' || name[len] == '\0'))
		strcpy(r->names[r->count++], name);
}

int op_cgroup_remove(struct agent *a, const void *payload)
{
	const struct wire_name *n = payload;
	static struct removal r; /* static for its size only */
	char path[CGROUP_PATH];
	unsigned int left = MAX_LISTED;
	int errnum = find_below(a, n->name, path);

	if (errnum || (errnum = kill_all(a, n->name, path)))
		return errnum;
	r.below = n->name;
	r.count = 0;
	each_cgroup("", 0, &left, add_removal, &r);
	while (r.count--) { /* parents came first, so children go first */
		snprintf(path, sizeof(path), CGROUP_ROOT "/%s", r.names[r.count]);
		if (rmdir(path))
			return agent_fail(a, errno, "cgroup %s: %s", r.names[r.count], strerror(errno));
		workers_forget(a, r.names[r.count]);
		tidy_above(path);
		scope_drop(a, r.names[r.count]);
	}
	return 0;
}

int cgroup_end(struct agent *a, const char *name)
{
	struct wire_name n = {0};
	char path[CGROUP_PATH];

	snprintf(n.name, sizeof(n.name), "%s", name);
	snprintf(path, sizeof(path), CGROUP_ROOT "/%s", n.name);
	if (access(path, F_OK)) {
		scope_drop(a, name);
		return 0;
	}
	/* Killing reaches frozen tasks, but work that waits for them would find them frozen for ever. */
	write_in(path, "cgroup.freeze", "0");
	return op_cgroup_remove(a, &n);
}

int cgroup_check_thawed(struct agent *a, const char *name, const char *path)
{
	char file[CGROUP_PATH + 32], text[16];

	for (size_t len = strlen(path); len > ROOT_LEN; len--) {
		if (path[len] && path[len] != '/')
			continue;
		snprintf(file, sizeof(file), "%.*s/cgroup.freeze", (int)len, path);
		if (read_small_file(file, text, sizeof(text)) > 0 && text[0] == '1')
			return agent_fail(a, EBUSY, "cgroup %s is frozen%s; unfreeze it first", name,
					  path[len] ? " with one above it" : "");
	}
	return 0;
}

static int set_frozen(struct agent *a, const void *payload, int frozen)
{
	const struct wire_name *n = payload;
	char path[CGROUP_PATH];
	int errnum = find_below(a, n->name, path);

	if (errnum)
		return errnum;
	errnum = write_in(path, "cgroup.freeze", frozen ? "1" : "0");
	if (errnum)
		return agent_fail(a, errnum, "cgroup %s: %s", n->name, strerror(errnum));
	if (!wait_event(a, path, "frozen", frozen))
		return agent_fail(a, ETIMEDOUT, "cgroup %s is not %s yet", n->name,
				  frozen ? "frozen" : "thawed");
	return 0;
}

int op_cgroup_freeze(struct agent *a, const void *payload)
{
	return set_frozen(a, payload, 1);
}

int op_cgroup_thaw(struct agent *a, const void *payload)
{
	return set_frozen(a, payload, 0);
}

static FILE *open_procs(const char *path)
{
	char file[CGROUP_PATH + 32];

	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	return fopen(file, "re");
}

/* Of the root only the workers are listed: the rest is the guest's own. */
int op_cgroup_procs(struct agent *a, const void *payload)
{
	const struct wire_name *n = payload;
	char path[CGROUP_PATH], line[32];
	int errnum = cgroup_find(a, n->name, path);
	FILE *f;

	if (errnum)
		return errnum;
	if (is_runner(n->name)) {
		for (unsigned int i = 0; i < a->header->worker_high; i++)
			if (a->workers[i].state == WIRE_WORKER_RUNNING &&
			    strcmp(a->workers[i].cgroup, WIRE_RUNNER) == 0)
				agent_text(a, "%d\n", a->workers[i].pid);
		return 0;
	}
	f = open_procs(path);
	if (!f)
		return agent_fail(a, errno, "cgroup %s: %s", n->name, strerror(errno));
	while (fgets(line, sizeof(line), f))
		agent_text(a, "%s", line);
	fclose(f);
	return 0;
}

/* Workers follow their new owner; the root cgroup has none. */
static void move_slots(struct agent *a, const char *from, const char *to)
{
	uint32_t scope = scope_of(a, to);
	uint32_t next = 0;

	for (unsigned int i = 0; i < a->header->worker_high; i++)
		if (a->workers[i].state == WIRE_WORKER_RUNNING &&
		    strcmp(a->workers[i].cgroup, to) == 0 && a->workers[i].index >= next)
			next = a->workers[i].index + 1;
	for (unsigned int i = 0; i < a->header->worker_high; i++) {
		struct wire_worker *w = &a->workers[i];

		if (w->state != WIRE_WORKER_RUNNING || strcmp(w->cgroup, from) != 0)
			continue;
		w->index = next++;
		if (!is_runner(to))
			w->scope = scope;
		snprintf(w->cgroup, sizeof(w->cgroup), "%s", to);
	}
}

/* One pass over cgroup.procs, which changes while it is read: `*moved` says whether to look again. */
static int move_some(struct agent *a, const struct wire_two_names *n, const char *from, const char *to,
		     bool *moved)
{
	FILE *f = open_procs(from);
	char line[32];
	int errnum = 0;

	*moved = false;
	if (!f)
		return agent_fail(a, errno, "cgroup %s: %s", n->from, strerror(errno));
	while (!errnum && fgets(line, sizeof(line), f)) {
		errnum = write_in(to, "cgroup.procs", line);
		if (errnum == ESRCH) /* ended meanwhile */
			errnum = 0;
		*moved = true;
	}
	fclose(f);
	return errnum ? agent_fail(a, errnum, "moving to %s: %s", n->to, strerror(errnum)) : 0;
}

int op_cgroup_move(struct agent *a, const void *payload)
{
	const struct wire_two_names *n = payload;
	char from[CGROUP_PATH], to[CGROUP_PATH];
	bool moved = true;
	int errnum = find_below(a, n->from, from);

	if (errnum || (errnum = cgroup_find(a, n->to, to)))
		return errnum;
	if (strcmp(from, to) == 0)
		return agent_fail(a, EINVAL, "%s to itself", n->from);
	/* What is to live longer would end with the step. */
	if (!is_runner(n->to) && scope_of(a, n->to) > scope_of(a, n->from))
		return agent_fail(a, EINVAL, "%s would take the workers of %s with it when its %s ends", n->to,
				  n->from, scope_of(a, n->to) == WIRE_SCOPE_STEP ? "step" : "scenario");
	for (unsigned int pass = 0; pass < MAX_PASSES && moved && !errnum; pass++)
		errnum = move_some(a, n, from, to, &moved);
	if (!errnum) {
		move_slots(a, n->from, is_runner(n->to) ? WIRE_RUNNER : n->to);
		programs_moved(a, n->from, is_runner(n->to) ? WIRE_RUNNER : n->to);
	}
	return errnum;
}
