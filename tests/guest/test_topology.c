/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --topology as the guest itself sees it, in sysfs. */
#include "tests/guest/boot.h"
#include "tests/guest/machines.h"

#include "coord/agent.h"

#include <stdio.h>

static void expect_file(struct coord *c, const char *wanted, const char *fmt, unsigned int n)
{
	char path[200];
	struct str text = {0};

	snprintf(path, sizeof(path), fmt, n);
	expect_ok(agent_cat(coord_agent(c), path, &text));
	assert_int_equal(strncmp(str_text(&text), wanted, strlen(wanted)), 0);
	assert_int_equal(str_text(&text)[strlen(wanted)], '\n');
	str_deinit(&text);
}

/* Two nodes, two LLCs, one core in each, two threads a core. */
static void nodes_llcs_and_threads(void **state)
{
	struct machine_setup s;
	struct machine *m = NULL;
	struct coord *c = NULL;
	struct str text = {0};

	machine_setup_init(&s);
	s.config.topology = (struct topology){2, 2, 1, 2};
	expect_ok(machine_boot(&s.config, NULL, &m));
	assert_int_equal(machine_ram(m)->piece_count, 2);
	expect_ok(coord_create(m, COORD_LOCKSTEP, &c));
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		const char *pair = cpu < 2 ? "0-1" : "2-3";

		expect_file(c, pair, "/sys/devices/system/cpu/cpu%u/cache/index3/shared_cpu_list",
			    cpu);
		expect_file(c, pair, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
			    cpu);
		expect_file(c, pair, "/sys/devices/system/node/node%u/cpulist", cpu / 2);
	}
	/* Each node has memory of its own. */
	expect_ok(agent_cat(coord_agent(c), "/sys/devices/system/node/has_memory", &text));
	assert_string_equal(str_text(&text), "0-1\n");
	str_deinit(&text);
	coord_destroy(c);
	machine_setup_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_llcs_and_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
