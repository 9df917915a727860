// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void work_read_cpus(struct work *w)
{
	if (sched_getaffinity(0, sizeof(w->cpus), &w->cpus))
		CPU_ZERO(&w->cpus);
}

int work_nth_cpu(const struct work *w, uint64_t n)
{
	unsigned int count = (unsigned int)CPU_COUNT(&w->cpus);

	if (!count)
		return -1;
	n %= count;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &w->cpus) && n-- == 0)
			return cpu;
	return -1;
}

void work_bind(pid_t tid, int cpu)
{
	cpu_set_t one;

	if (cpu < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(tid, sizeof(one), &one);
}

void work_set_policy(int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	sched_setscheduler(0, policy, &param);
}

/* A small file of sysfs; false: there is none. */
static bool read_text(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (fd >= 0)
		close(fd);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

void work_bind_node(struct work *w, unsigned int node)
{
	char path[64], text[512], *p = text;
	cpu_set_t set;

	CPU_ZERO(&set);
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", node);
	if (!read_text(path, text, sizeof(text)))
		return;
	do {
		unsigned long first = strtoul(p, &p, 10), last = *p == '-' ? strtoul(p + 1, &p, 10) : first;

		for (; first <= last && first < CPU_SETSIZE; first++)
			CPU_SET(first, &set);
	} while (*p++ == ',');
	CPU_AND(&set, &set, &w->cpus);
	if (CPU_COUNT(&set))
		sched_setaffinity(0, sizeof(set), &set);
}

/* The two hardware threads of the core of `cpu`; false when it has one, or is not the first. */
static bool siblings(int cpu, int ret[2])
{
	char path[96], text[32], *end;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	if (!read_text(path, text, sizeof(text)))
		return false;
	ret[0] = (int)strtol(text, &end, 10);
	if (ret[0] != cpu || (*end != ',' && *end != '-'))
		return false;
	ret[1] = (int)strtol(end + 1, NULL, 10);
	return true;
}

void work_bind_sibling(struct work *w)
{
	int pair[2];
	uint32_t cores = 0, wanted = w->number / 2;

	work_read_cpus(w);
	for (unsigned int pass = 0; pass < 2; pass++) { /* count, then choose */
		uint32_t at = 0;

		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &w->cpus) || !siblings(cpu, pair) ||
			    !CPU_ISSET(pair[1], &w->cpus))
				continue;
			if (pass && at == wanted % cores) {
				work_bind(0, pair[w->number % 2]);
				return;
			}
			at++;
		}
		cores = at;
		if (!cores)
			return;
	}
}
