/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --topology, --quantum, and the points of the virtual clock's grid. */
#include "tests/expect.h"

#include "vmm/topology.h"
#include "vmm/vclock_page.h"

static void topologies_are_read(void **state)
{
	char text[TOPOLOGY_TEXT];
	struct topology t;

	expect_ok(topology_parse("2n4l3c2t", &t));
	assert_int_equal(t.nodes, 2);
	assert_int_equal(t.llcs, 4);
	assert_int_equal(t.cores, 3);
	assert_int_equal(t.threads, 2);
	assert_int_equal(topology_cpus(&t), 24);
	assert_string_equal(topology_format(&t, text), "2n4l3c2t");
	expect_ok(topology_parse("1n1l256c1t", &t));
	assert_int_equal(topology_cpus(&t), 256);
}

#define FORM                                                                                       \
	": not of the form NnLlCcTt, such as 1n1l4c1t (nodes, LLCs in all, cores per LLC, "        \
	"threads per core)"

static void wrong_topologies_are_refused(void **state)
{
	struct topology t;

	expect_err(topology_parse("", &t), ERR_USAGE, "topology " FORM);
	expect_err(topology_parse("4", &t), ERR_USAGE, "topology 4" FORM);
	expect_err(topology_parse("1n1l4c1tx", &t), ERR_USAGE, "topology 1n1l4c1tx" FORM);
	expect_err(topology_parse("1n1l-4c1t", &t), ERR_USAGE, "topology 1n1l-4c1t" FORM);
	expect_err(topology_parse("1n1l99999c1t", &t), ERR_USAGE, "topology 1n1l99999c1t" FORM);
	expect_err(topology_parse("1n0l4c1t", &t), ERR_USAGE,
		   "topology 1n0l4c1t: every count is at least 1");
	expect_err(topology_parse("9n9l1c1t", &t), ERR_USAGE, "topology 9n9l1c1t: at most 8 nodes");
	expect_err(topology_parse("2n1l4c1t", &t), ERR_USAGE,
		   "topology 2n1l4c1t: 1 LLCs in all do not reach for 2 nodes");
	expect_err(topology_parse("1n1l1c9t", &t), ERR_USAGE,
		   "topology 1n1l1c9t: at most 8 threads a core");
	expect_err(topology_parse("1n1l257c1t", &t), ERR_USAGE,
		   "topology 1n1l257c1t: at most 256 CPUs");
	expect_err(topology_parse("1n9999l9999c8t", &t), ERR_USAGE,
		   "topology 1n9999l9999c8t: at most 256 CPUs");
}

/* Nodes share the LLCs out in rows, none gets nothing. */
static void nodes_have_whole_llcs(void **state)
{
	const struct topology t = {.nodes = 3, .llcs = 7, .cores = 2, .threads = 2};

	assert_int_equal(topology_node_llc(&t, 0), 0);
	assert_int_equal(topology_node_llc(&t, 1), 2);
	assert_int_equal(topology_node_llc(&t, 2), 4);
	assert_int_equal(topology_node_llc(&t, 3), 7);
	assert_int_equal(topology_node_cpu(&t, 1), 8);
	assert_int_equal(topology_node_cpu(&t, 3), topology_cpus(&t));
}

static void quanta_are_read(void **state)
{
	struct quantum q;

	expect_ok(quantum_parse("100us", &q));
	assert_int_equal(q.ns, 100000);
	expect_ok(quantum_parse("random:0x10", &q));
	assert_int_equal(q.ns, 0);
	assert_int_equal(q.seed, 16);
	expect_err(quantum_parse("9us", &q), ERR_USAGE,
		   "quantum 9us: between 10us and 100ms, or random:SEED");
	expect_err(quantum_parse("1s", &q), ERR_USAGE,
		   "quantum 1s: between 10us and 100ms, or random:SEED");
	expect_err_with(quantum_parse("soon", &q), ERR_USAGE, "quantum soon: ");
	expect_err_with(quantum_parse("random:x", &q), ERR_USAGE, "quantum random:x: ");
}

static void fixed_points(void **state)
{
	assert_int_equal(vclock_next_point(100000, 0, 0), 100000);
	assert_int_equal(vclock_next_point(100000, 0, 99999), 100000);
	assert_int_equal(vclock_next_point(100000, 0, 100000), 200000);
}

/* Whatever is asked when: from any instant the next point is the same one. */
static void random_points_depend_on_time_alone(void **state)
{
	unsigned int count = 0;

	for (uint64_t t = 0; t < 100000000;) {
		uint64_t next = vclock_next_point(0, 42, t);

		assert_true(next > t && next - t <= VCLOCK_RANDOM_GRID * VCLOCK_RANDOM_STEPS);
		assert_int_equal(next % VCLOCK_RANDOM_GRID, 0);
		for (uint64_t between = t; between < next; between += 3777)
			assert_int_equal(vclock_next_point(0, 42, between), next);
		t = next;
		count++;
	}
	/* From one in 1 to one in 32 of 10,000 steps. */
	assert_in_range(count, 1000, 9000);
}

static void seeds_differ(void **state)
{
	unsigned int same = 0;

	for (uint64_t t = 0; t < 1000; t++)
		same += vclock_random_point(1, t * 100 + 1) == vclock_random_point(2, t * 100 + 1);
	assert_in_range(same, 300, 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topologies_are_read),
		cmocka_unit_test(wrong_topologies_are_refused),
		cmocka_unit_test(nodes_have_whole_llcs),
		cmocka_unit_test(quanta_are_read),
		cmocka_unit_test(fixed_points),
		cmocka_unit_test(random_points_depend_on_time_alone),
		cmocka_unit_test(seeds_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
