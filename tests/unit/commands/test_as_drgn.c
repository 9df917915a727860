/* SPDX-License-Identifier: GPL-2.0-or-later */
/* That the programs are whole; tests/drgn/as_drgn.py has them run against a dump. */
#include "commands/as_drgn.h"
#include "tests/expect.h"

#include <stdio.h>

static char *script_of_task(int pid)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);

	assert_non_null(out);
	expect_ok(as_drgn_task(pid, out));
	out_destroy(out);
	return str_take(&text);
}

static char *script_of_scx(void)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);

	assert_non_null(out);
	as_drgn_scx(out);
	out_destroy(out);
	return str_take(&text);
}

/* Python takes it as a program; nothing is run. */
static void compiles(const char *script)
{
	FILE *python;

	if (system("python3 -c pass 2>/dev/null") != 0)
		skip();
	python = popen("python3 -c 'import ast, sys; ast.parse(sys.stdin.read())'", "w");
	assert_non_null(python);
	assert_int_equal(fwrite(script, 1, strlen(script), python), strlen(script));
	assert_int_equal(pclose(python), 0);
}

static void test_task(void **state)
{
	char *script = script_of_task(4711);

	(void)state;
	assert_non_null(strstr(script, "\ntask = find_task(prog, 4711)\n"));
	assert_non_null(strstr(script, "# The answer of `task 4711`, by drgn."));
	assert_null(strstr(script, "%PID"));
	compiles(script);
	free(script);
}

static void test_scx(void **state)
{
	char *script = script_of_scx();

	(void)state;
	assert_non_null(strstr(script, "show(\"enable_seq\", "));
	compiles(script);
	free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task),
		cmocka_unit_test(test_scx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
