/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/crowd.h"

#include "base/file.h"
#include "base/parse.h"
#include "bench/measure.h"
#include "coord/agent.h"
#include "coord/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 25
#define THREADS 40 /* of each process */

/* What one look at everything costs: each CPU's queues, the dispatch queues, the groups. */
static struct err *look_at_queues(struct kernel *k, const struct model *m, struct str *damage)
{
	struct model_group *groups;
	struct model_dsq *dsqs;
	unsigned int count;
	int64_t age;
	int task;

	for (unsigned int cpu = 0; cpu < m->cpu_count; cpu++) {
		struct model_entity *entities;

		ERR_TRY(model_entities(k, m, cpu, &entities, &count, damage));
		free(entities);
	}
	ERR_TRY(model_all_dsqs(k, m, &dsqs, &count, damage));
	free(dsqs);
	ERR_TRY(model_groups(k, m, &groups, &count, damage));
	model_groups_destroy(groups, count);
	return model_longest_waiting(k, m, &task, &age, damage);
}

/* And each task's detail, the CPUs it may use and the path of its cgroup. */
static struct err *look_at_tasks(struct kernel *k, const struct model *m, uint64_t *sum)
{
	struct str text = {0};

	for (unsigned int i = 0; i < m->task_count; i++) {
		struct model_detail detail;
		uint64_t cgroup = model_task_cgroup(k, m, m->tasks[i].address);

		str_clear(&text);
		if (!model_task_detail(k, m, (int)i, &detail) || !model_task_cpus(k, m, (int)i, &text) ||
		    !model_cgroup_path(k, m, cgroup, &text)) {
			str_deinit(&text);
			return err_new(ERR_BAD_DATA, "pid %d cannot be read in full", m->tasks[i].pid);
		}
		*sum += detail.nvcsw.value + text.len;
	}
	str_deinit(&text);
	return NULL;
}

static struct err *look(struct coord *c, struct crowd *ret, uint64_t *ret_model, uint64_t *ret_whole)
{
	uint64_t start = processor_time(), sum = 0;
	struct str damage = {0};
	const struct model *m;
	struct kernel *k;
	struct err *err;

	coord_touched(c);
	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(coord_model(c, &m));
	*ret_model = processor_time() - start;
	err = look_at_queues(k, m, &damage);
	if (!err)
		err = look_at_tasks(k, m, &sum);
	*ret_whole = processor_time() - start;
	ret->tasks = m->task_count;
	if (!err && (damage.len || m->damage[0]))
		err = err_new(ERR_BAD_DATA, "the model is damaged: %s%s", m->damage, str_text(&damage));
	str_deinit(&damage);
	return err;
}

static struct err *measure_looks(struct coord *c, struct crowd *ret)
{
	uint64_t model[ROUNDS], whole[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++)
		ERR_TRY(look(c, ret, &model[i], &whole[i]));
	ret->model_ns = median(model, ROUNDS);
	ret->whole_ns = median(whole, ROUNDS);
	return NULL;
}

static struct err *gather(struct session *s, unsigned int tasks)
{
	char processes[16], threads[16];
	char *arguments[] = {processes, threads};
	struct agent *agent = coord_agent(session_coord(s));
	int pid, status;

	snprintf(processes, sizeof(processes), "%u", tasks / THREADS);
	snprintf(threads, sizeof(threads), "%u", THREADS);
	ERR_TRY(agent_run(agent, NULL, "/crowd", 2, arguments, &pid));
	ERR_TRY(agent_run_wait(agent, pid, 600 * SECOND, &status));
	return status ? err_new(ERR_BAD_DATA, "no crowd of %u: wait status 0x%x", tasks, status) : NULL;
}

static struct err *measure_session(struct session *s, const char *folder, unsigned int tasks,
				   struct crowd *ret)
{
	struct err *err;

	ERR_TRY(session_boot(s));
	ERR_TRY(gather(s, tasks));
	ERR_TRY(coord_enter(session_coord(s)));
	err = measure_looks(session_coord(s), ret);
	if (!err)
		err = drgn_measure(session_coord(s), folder, &ret->drgn);
	return coord_leave_with(session_coord(s), err);
}

struct err *crowd_measure(const char *program, const char *folder, unsigned int tasks, uint64_t memory,
			  struct crowd *ret)
{
	char *file = str_format("%s:/crowd", program);
	const char *files[] = {file};
	struct options options;
	struct session *s;
	struct err *err;

	if (!file)
		return err_nomem();
	options_init(&options);
	options.kernel = getenv("KTDBG_BENCH_KERNEL");
	options.topology = (struct topology){1, 1, 8, 1};
	options.memory = memory;
	options.add_files = files;
	options.add_file_count = 1;
	err = session_create(&options, &s);
	if (!err) {
		session_set_mode(s, MODE_SCRIPT);
		err = measure_session(s, folder, tasks, ret);
		session_destroy(s);
	}
	free(file);
	return err_wrap(err, "%u tasks", tasks);
}
