/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/budget.h"
#include "base/file.h"
#include "base/mask.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Looks at all threads until one finds nothing to do: who appears meanwhile inherited either mask.
 */
#define PASSES 20

void budget_add_mask(struct str *s, const cpu_set_t *mask)
{
	mask_list((const uint64_t *)mask->__bits, CPU_SETSIZE, s);
}

static struct err *read_allowed(cpu_set_t *ret)
{
	if (sched_getaffinity(0, sizeof(*ret), ret))
		return err_os(errno, "reading the allowed CPUs");
	return NULL;
}

struct err *budget_allowed(unsigned int cpus)
{
	cpu_set_t allowed;

	ERR_TRY(read_allowed(&allowed));
	if (cpus > (unsigned int)CPU_COUNT(&allowed))
		return err_new(ERR_USAGE, "a CPU budget of %u, but only %d CPUs are allowed here",
			       cpus, CPU_COUNT(&allowed));
	return NULL;
}

/* The n-th CPU of a set that has so many. */
static unsigned int nth(const cpu_set_t *set, unsigned int n)
{
	unsigned int cpu = 0;

	while (!CPU_ISSET(cpu, set) || n--)
		cpu++;
	return cpu;
}

/* As many of the allowed as were asked for, or all that there are. */
static void choose(struct budget *b, const cpu_set_t *allowed, unsigned int vcpus)
{
	unsigned int have = (unsigned int)CPU_COUNT(allowed);
	unsigned int count = b->cpus && b->cpus < have ? b->cpus : have;

	b->note[0] = '\0';
	CPU_ZERO(&b->mask);
	for (unsigned int i = 0; i < count; i++)
		CPU_SET(nth(allowed, i), &b->mask);
	b->pinned = b->pin && vcpus <= count;
	if (b->cpus > have)
		snprintf(b->note, sizeof(b->note), "only %u of %u host CPUs are left", have,
			 b->cpus);
	else if (b->pin && !b->pinned)
		snprintf(b->note, sizeof(b->note), "%u vCPUs on %u host CPUs cannot be pinned",
			 vcpus, count);
}

/* The vCPU that a thread runs, -1 for another. */
static int vcpu_of(const struct budget_threads *threads, int tid)
{
	for (unsigned int i = 0; i < threads->count; i++)
		if (threads->vcpus[i] == tid)
			return (int)i;
	return -1;
}

static void mask_of(const struct budget *b, int vcpu, cpu_set_t *ret)
{
	*ret = b->mask;
	if (b->pinned && vcpu >= 0) {
		CPU_ZERO(ret);
		CPU_SET(nth(&b->mask, (unsigned int)vcpu), ret);
	}
}

/* True when the thread is where it should be, or is gone. */
static bool is_placed(int tid, const cpu_set_t *wanted)
{
	cpu_set_t got;

	if (sched_getaffinity(tid, sizeof(got), &got))
		return errno == ESRCH;
	return CPU_EQUAL(&got, wanted);
}

static struct err *place(const struct budget *b, int tid, int vcpu, bool *moved)
{
	char who[48] = "a thread of qemu";
	cpu_set_t wanted;

	mask_of(b, vcpu, &wanted);
	if (is_placed(tid, &wanted))
		return NULL;
	*moved = true;
	if (vcpu >= 0)
		snprintf(who, sizeof(who), "the thread of vCPU %d", vcpu);
	if (sched_setaffinity(tid, sizeof(wanted), &wanted) && errno != ESRCH)
		return err_os(errno, "confining %s", who);
	if (!is_placed(tid, &wanted))
		return err_new(ERR_ENVIRONMENT, "%s could not be confined to %d CPUs", who,
			       CPU_COUNT(&wanted));
	return NULL;
}

static struct err *place_all(const struct budget *b, const struct budget_threads *threads, DIR *dir,
			     bool *moved)
{
	struct dirent *entry;

	rewinddir(dir);
	while ((entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid > 0)
			ERR_TRY(place(b, tid, vcpu_of(threads, tid), moved));
	}
	return NULL;
}

static struct err *place_until_settled(const struct budget *b, const struct budget_threads *threads,
				       DIR *dir, bool *ret_moved)
{
	for (unsigned int i = 0; i < PASSES; i++) {
		bool moved = false;

		ERR_TRY(place_all(b, threads, dir, &moved));
		if (!moved)
			return NULL;
		*ret_moved = true;
	}
	return err_new(ERR_ENVIRONMENT, "qemu's threads do not stay on their CPUs");
}

static struct err *enforce(struct budget *b, const struct budget_threads *threads, bool *ret_moved)
{
	char path[40];
	struct err *err;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)threads->pid);
	dir = opendir(path);
	if (!dir)
		return err_os(errno, "%s", path);
	err = place_until_settled(b, threads, dir, ret_moved);
	closedir(dir);
	return err;
}

struct err *budget_apply(struct budget *b, const struct budget_threads *threads)
{
	cpu_set_t allowed;
	bool moved;

	ERR_TRY(budget_allowed(b->cpus));
	ERR_TRY(read_allowed(&allowed));
	choose(b, &allowed, threads->count);
	return enforce(b, threads, &moved);
}

struct err *budget_check(struct budget *b, const struct budget_threads *threads, bool *ret_changed)
{
	struct budget now = *b;
	cpu_set_t allowed;
	bool moved = false;

	ERR_TRY(read_allowed(&allowed));
	choose(&now, &allowed, threads->count);
	ERR_TRY(enforce(&now, threads, &moved));
	if (ret_changed)
		*ret_changed = moved || !CPU_EQUAL(&now.mask, &b->mask);
	*b = now;
	return NULL;
}

/* Field 39 of stat(5), "processor". */
static int last_cpu(pid_t pid, int tid)
{
	char path[64], *text = NULL, *at;
	int cpu = -1;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, tid);
	err_free(read_whole_file(path, 4096, &text, NULL));
	at = text ? strrchr(text, ')') : NULL;
	for (unsigned int field = 2; at && field < 39; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (at)
		cpu = atoi(at);
	free(text);
	return cpu;
}

void budget_place(const struct budget_threads *threads, unsigned int vcpu, struct budget_place *ret)
{
	CPU_ZERO(&ret->mask);
	ret->last = last_cpu(threads->pid, threads->vcpus[vcpu]);
	if (sched_getaffinity(threads->vcpus[vcpu], sizeof(ret->mask), &ret->mask))
		ret->last = -1;
}
