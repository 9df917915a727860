/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/shard.h"

#include "base/parse.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct err *parse_count(const char *text, unsigned int max, unsigned int *ret)
{
	uint64_t number;

	ERR_TRY(parse_u64(text, &number));
	if (number < 1 || number > max)
		return err_new(ERR_USAGE, "%s: 1 to %u", text, max);
	*ret = (unsigned int)number;
	return NULL;
}

struct err *shard_parse(const char *text, unsigned int *ret_index, unsigned int *ret_count)
{
	const char *slash = strchr(text, '/');
	unsigned int index = 0, count;
	char *first;
	struct err *err;

	ERR_TRY(parse_count(slash ? slash + 1 : text, SHARD_MAX, &count));
	if (slash) {
		first = strndup(text, (size_t)(slash - text));
		if (!first)
			return err_nomem();
		err = parse_count(first, count, &index);
		free(first);
		ERR_TRY(err);
	}
	*ret_index = index;
	*ret_count = count;
	return NULL;
}

/* ---- the environment ---- */

struct environment {
	const char *(*variable)(const char *name);
};

/* A variable as a number; `fallback` when it is not there. */
static struct err *number(const struct environment *e, const char *name, uint64_t fallback,
			  uint64_t *ret)
{
	const char *text = e->variable(name);

	*ret = fallback;
	if (!text || !*text)
		return NULL;
	return err_wrap(parse_u64(text, ret), "%s", name);
}

static struct err *parallel_index(const struct environment *e, uint64_t *ret)
{
	return number(e, "PARALLEL_SEQ", 0, ret);
}

/* Its indices need not begin at 1, nor be neighbours: 0-31, or 1-99:2. */
static struct err *slurm_index(const struct environment *e, uint64_t *ret)
{
	uint64_t id, min, step;

	ERR_TRY(number(e, "SLURM_ARRAY_TASK_ID", 0, &id));
	ERR_TRY(number(e, "SLURM_ARRAY_TASK_MIN", 1, &min));
	ERR_TRY(number(e, "SLURM_ARRAY_TASK_STEP", 1, &step));
	if (id < min || !step || (id - min) % step)
		return err_new(ERR_USAGE,
			       "SLURM_ARRAY_TASK_ID: %llu is not in an even row from %llu: say which "
			       "part with --shard I/N",
			       (unsigned long long)id, (unsigned long long)min);
	*ret = (id - min) / step + 1;
	return NULL;
}

static struct err *kubernetes_index(const struct environment *e, uint64_t *ret)
{
	ERR_TRY(number(e, "JOB_COMPLETION_INDEX", 0, ret));
	*ret += *ret < UINT64_MAX;
	return NULL;
}

static const struct source {
	const char *name;
	struct err *(*index)(const struct environment *e, uint64_t *ret);
} sources[] = {
	{"PARALLEL_SEQ", parallel_index},
	{"SLURM_ARRAY_TASK_ID", slurm_index},
	{"JOB_COMPLETION_INDEX", kubernetes_index},
};

static bool is_set(const struct environment *e, const char *name)
{
	const char *text = e->variable(name);

	return text && *text;
}

static struct err *take_index(const struct environment *e, const struct source *source,
			      unsigned int count, struct shard *ret)
{
	uint64_t index;

	ERR_TRY(source->index(e, &index));
	if (index < 1 || index > count)
		return err_new(ERR_USAGE, "%s=%s is part %llu of %u: there is no such part",
			       source->name, e->variable(source->name), (unsigned long long)index,
			       count);
	*ret = (struct shard){(unsigned int)index, count, source->name};
	return NULL;
}

static struct err *index_for(const struct environment *e, unsigned int count, struct shard *ret)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (is_set(e, sources[i].name))
			return take_index(e, &sources[i], count, ret);
	return err_new(ERR_USAGE,
		       "--shard %u: which part? It is I/N, or N where PARALLEL_SEQ, "
		       "SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX is set",
		       count);
}

static struct err *slurm_array(const struct environment *e, struct shard *ret)
{
	uint64_t count;

	ERR_TRY(number(e, "SLURM_ARRAY_TASK_COUNT", 0, &count));
	if (count < 2 || !is_set(e, "SLURM_ARRAY_TASK_ID"))
		return NULL;
	if (count > SHARD_MAX)
		return err_new(ERR_USAGE, "SLURM_ARRAY_TASK_COUNT: more than %d", SHARD_MAX);
	return take_index(e, &sources[1], (unsigned int)count, ret);
}

struct err *shard_choose(unsigned int index, unsigned int count,
			 const char *(*variable)(const char *name), struct shard *ret)
{
	const struct environment e = {variable};

	*ret = (struct shard){index, count, NULL};
	if (index)
		return NULL;
	return count ? index_for(&e, count, ret) : slurm_array(&e, ret);
}
