/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --batch on real guests: verdicts, exit statuses, what is said, and that the same recording gives the
 * same transcript whatever else the host does. Every verdict has its negative.
 */
#include "tests/guest/boot.h"
#include "tests/guest/machines.h"

#include "base/interrupt.h"
#include "commands/batch.h"
#include "commands/diff_runs.h"
#include "commands/options.h"
#include "commands/recording.h"
#include "commands/replay.h"
#include "vmm/kernel_cache.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "ktdbg recording 1\nclock virtual\ntopology 1n1l2c1t\n\n"

static char folder[64];

static void write_recording(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	expect_ok(replace_file(path, text, strlen(text)));
}

/* Runs --batch on a file of the folder (the folder itself for ""); returns what it printed. */
static char *batch(struct batch_options *o, const char *name, int wanted)
{
	struct options options;
	char path[128], said[128], *text;
	const char *paths[] = {path};
	int out = dup(STDOUT_FILENO), file, status = -1;
	size_t len;
	struct err *err;

	options_init(&options);
	options.kernel = getenv("KTDBG_TEST_KERNEL");
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(said, sizeof(said), "%s/.said", folder);
	o->session = &options;
	o->paths = paths;
	o->path_count = 1;
	fflush(stdout);
	file = open(said, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(out >= 0 && file >= 0);
	dup2(file, STDOUT_FILENO);
	err = batch_run(o, &status);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(file);
	expect_ok(err);
	expect_ok(read_whole_file(said, 1 << 20, &text, &len));
	if (status != wanted)
		fail_msg("exit status %d, not %d:\n%s", status, wanted, text);
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void gives(const char *body, int status, const char *part)
{
	struct batch_options o;
	char *text, *said;

	batch_options_init(&o);
	text = str_format("%s%s", HEAD, body);
	write_recording("one.t", text);
	said = batch(&o, "one.t", status);
	assert_has(said, part);
	free(said);
	free(text);
}

static void test_passes(void **state)
{
	gives("[0.5] freeze\n  | frozen at 0.500000000\nexpect time == 500ms\nread symbol jiffies_64\n"
	      "  | u64 [0-9]+ (re)\n",
	      0, "TAP version 14\n1..1\nok 1 - ");
}

static void test_false_expectations_fail(void **state)
{
	gives("expect 1 == 2\n", 1, "one.t:5: `1 == 2` is false: left 1, right 2'\n");
	gives("wait rq(0).nr_running > 1000 timeout 5ms\n", 1, "after 5ms of guest time");
	gives("until ncpus == 3 timeout 5ms\n", 1, "`ncpus == 3` is false: left 2, right 3");
	/* Also when the recording says that it was false. */
	gives("expect 1 == 2\n  | (any)\n", 1, "`1 == 2` is false");
	gives("expect task(1).no_such_member == 0\n", 1, "cannot be judged: this kernel has no");
	gives("expect task(99999).pid == 0\n", 1, "cannot be judged: no task has pid 99999");
	gives("expect *(u64 *)0 == 0\n", 1, "lies at a bad address, 0x0");
}

static void test_output_that_differs_fails(void **state)
{
	gives("[0.5] freeze\n  | frozen at 0.400000000\n", 1,
	      "    -  | frozen at 0.400000000\n    +  | frozen at 0.500000000\n");
	gives("[0.5] freeze\n  | thawed .* (re)\n", 1, "    -  | thawed .* (re)\n");
	gives("[0.5] freeze\n  | frozen at 1* (glob)\n", 1, "    -  | frozen at 1* (glob)\n");
	gives("[0.5] freeze\n  | frozen at 0.500000000\n  | (any)\n", 1, "    -  | (any)\n");
}

static void test_errors_are_output(void **state)
{
	gives("read task 99999 pid\n  | error: .*99999.* (re)\nexpect 1\n", 0, "\nok 1 - ");
	gives("read task 99999 pid\nexpect 1\n", 1, "one.t:5: ");
	gives("read task 1 pid\n  | error: .* (re)\n", 1, "    -  | error: .* (re)\n");
}

static void test_malformed(void **state)
{
	gives("freeze\nthwa\n", 2, "one.t:6: column 1: no command 'thwa'; near: thaw");
	gives("expect 1\n  | ( (re)\n", 2, "one.t:6: column 5: bad pattern");
}

static void test_no_kernel(void **state)
{
	struct batch_options o;
	char *said;

	batch_options_init(&o);
	write_recording("one.t", "ktdbg recording 1\nkernel 1.2.3\n\nexpect 1\n");
	said = batch(&o, "one.t", 3);
	assert_has(said, "outcome: environment");
	free(said);
}

/* Another build than the recorded one: plain output does not decide any more, matchers and `expect` do. */
static void test_another_build(void **state)
{
	static const char other[] = "ktdbg recording 1\nclock virtual\ntopology 1n1l2c1t\nimage 0123\n\n";
	struct batch_options o;
	char *said, *text;

	batch_options_init(&o);
	text = str_format("%s[0.5] freeze\n  | frozen at 0.4\nexpect 1\n", other);
	write_recording("one.t", text);
	said = batch(&o, "one.t", 0);
	assert_has(said, "# only expectations decide: guest image is ");
	free(said);
	free(text);
	text = str_format("%s[0.5] freeze\n  | frozen at 0.4* (glob)\n", other);
	write_recording("one.t", text);
	said = batch(&o, "one.t", 1);
	assert_has(said, "a line that must match is not there");
	free(said);
	free(text);
}

/* What differs is named, one thing after the other. */
static void test_what_differs(void **state)
{
	static const struct {
		const char *header, *said;
	} differ[] = {
		{"image 0123\n", "# only expectations decide: guest image is "},
		{"qemu 1.2\n", "# only expectations decide: qemu is "},
		{"saved-machine 0123\n", "# only expectations decide: saved machine is "},
		{"image 0\nqemu 1.2\n", ", was 0; qemu is "},
		{"cold-boot\nsaved-machine 0123\n", "# only expectations decide: saved machine is none, was 0123"},
	};
	struct batch_options o;
	char *said, *text;

	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++) {
		batch_options_init(&o);
		text = str_format("ktdbg recording 1\nclock virtual\ntopology 1n1l2c1t\n%s\nprint 1\n  | 2\n",
				  differ[i].header);
		write_recording("one.t", text);
		said = batch(&o, "one.t", 0);
		assert_has(said, differ[i].said);
		free(said);
		free(text);
	}
}

/* People write "kernel 7.2.12"; that it is the same in full is no difference. */
static void test_kernels_in_short(void **state)
{
	struct batch_options o;
	char *path, *version, *said, *text;

	batch_options_init(&o);
	expect_ok(kernel_cache_resolve(getenv("KTDBG_TEST_KERNEL"), &path));
	*strrchr(path, '/') = '\0';
	version = strrchr(path, '/') + 1;
	version[strcspn(version, "+-")] = '\0';
	text = str_format("ktdbg recording 1\nkernel %s\ntopology 1n1l2c1t\nclock virtual\n\nprint 1\n  | 2\n",
			  version);
	write_recording("one.t", text);
	said = batch(&o, "one.t", 1);
	assert_has(said, "one.t:7: the output differs");
	assert_null(strstr(said, "only expectations decide"));
	free(said);
	free(text);
	free(path);
}

static void test_bless(void **state)
{
	struct batch_options o;
	char path[128], *said, *text;
	size_t len;

	batch_options_init(&o);
	o.bless = true;
	write_recording("one.t", HEAD "# why\n[0.5] freeze\n  | wrong\nread symbol jiffies_64\n  | was (any)\n");
	said = batch(&o, "one.t", 0);
	assert_has(said, "# blessed: ");
	free(said);
	snprintf(path, sizeof(path), "%s/one.t", folder);
	expect_ok(read_whole_file(path, 1 << 20, &text, &len));
	assert_string_equal(text, HEAD "# why\n[0.5] freeze\n  | frozen at 0.500000000\n"
				       "read symbol jiffies_64\n  | was (any)\n");
	free(text);
	/* What fails is not blessed. */
	write_recording("one.t", HEAD "[0.5] freeze\n  | wrong\nexpect 0\n");
	free(batch(&o, "one.t", 1));
	expect_ok(read_whole_file(path, 1 << 20, &text, &len));
	assert_string_equal(text, HEAD "[0.5] freeze\n  | wrong\nexpect 0\n");
	free(text);
}

static const char busy[] =
	HEAD "cgroup add web weight=300\nspawn web workers=3 work=yield\nspawn @runner workers=2 work=spin\n"
	     "run 200ms\ntasks columns pid,comm,state,runtime,switches\nprint workers(web)\n"
	     "write task worker(@runner,0) prio 139 --force FIELD,L4,L5,L6\n  | (any)\nthaw\n"
	     "wait workers(web).iterations > 4000\nprint workers(@runner)\ncpus\n";

/* The digests of a run, of transcript and of guest memory, from the comments that have them. */
#define DIGESTS 128
static void digest(char ret[DIGESTS])
{
	struct batch_options o;
	const char *at;
	char *said, memory[17];

	batch_options_init(&o);
	o.digest = true;
	said = batch(&o, "busy.t", 0);
	at = strstr(said, "# sha256 ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "# sha256 %64[0-9a-f] ", ret), 1);
	at = strstr(at, "# memory ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "# memory %16[0-9a-f] ", memory), 1);
	strcat(ret, memory);
	free(said);
}

static void test_one_digest_whatever_the_load(void **state)
{
	char idle[DIGESTS], loaded[DIGESTS];
	struct load l;

	write_recording("busy.t", busy);
	digest(idle);
	load(&l, 3);
	digest(loaded);
	unload(&l);
	assert_string_equal(idle, loaded);
}

static void test_repeat_and_jobs(void **state)
{
	struct batch_options o;
	char *said;

	batch_options_init(&o);
	o.repeat = 2;
	o.jobs = 2;
	write_recording("busy.t", busy);
	said = batch(&o, "busy.t", 0);
	assert_has(said, "1..1\nok 1 - ");
	free(said);
}

static void test_a_hanging_one_and_the_next(void **state)
{
	struct batch_options o;
	char *said, junit[128], *xml;
	size_t len;

	batch_options_init(&o);
	o.timeout_ns = 8000000000;
	o.filter = "suite-*";
	snprintf(junit, sizeof(junit), "%s/.junit.xml", folder);
	o.junit = junit;
	write_recording("suite-1.t", HEAD "spawn @runner workers=2 work=spin\nrun 100000s\n");
	write_recording("suite-2.t", HEAD "expect 1\n");
	said = batch(&o, "", 1);
	assert_has(said, "not ok 1 - ");
	assert_has(said, "suite-1.t:6: it did not end within 8.000s of host time");
	assert_has(said, "\nok 2 - ");
	free(said);
	expect_ok(read_whole_file(junit, 1 << 20, &xml, &len));
	assert_has(xml, "<testsuite name=\"ktdbg\" package=\"ktdbg\" id=\"0\" tests=\"2\" failures=\"1\" errors=\"0\"");
	free(xml);
}

/* What its workers come to is even under one interleaving and odd under the next. */
static const char race[] = HEAD "spawn @runner workers=3 work=yield\n[0.1] freeze\n  | frozen at 0.100000000\n"
				"expect workers(@runner).iterations % 2 == 0\n";

static void test_exploring_saves_what_fails(void **state)
{
	struct batch_options o;
	char *said, *again, name[32], part[64];
	const char *at;

	batch_options_init(&o);
	o.explore = 16;
	o.jobs = 2;
	write_recording("race.t", race);
	said = batch(&o, "race.t", 1);
	at = strstr(said, "--quantum random:");
	assert_non_null(at);
	snprintf(name, sizeof(name), "race.random-%lu.t", strtoul(at + 17, NULL, 10));
	snprintf(part, sizeof(part), "/%s'\n", name);
	assert_has(said, part);
	free(said);
	/* The recording that it wrote fails there, on its own and in the same way each time. */
	batch_options_init(&o);
	o.repeat = 2;
	said = batch(&o, name, 1);
	again = batch(&o, name, 1);
	assert_has(said, "`workers(@runner).iterations % 2 == 0` is false");
	assert_string_equal(said, again);
	free(said);
	free(again);
}

static void test_exploring_what_holds(void **state)
{
	struct batch_options o;
	char *said;

	batch_options_init(&o);
	o.explore = 2;
	write_recording("one.t", HEAD "[0.1] freeze\n  | frozen at 9\nexpect time >= 100ms\n");
	said = batch(&o, "one.t", 0);
	assert_has(said, "\nok 1 - ");
	assert_has(said, "# 2 interleavings, --quantum random:1 to random:2\n");
	free(said);
	/* A matcher decides under any of them. */
	write_recording("one.t", HEAD "[0.1] freeze\n  | frozen at 9 (glob)\n");
	said = batch(&o, "one.t", 1);
	assert_has(said, "--quantum random:1: ");
	assert_has(said, "a line that must match is not there");
	free(said);
	o.repeat = 2;
	o.session = NULL;
	expect_err(batch_run(&o, &(int){0}), ERR_USAGE, "--explore and --repeat exclude each other");
}

static void test_no_exploring_of_the_real_clock(void **state)
{
	struct batch_options o;
	char *said;

	batch_options_init(&o);
	o.explore = 2;
	write_recording("one.t", "ktdbg recording 1\nclock real\n\nexpect 1\n");
	said = batch(&o, "one.t", 2);
	assert_has(said, "--explore needs --clock virtual, the recording says real");
	free(said);
}

static char *difference(const char *name, const struct quantum quanta[2])
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	struct recording *r;
	struct options options;
	char path[128];

	options_init(&options);
	options.kernel = getenv("KTDBG_TEST_KERNEL");
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	expect_ok(recording_read(path, &r));
	expect_ok(diff_runs(r, &options, quanta, out));
	recording_destroy(r);
	out_destroy(out);
	return str_take(&text);
}

static void test_where_histories_part(void **state)
{
	const struct quantum two[2] = {{.ns = 100000}, {.seed = 3}};
	const struct quantum same[2] = {{.ns = 100000}, {.ns = 100000}};
	char *said;

	write_recording("two.t", HEAD "spawn @runner workers=5 work=bursty\nrun 30ms\nexpect time < 1\n");
	said = difference("two.t", two);
	assert_has(said, "100us: ");
	assert_has(said, "`time < 1` is false");
	assert_has(said, "the histories part between 0.0");
	assert_has(said, "differs\n");
	assert_has(said, "--- 100us\n+++ random:3\n@@ ");
	free(said);
	said = difference("two.t", same);
	assert_has(said, "both end with the same guest memory\n");
	free(said);
}

/* Each against each, whatever kernel a recording names; the second one does not exist. */
static void test_matrix(void **state)
{
	struct batch_options o;
	const char *kernels[2] = {NULL, "1.2.3"};
	char *kernel, *said;

	expect_ok(kernel_cache_resolve(getenv("KTDBG_TEST_KERNEL"), &kernel));
	kernels[0] = kernel;
	batch_options_init(&o);
	o.kernels = kernels;
	o.kernel_count = 2;
	o.filter = "matrix-*";
	write_recording("matrix-1.t", "ktdbg recording 1\nkernel 1.2.3\ntopology 1n1l2c1t\n\nexpect ncpus == 2\n");
	write_recording("matrix-2.t", HEAD "expect ncpus == 3\n");
	said = batch(&o, "", 3);
	assert_has(said, "1..4\nok 1 - ");
	assert_has(said, "/matrix-1.t (kernel 1.2.3)\n");
	assert_has(said, "# only expectations decide: kernel ");
	assert_has(said, "/matrix-1.t  ok ");
	assert_has(said, "/matrix-2.t  failed ");
	assert_has(said, "  environment\n");
	free(said);
	o.bless = true;
	o.session = NULL;
	expect_err(batch_run(&o, &(int){0}), ERR_USAGE,
		   "--bless takes one kernel: output differs between them");
	o.bless = false;
	o.explore = 2;
	expect_err(batch_run(&o, &(int){0}), ERR_USAGE,
		   "--explore takes one kernel: what it saves names one");
	free(kernel);
}

/* The one file `name` that a case left in the folder of artifacts. */
static char *artifact(const char *name, size_t limit)
{
	char path[256], *text = calloc(1, limit + 1);
	FILE *file;

	/* The folder's name is the recording's path, with _ for /. */
	snprintf(path, sizeof(path), "%s/.art/%s_one.t/%s", folder, folder + 1, name);
	for (char *p = strstr(path, ".art/") + 5; *p && strncmp(p, "_one.t", 6) != 0; p++)
		if (*p == '/')
			*p = '_';
	file = fopen(path, "re");
	if (!file || !text)
		fail_msg("%s: no such artifact", path);
	text[fread(text, 1, limit, file)] = '\0';
	fclose(file);
	return text;
}

static void test_artifacts(void **state)
{
	struct batch_options o;
	char art[128], *text;

	batch_options_init(&o);
	snprintf(art, sizeof(art), "%s/.art", folder);
	o.artifacts = art;
	write_recording("one.t", HEAD "[0.1] freeze\nexpect 1 == 2\n");
	/* The second time is over what the first one left. */
	free(batch(&o, "one.t", 1));
	free(batch(&o, "one.t", 1));
	text = artifact("screen", 65536);
	assert_has(text, "ktdbg> status\n");
	assert_has(text, "ktdbg> cpus\n");
	assert_null(strstr(text, "error: "));
	free(text);
	text = artifact("core", 4);
	assert_memory_equal(text, "\177ELF", 4);
	free(text);
	text = artifact("dump.json", 1 << 24);
	assert_has(text, "{\n\"ktdbg_dump\": 2,\n");
	assert_has(text, "\n\"why\": [");
	assert_memory_equal(text + strlen(text) - 3, "\n}\n", 3);
	free(text);
	text = artifact("transcript", 65536);
	assert_has(text, "[0.100000000] freeze\n");
	assert_null(strstr(text, "vmcore"));
	free(text);
}

static const char stages[] = HEAD "spawn @runner workers=1 work=spin\n" /* line 5 */
				  "expect 1 == 2\n"
				  "[0.2] cgroup add web\n"
				  "[0.4] freeze\n";

/* What a recording is at a line: the time, whether its cgroup is there, and what its commands said. */
static void opened(unsigned int line, uint64_t time, bool has_cgroup, const char *said)
{
	struct options options, own;
	struct recording *r;
	struct session *s;
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	struct err *err;
	bool more;

	options_init(&options);
	options.kernel = getenv("KTDBG_TEST_KERNEL");
	expect_ok(recording_parse("r.t", stages, strlen(stages), &r));
	expect_ok(replay_options(r, &options, &own));
	expect_ok(session_create(&own, &s));
	expect_ok(replay_until(s, r, line, out));
	assert_has(str_text(&text), said);
	assert_int_equal(coord_time(session_coord(s)), time);
	expect_ok(session_execute(s, "expect frozen", out, &more));
	err = session_execute(s, "print cgroup(web).weight", out, &more);
	assert_int_equal(err == NULL, has_cgroup);
	err_free(err);
	session_destroy(s);
	out_destroy(out);
	options_deinit(&own);
	recording_destroy(r);
	str_deinit(&text);
}

static void test_opened_at_a_line(void **state)
{
	/* At the time of the command in that line, which has not run. */
	opened(7, 200000000, false, "error: r.t:6: `1 == 2` is false");
	opened(0, 400000000, true, "frozen at 0.400000000\n");
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	char *kernel = NULL;
	struct err *err = kernel_cache_resolve(getenv("KTDBG_TEST_KERNEL"), &kernel);

	(void)state;
	if (err) {
		fprintf(stderr, "skipped: %s\n", err_detail(err));
		exit(77);
	}
	free(kernel);
	interrupt_install();
	strcpy(folder, "/tmp/ktdbg-batch-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_false_expectations_fail),
		cmocka_unit_test(test_output_that_differs_fails),
		cmocka_unit_test(test_errors_are_output),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_another_build),
		cmocka_unit_test(test_what_differs),
		cmocka_unit_test(test_kernels_in_short),
		cmocka_unit_test(test_bless),
		cmocka_unit_test(test_one_digest_whatever_the_load),
		cmocka_unit_test(test_repeat_and_jobs),
		cmocka_unit_test(test_exploring_saves_what_fails),
		cmocka_unit_test(test_exploring_what_holds),
		cmocka_unit_test(test_no_exploring_of_the_real_clock),
		cmocka_unit_test(test_where_histories_part),
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_artifacts),
		cmocka_unit_test(test_opened_at_a_line),
		cmocka_unit_test(test_a_hanging_one_and_the_next),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
