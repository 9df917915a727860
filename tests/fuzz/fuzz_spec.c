/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `spawn`, `cgroup` and `affinity`: recordings come from other people. What is accepted
 * is a request that the agent would accept. */
#include "tests/fuzz/fuzz.h"

#include "coord/cgroup_spec.h"
#include "coord/work_spec.h"
#include "guest/wire_work.h"

static const struct spec_limits limits = {.cpus = 8, .nodes = 2, .places = NULL};

static void check(int good)
{
	if (!good)
		abort();
}

static void check_work(const struct wire_spawn *w)
{
	check(w->workers >= 1 && w->workers <= WIRE_WORKERS && w->phase_count <= WIRE_PHASES);
	check(w->work.type >= 1 && w->work.type < WORK_COUNT);
	check((w->work.type == WORK_SEQUENCE) == (w->phase_count > 0));
	check(strlen(w->cgroup) < sizeof(w->cgroup) && strlen(w->comm) < sizeof(w->comm));
	check(w->rt_priority < 99 && w->nice >= -20 && w->nice <= 19);
}

static void check_cgroup(const struct wire_cgroup *c)
{
	check(c->knob_count <= WIRE_KNOBS);
	for (unsigned int i = 0; i < c->knob_count; i++)
		check(strlen(c->knobs[i].file) < sizeof(c->knobs[i].file) &&
		      strlen(c->knobs[i].value) < sizeof(c->knobs[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *words[24], *save, *name;
	struct wire_affinity affinity;
	struct cgroup_spec cgroup;
	struct work_spec work;
	unsigned int n = 0;
	struct err *err;

	name = strtok_r(text, " \n", &save);
	for (char *w = name ? strtok_r(NULL, " \n", &save) : NULL; w && n < 24; w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	if (!name)
		name = text;
	err = work_spec_parse(name, n, words, &limits, &work);
	if (!err)
		check_work(&work.wire);
	err_free(err);
	err = cgroup_spec_parse(name, n, words, &limits, &cgroup);
	if (!err)
		check_cgroup(&cgroup.wire);
	err_free(err);
	err_free(affinity_parse(name, &limits, &affinity));
	free(text);
	return 0;
}
