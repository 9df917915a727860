// SPDX-License-Identifier: GPL-2.0-or-later
/* What workers write of themselves into the mailbox: read without the guest's help. */
#include "coord/agent_impl.h"

#include "coord/work_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill_worker(const struct wire_worker *w, unsigned int slot, struct agent_worker *ret)
{
	*ret = (struct agent_worker){
		.slot = slot,
		.phase_count = w->phase_count,
		.pid = w->pid,
		.tgid = w->tgid,
		.index = w->index,
		.alive = w->state != WIRE_WORKER_DEAD,
		.exit_status = w->exit_status,
		.start_time = w->start_time,
		.update_time = w->update_time,
		.iterations = w->iterations,
		.max_gap = w->max_gap,
		.migrations = w->migrations,
		.wakeups = w->wakeups,
		.max_latency = w->max_latency,
		.cpu_time = w->cpu_time,
	};
	snprintf(ret->type, sizeof(ret->type), "%s", work_name_of(w->type));
	memcpy(ret->comm, w->comm, sizeof(ret->comm));
	memcpy(ret->cgroup, w->cgroup, sizeof(ret->cgroup));
	memcpy(ret->latency, w->latency, sizeof(ret->latency));
	ret->scope = w->scope < WIRE_SCOPES ? (enum wire_scope)w->scope : WIRE_SCOPE_SESSION;
	ret->gap = w->gap;
	memcpy(ret->seen, w->seen, sizeof(ret->seen));
	memcpy(ret->phase_type, w->phase_type, sizeof(ret->phase_type));
}

static int by_index(const void *x, const void *y)
{
	const struct agent_worker *a = x, *b = y;
	int order = strcmp(a->cgroup, b->cgroup);

	if (order)
		return order;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

struct err *agent_workers(struct agent *a, const char *cgroup, struct agent_worker **ret,
			  unsigned int *ret_count)
{
	struct agent_worker *list;
	struct wire_header h;
	struct mailbox m;
	struct err *err = NULL;
	unsigned int count = 0;

	ERR_TRY(agent_mailbox(a, &m));
	ERR_TRY(mailbox_header(&m, &h));
	list = calloc(h.worker_high + 1, sizeof(*list));
	if (!list)
		return err_nomem();
	for (unsigned int i = 0; i < h.worker_high && !err; i++) {
		struct wire_worker w;

		err = mailbox_worker(&m, i, &w);
		if (!err && w.state != WIRE_WORKER_FREE && w.state != WIRE_WORKER_STARTING &&
		    (!cgroup || strcmp(w.cgroup, cgroup) == 0))
			fill_worker(&w, i, &list[count++]);
	}
	if (err) {
		free(list);
		return err;
	}
	qsort(list, count, sizeof(*list), by_index);
	*ret = list;
	*ret_count = count;
	return NULL;
}

struct err *agent_mark(struct agent *a)
{
	static const uint8_t zeroes[offsetof(struct wire_worker, seen) + sizeof(((struct wire_worker *)0)->seen) -
				    offsetof(struct wire_worker, gap)];
	struct wire_header h;
	struct mailbox m;

	ERR_TRY(agent_mailbox(a, &m));
	ERR_TRY(mailbox_header(&m, &h));
	for (unsigned int i = 0; i < h.worker_high; i++)
		ERR_TRY(mailbox_write(&m,
				      (uint64_t)WIRE_WORKER_PAGE * WIRE_PAGE_SIZE +
					      i * sizeof(struct wire_worker) + offsetof(struct wire_worker, gap),
				      zeroes, sizeof(zeroes)));
	return NULL;
}

static struct err *no_worker(struct agent *a, const char *cgroup, unsigned int index,
			     unsigned int count)
{
	struct agent_worker *all;
	unsigned int all_count;
	struct str text = {0};
	struct err *err;

	if (count)
		return err_new(ERR_NOT_FOUND, "cgroup %s has no worker %u; it has %u", cgroup, index, count);
	ERR_TRY(agent_workers(a, NULL, &all, &all_count));
	for (unsigned int i = 0; i < all_count; i++)
		if (i == 0 || strcmp(all[i].cgroup, all[i - 1].cgroup) != 0) {
			str_add(&text, text.len ? ", " : "");
			str_add_clean(&text, all[i].cgroup, sizeof(all[i].cgroup));
		}
	err = err_new(ERR_NOT_FOUND, "cgroup %s has no workers; those with workers: %s", cgroup,
		      text.len ? str_text(&text) : "none");
	str_deinit(&text);
	free(all);
	return err;
}

struct err *agent_worker(struct agent *a, const char *cgroup, unsigned int index,
			 struct agent_worker *ret)
{
	struct agent_worker *list;
	unsigned int count;
	bool found = false;
	struct err *err;

	ERR_TRY(agent_workers(a, cgroup, &list, &count));
	for (unsigned int i = 0; i < count && !found; i++)
		if (list[i].index == index) {
			*ret = list[i];
			found = true;
		}
	err = found ? NULL : no_worker(a, cgroup, index, count);
	free(list);
	return err;
}

struct err *agent_phase(struct agent *a, const struct agent_worker *w, unsigned int i,
			struct wire_phase *ret)
{
	struct mailbox m;

	ERR_TRY(agent_mailbox(a, &m));
	return mailbox_phase(&m, w->slot, i, ret);
}

uint64_t agent_percentile(const uint64_t latency[WIRE_LATENCY_BUCKETS], uint64_t max, unsigned int percent)
{
	uint64_t total = 0, wanted, below = 0;

	for (unsigned int i = 0; i < WIRE_LATENCY_BUCKETS; i++)
		total += latency[i];
	wanted = (uint64_t)((unsigned __int128)total * percent / 100);
	for (unsigned int i = 0; i < WIRE_LATENCY_BUCKETS; i++) {
		uint64_t start = i ? 1ULL << i : 0, width = i ? start : 2, at;

		if (!latency[i] || below + latency[i] < wanted) {
			below += latency[i];
			continue;
		}
		at = start + (uint64_t)((unsigned __int128)width * (wanted - below) / latency[i]);
		return at < max ? at : max;
	}
	return max;
}
