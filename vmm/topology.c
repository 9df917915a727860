/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/topology.h"
#include "base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUANTUM_MIN UINT64_C(10000)
#define QUANTUM_MAX UINT64_C(100000000)

/* One number and its letter off the front of `*text`; false when they are not there. */
static bool take(const char **text, char letter, unsigned int *ret)
{
	unsigned int value = 0, digits = 0;

	while (**text >= '0' && **text <= '9' && digits < 4) {
		value = value * 10 + (unsigned int)(*(*text)++ - '0');
		digits++;
	}
	if (!digits || **text != letter)
		return false;
	(*text)++;
	*ret = value;
	return true;
}

unsigned int topology_cpus(const struct topology *t)
{
	return t->llcs * t->cores * t->threads;
}

static struct err *check(const char *text, const struct topology *t)
{
	if (!t->nodes || !t->llcs || !t->cores || !t->threads)
		return err_new(ERR_USAGE, "topology %s: every count is at least 1", text);
	if (t->nodes > TOPOLOGY_NODES_MAX)
		return err_new(ERR_USAGE, "topology %s: at most %d nodes", text,
			       TOPOLOGY_NODES_MAX);
	if (t->llcs < t->nodes)
		return err_new(ERR_USAGE, "topology %s: %u LLCs in all do not reach for %u nodes",
			       text, t->llcs, t->nodes);
	if (t->threads > 8)
		return err_new(ERR_USAGE, "topology %s: at most 8 threads a core", text);
	/* 9999 each: the product of two fits, of three may not. */
	if (t->llcs * t->cores > TOPOLOGY_CPUS_MAX || topology_cpus(t) > TOPOLOGY_CPUS_MAX)
		return err_new(ERR_USAGE, "topology %s: at most %d CPUs", text, TOPOLOGY_CPUS_MAX);
	return NULL;
}

struct err *topology_parse(const char *text, struct topology *ret)
{
	struct topology t;
	const char *p = text;

	if (!take(&p, 'n', &t.nodes) || !take(&p, 'l', &t.llcs) || !take(&p, 'c', &t.cores) ||
	    !take(&p, 't', &t.threads) || *p)
		return err_new(ERR_USAGE,
			       "topology %s: not of the form NnLlCcTt, such as 1n1l4c1t (nodes, "
			       "LLCs in all, cores per LLC, threads per core)",
			       text);
	ERR_TRY(check(text, &t));
	*ret = t;
	return NULL;
}

const char *topology_format(const struct topology *t, char buffer[TOPOLOGY_TEXT])
{
	snprintf(buffer, TOPOLOGY_TEXT, "%un%ul%uc%ut", t->nodes, t->llcs, t->cores, t->threads);
	return buffer;
}

unsigned int topology_node_llc(const struct topology *t, unsigned int node)
{
	return node * t->llcs / t->nodes;
}

unsigned int topology_node_cpu(const struct topology *t, unsigned int node)
{
	return topology_node_llc(t, node) * t->cores * t->threads;
}

struct err *quantum_parse(const char *text, struct quantum *ret)
{
	struct quantum q = {0};
	struct err *err;

	if (!strncmp(text, "random:", 7)) {
		err = parse_u64(text + 7, &q.seed);
		if (err)
			return err_wrap(err, "quantum %s", text);
		*ret = q;
		return NULL;
	}
	err = parse_duration(text, &q.ns);
	if (err)
		return err_wrap(err, "quantum %s", text);
	if (q.ns < QUANTUM_MIN || q.ns > QUANTUM_MAX)
		return err_new(ERR_USAGE, "quantum %s: between 10us and 100ms, or random:SEED",
			       text);
	*ret = q;
	return NULL;
}
