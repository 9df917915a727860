// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below the root, where processes and controllers go together, with a name that lists leave out. */
void work_cgroup_path(uint32_t slot, char ret[WORK_CGROUP_PATH])
{
	snprintf(ret, WORK_CGROUP_PATH, "/sys/fs/cgroup/.worker-%u", slot);
}

static void own_path(const struct work *w, const char *file, char path[WORK_CGROUP_PATH])
{
	work_cgroup_path((uint32_t)(w->slot - w->all), path);
	strncat(path, file, WORK_CGROUP_PATH - strlen(path) - 1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0) /* busy: the next round tries again */
		work_pause(1000);
	close(fd);
}

static void create(const struct work *w)
{
	char path[WORK_CGROUP_PATH];

	if (!w->round)
		put("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
	own_path(w, "", path);
	if (mkdir(path, 0755))
		work_pause(1000000);
}

/* Each round is a new group of the scheduler's, with a weight that was not there before. */
void work_step_cgroup_churn(struct work *w, const uint64_t *params)
{
	char path[WORK_CGROUP_PATH], weight[16];

	create(w);
	own_path(w, "/cpu.weight", path);
	snprintf(weight, sizeof(weight), "%u", (unsigned int)(w->round % 10000) + 1);
	put(path, weight);
	work_burn(params[0]);
	own_path(w, "", path);
	rmdir(path);
}

/* To and fro between the worker's cgroup, whichever that is by now, and one of its own. */
void work_step_cgroup_attach_storm(struct work *w, const uint64_t *params)
{
	char away[WORK_CGROUP_PATH], home[WORK_CGROUP_PATH];
	bool root = strcmp(w->slot->cgroup, WIRE_RUNNER) == 0;

	if (!w->round)
		create(w);
	own_path(w, "/cgroup.procs", away);
	put(away, "0");
	work_burn(params[0]);
	snprintf(home, sizeof(home), "/sys/fs/cgroup/%.64s/cgroup.procs", root ? "" : w->slot->cgroup);
	put(home, "0");
	work_burn(params[0]);
}
