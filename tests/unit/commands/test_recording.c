/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/recording.h"

#include "base/file.h"
#include "commands/options.h"
#include "tests/expect.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "ktdbg recording 1\n"

static struct err *parse(const char *text, struct recording **ret)
{
	return recording_parse("r.t", text, strlen(text), ret);
}

static struct recording *parsed(const char *text)
{
	struct recording *r;

	expect_ok(parse(text, &r));
	return r;
}

static void refused(const char *text, const char *message)
{
	struct recording *r = NULL;
	struct err *err = parse(text, &r);

	if (!err)
		err = recording_check_commands(r);
	if (!err)
		err = recording_check_matchers(r);
	recording_destroy(r);
	expect_err(err, ERR_USAGE, message);
}

static const char example[] =
	HEAD
	"kernel 7.2.12+deb13-cloud-amd64 0123abc\n"
	"topology 1n1l4c1t\n"
	"clock virtual\n"
	"scheduler vtime\n"
	"\n"
	"# a sleeping worker keeps the vtime that we give it\n"
	"spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper\n"
	"[0.500000000] freeze\n"
	"let w worker(@runner,0)\n"
	"write task $w scx.dsq_vtime 2592000000000000\n"
	"  | u64 0 -> 2592000000000000 (any)\n"
	"batch\n"
	"  read task $w pid\n"
	"  # a remark\n"
	"end\n"
	"  | one\n"
	"  |\n"
	"thaw\n";

static void test_the_example(void **state)
{
	struct recording *r = parsed(example);

	assert_int_equal(r->header_count, 4);
	assert_string_equal(recording_header_value(r, "kernel"), "7.2.12+deb13-cloud-amd64");
	assert_string_equal(r->build_id, "0123abc");
	assert_null(recording_header_value(r, "image"));
	assert_int_equal(r->step_count, 6);
	assert_string_equal(r->steps[0].command, "spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper");
	assert_false(r->steps[0].has_time);
	assert_true(r->steps[1].has_time);
	assert_int_equal(r->steps[1].time, 500000000);
	assert_string_equal(r->steps[1].command, "freeze");
	assert_int_equal(r->steps[1].line, 9);
	assert_int_equal(r->steps[3].output_count, 1);
	assert_string_equal(r->steps[3].outputs[0].text, "u64 0 -> 2592000000000000 (any)");
	assert_string_equal(r->steps[4].command, "batch\nread task $w pid\n# a remark\nend");
	assert_int_equal(r->steps[4].line, 13);
	assert_int_equal(r->steps[4].last_line, 16);
	assert_int_equal(r->steps[4].output_count, 2);
	assert_string_equal(r->steps[4].outputs[1].text, "");
	assert_int_equal(r->steps[4].outputs[1].line, 18);
	assert_false(r->cut_off);
	expect_ok(recording_check_commands(r));
	recording_destroy(r);
}

static void test_options_of_the_header(void **state)
{
	struct recording *r = parsed(HEAD "memory 1G\nquantum 200us\nimage abc\nadd-file a:/a\nadd-file b:/b\n\n");
	struct options o;

	options_init(&o);
	o.scheduler = "vtime";
	expect_ok(recording_options(r, &o));
	assert_int_equal(o.memory, 1u << 30);
	assert_int_equal(o.quantum.ns, 200000);
	assert_int_equal(o.add_file_count, 2);
	assert_string_equal(o.scheduler, "vtime");
	options_deinit(&o);
	recording_destroy(r);
}

static void test_a_header_alone_is_a_recording(void **state)
{
	struct recording *r = parsed(HEAD);

	assert_int_equal(r->step_count, 0);
	recording_destroy(r);
	r = parsed(HEAD "\n\n# nothing yet\n");
	assert_int_equal(r->step_count, 0);
	recording_destroy(r);
}

static void test_bad_first_lines(void **state)
{
	refused("", "r.t:1: empty: a recording begins with the line `ktdbg recording 1`");
	refused("ktdbg rec", "r.t:1: cut off in its first line");
	refused("\n", "r.t:1: column 1: no recording: the first line is not `ktdbg recording 1`\n  \n  ^");
	refused("#!/bin/sh\n",
		"r.t:1: column 1: no recording: the first line is not `ktdbg recording 1`\n  #!/bin/sh\n  ^");
	refused("ktdbg recording 2\n",
		"r.t:1: column 17: this is version 2 of the format; this ktdbg reads version 1\n"
		"  ktdbg recording 2\n"
		"                  ^");
	refused("\xef\xbb\xbf" HEAD,
		"r.t:1: column 1: the file begins with a byte order mark; it may not\n"
		"  \xef\xbb\xbfktdbg recording 1\n"
		"  ^");
}

static void test_bad_headers(void **state)
{
	refused(HEAD "topolgy 1n1l4c1t\n\n",
		"r.t:2: column 1: no header line `topolgy`; near: topology\n  topolgy 1n1l4c1t\n  ^");
	refused(HEAD "clock virtual\nclock real\n\n",
		"r.t:3: column 1: `clock` again; it is in line 2 already\n  clock real\n  ^");
	refused(HEAD "json\n\n", "r.t:2: column 1: `json` does not belong into a recording\n  json\n  ^");
	refused(HEAD "freeze\n", "r.t:2: column 1: `freeze` is a command; the body begins after an empty line\n"
				 "  freeze\n"
				 "  ^");
	refused(HEAD "image\n\n", "r.t:2: column 6: image: needs a value\n  image\n       ^");
	refused(HEAD "kernel 7.2 XYZ\n\n",
		"r.t:2: column 12: a kernel line is `kernel VERSION BUILD-ID`, the build id in lower-case "
		"hexadecimal digits\n"
		"  kernel 7.2 XYZ\n"
		"             ^");
	refused(HEAD "[0.5] freeze\n",
		"r.t:2: column 1: a header line is `key value`; the body begins after an empty line\n"
		"  [0.5] freeze\n"
		"  ^");
}

static void test_kernels_whose_path_has_blanks(void **state)
{
	struct recording *r = parsed(HEAD "kernel /my kernels/vmlinuz 0abc\n\n");

	assert_string_equal(recording_header_value(r, "kernel"), "/my kernels/vmlinuz");
	assert_string_equal(r->build_id, "0abc");
	recording_destroy(r);
	r = parsed(HEAD "kernel /my kernels/vmlinuz\n\n");
	assert_string_equal(recording_header_value(r, "kernel"), "/my kernels/vmlinuz");
	assert_null(r->build_id);
	recording_destroy(r);
}

static void test_bad_option_values_name_the_line(void **state)
{
	struct recording *r;

	expect_err_with(parse(HEAD "clock virtual\nmemory lots\n\n", &r), ERR_USAGE, "r.t:3: column 8: memory: ");
	expect_err_with(parse(HEAD "topology 4c\n\n", &r), ERR_USAGE, "r.t:2: column 10: topology: ");
}

static void test_bad_times(void **state)
{
	static const char why[] = "a time is [SECONDS] with at most nine decimals, as in [0.500000000]";
	char message[256];

	snprintf(message, sizeof(message), "r.t:3: column 2: %s\n  [x] freeze\n   ^", why);
	refused(HEAD "\n[x] freeze\n", message);
	snprintf(message, sizeof(message), "r.t:3: column 13: %s\n  [0.1234567890] freeze\n              ^", why);
	refused(HEAD "\n[0.1234567890] freeze\n", message);
	snprintf(message, sizeof(message), "r.t:3: column 4: %s\n  [1.] freeze\n     ^", why);
	refused(HEAD "\n[1.] freeze\n", message);
	snprintf(message, sizeof(message), "r.t:3: column 12: %s\n  [12345678901] freeze\n             ^", why);
	refused(HEAD "\n[12345678901] freeze\n", message);
	refused(HEAD "\n[1]freeze\n",
		"r.t:3: column 4: a blank and a command must follow the time\n  [1]freeze\n     ^");
	refused(HEAD "\n[1] \n", "r.t:3: column 5: a command must follow the time\n  [1] \n      ^");
	refused(HEAD "\n[2] freeze\n[1.999999999] thaw\n",
		"r.t:4: column 2: this time lies before that of an earlier command\n"
		"  [1.999999999] thaw\n"
		"   ^");
}

/* Guest time is another behind a restore, and nothing else. */
static void test_times_behind_a_restore(void **state)
{
	struct recording *r = parsed(HEAD "\n[2] checkpoint  restore a gap 1s\n[1] thaw\n[1.5] freeze\n");

	assert_int_equal(r->step_count, 3);
	assert_true(recording_sets_time(&r->steps[0]));
	assert_false(recording_sets_time(&r->steps[1]));
	assert_int_equal(r->steps[1].time, 1000000000);
	recording_destroy(r);
	refused(HEAD "\n[2] checkpoint restored a\n[1] thaw\n",
		"r.t:4: column 2: this time lies before that of an earlier command\n  [1] thaw\n   ^");
	refused(HEAD "\n[2] checkpoint save restore\n[1] thaw\n",
		"r.t:4: column 2: this time lies before that of an earlier command\n  [1] thaw\n   ^");
}

static void test_bad_bodies(void **state)
{
	refused(HEAD "\n  | x\nfreeze\n",
		"r.t:3: column 3: output before the first command\n    | x\n    ^");
	refused(HEAD "\nend\n", "r.t:3: column 1: `end` without a block\n  end\n  ^");
	refused(HEAD "\nbatch\nread task 1 pid\n", "r.t:3: column 1: the block that begins here has no `end`\n  batch\n  ^");
	refused(HEAD "\nbatch\n  | x\nend\n",
		"r.t:4: column 3: output inside a block: it follows the `end`\n    | x\n    ^");
	refused(HEAD "\nbatch\n   | x\nend\n",
		"r.t:4: column 4: output inside a block: it follows the `end`\n     | x\n     ^");
	refused(HEAD "\nfreeze\n | x\n",
		"r.t:4: column 2: output lines begin with two blanks, a bar and a blank\n   | x\n   ^");
	refused(HEAD "\nfreeze\n[1] frezze\n",
		"r.t:4: column 5: no command 'frezze'; near: freeze; `help` lists them\n  [1] frezze\n      ^");
	refused(HEAD "\nfree\n", "r.t:3: column 1: recordings have full names: `freeze`\n  free\n  ^");
	refused(HEAD "\ndoctor\n", "r.t:3: column 1: `doctor` has no place in a recording\n  doctor\n  ^");
	refused(HEAD "\nfreeze\n  | ( (re)\n",
		"r.t:4: column 5: bad pattern: Unmatched ( or \\(\n    | ( (re)\n      ^");
}

static void test_what_is_wrong_without_a_guest(void **state)
{
	struct recording *r;

	refused(HEAD "\n[1] expect 1 +\n",
		"r.t:3: column 15: an operand is missing at the end\n  [1] expect 1 +\n                ^");
	refused(HEAD "\nwait (1 timeout 3s\n", "r.t:3: column 8: `)` is missing here\n"
					       "  wait (1 timeout 3s\n"
					       "         ^");
	refused(HEAD "\nlet a )\n", "r.t:3: column 7: an operand is missing here\n  let a )\n        ^");
	refused(HEAD "\nlet 1a 2\n", "r.t:3: column 5: usage: let NAME EXPR\n  let 1a 2\n      ^");
	refused(HEAD "\nspawn @runner 'a\n", "r.t:3: column 7: no closing ' for: 'a\n  spawn @runner 'a\n        ^");
	refused(HEAD "\nbatch\nraed task 1 pid\nend\n",
		"r.t:4: column 1: no command 'raed'; near: read; `help` lists them\n  raed task 1 pid\n  ^");
	refused(HEAD "\nstep hold=1s\ndef a workers=1\n  expect 1 ==\nend\n",
		"r.t:5: column 14: an operand is missing at the end\n    expect 1 ==\n               ^");
	/* It may be there to be refused. */
	r = parsed(HEAD "\nprint 1 +\n  | error: column 4: .* (re)\n  | (any)\n  | (any)\n"
			"batch\nraed task 1 pid\nend\n  | error: no command .* (re)\n");
	expect_ok(recording_check_commands(r));
	recording_destroy(r);
}

static void test_bytes_that_are_no_text(void **state)
{
	struct recording *r;
	char text[] = HEAD "\nfre?ze\n";

	refused(HEAD "\nfreeze\r\n",
		"r.t:3: column 7: the line ends in a carriage return; lines end in a newline alone\n"
		"  freeze\\x0d\n"
		"        ^");
	refused(HEAD "\nfree\x1bze\n", "r.t:3: column 5: byte 0x1b is no text\n  free\\x1bze\n      ^");
	refused(HEAD "\n# \xc3\xa9\xe9\n", "r.t:3: column 5: byte 0xe9 is no UTF-8\n  # \xc3\xa9\\xe9\n     ^");
	*strchr(text, '?') = '\0';
	expect_err(recording_parse("r.t", text, sizeof(text) - 1, &r), ERR_USAGE,
		   "r.t:3: column 4: byte 0x00 is no text\n  fre\n     ^");
}

/* What is the matter with the file itself; a pipe without a writer is not waited for. */
static void test_files_that_are_no_text(void **state)
{
	char folder[] = "/tmp/ktdbg-recording-XXXXXX", path[64], message[128];
	struct recording *r;

	assert_non_null(mkdtemp(folder));
	snprintf(message, sizeof(message), "cannot read %s: Is a directory", folder);
	expect_err(recording_read(folder, &r), ERR_USAGE, message);
	snprintf(path, sizeof(path), "%s/r.t", folder);
	snprintf(message, sizeof(message), "cannot open %s: No such file or directory", path);
	expect_err(recording_read(path, &r), ERR_USAGE, message);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(message, sizeof(message), "%s:1: empty: ", path);
	expect_err_with(recording_read(path, &r), ERR_USAGE, message);
	unlink(path);
	expect_ok(replace_file(path, HEAD, strlen(HEAD)));
	assert_int_equal(truncate(path, 1 << 30), 0);
	snprintf(message, sizeof(message), "%s is larger than %d bytes", path, RECORDING_MAX_FILE);
	expect_err(recording_read(path, &r), ERR_USAGE, message);
	unlink(path);
	rmdir(folder);
}

static void test_long_lines(void **state)
{
	size_t len = strlen(HEAD) + 1 + RECORDING_MAX_LINE + 3;
	char *text = malloc(len);
	struct recording *r;

	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text, HEAD "\n#", strlen(HEAD) + 2);
	text[len - 1] = '\n';
	expect_err(recording_parse("r.t", text, len, &r), ERR_USAGE,
		   "r.t:3: a line of 65538 bytes; at most 65536 are taken");
	text[len - 3] = '\n';
	expect_ok(recording_parse("r.t", text, len - 2, &r));
	assert_int_equal(strlen(r->lines[2]), RECORDING_MAX_LINE);
	recording_destroy(r);
	free(text);
}

/* Cut anywhere: valid up to its last whole line, or a message that says where; never a crash. */
static void test_cut_off_anywhere(void **state)
{
	for (size_t len = 0; len < sizeof(example) - 1; len++) {
		char *text = strndup(example, len);
		struct recording *r = NULL;
		struct err *err = recording_parse("r.t", text, len, &r);

		if (err) {
			assert_int_equal(err_kind(err), ERR_USAGE);
			assert_int_equal(strncmp(err_detail(err), "r.t:", 4), 0);
			/* Only in the first line, or in a block that stops at a line's end. */
			if (len >= strlen(HEAD) && !strstr(err_detail(err), "has no `end`"))
				fail_msg("%zu: %s", len, err_detail(err));
			err_free(err);
		} else {
			assert_int_equal(r->cut_off, len > 0 && text[len - 1] != '\n');
			recording_destroy(r);
		}
		free(text);
	}
}

static void test_a_cut_off_line_does_not_run(void **state)
{
	struct recording *r = parsed(HEAD "\nfreeze\nthaw");

	assert_true(r->cut_off);
	assert_int_equal(r->step_count, 1);
	recording_destroy(r);
	r = parsed(HEAD "\nfreeze\nbatch\nread task 1 pid\nread ta");
	assert_int_equal(r->step_count, 1);
	recording_destroy(r);
}

static void test_bless_rewrites_output_and_nothing_else(void **state)
{
	static const char before[] = HEAD "\n"
					  "# first\n"
					  "[1.5]   cpus\n"
					  "  | header\n"
					  "  | pid [0-9]+ (re)\n"
					  "  # between\n"
					  "  | old line\n"
					  "\n"
					  "freeze\n"
					  "tasks\n"
					  "  | a\n"
					  "  | what it was (any)\n"
					  "# last\n";
	static const char after[] = HEAD "\n"
					 "# first\n"
					 "[1.5]   cpus\n"
					 "  | header\n"
					 "  | pid [0-9]+ (re)\n"
					 "  | new line\n"
					 "  | ends in (re) (glob)\n"
					 "  # between\n"
					 "\n"
					 "freeze\n"
					 "tasks\n"
					 "  | what it was (any)\n"
					 "# last\n";
	const char *outputs[] = {"header\npid 117\nnew line\nends in (re)\n", "frozen at 1.5\n", "b\n"};
	struct recording *r = parsed(before);
	struct str s = {0};

	expect_ok(recording_bless(r, outputs, &s));
	assert_string_equal(str_text(&s), after);
	str_clear(&s);
	outputs[0] = outputs[2] = NULL;
	expect_ok(recording_bless(r, outputs, &s));
	assert_string_equal(str_text(&s), before);
	str_deinit(&s);
	recording_destroy(r);
}

static void test_pinned_options(void **state)
{
	struct options o;
	struct recording *r = parsed(HEAD "# of a person\nquantum 1ms\nkernel 7.2 0abc\n# too\n\nfreeze\n");
	struct str s = {0};

	options_init(&o);
	o.clock = CLOCK_VIRTUAL;
	o.quantum = (struct quantum){.seed = 9};
	expect_ok(recording_pin(r, &o, &s));
	assert_string_equal(str_text(&s), HEAD "# of a person\nquantum random:9\nkernel 7.2 0abc\n"
					       "topology 1n1l4c1t\nclock virtual\n# too\n\nfreeze\n");
	str_clear(&s);
	recording_destroy(r);
	r = parsed(HEAD "\nfreeze\n");
	expect_ok(recording_pin(r, &o, &s));
	assert_string_equal(str_text(&s), HEAD "topology 1n1l4c1t\nclock virtual\nquantum random:9\n"
					       "\nfreeze\n");
	str_deinit(&s);
	recording_destroy(r);
}

static void compares(const char *expected, const char *actual, bool equal, bool matchers_hold)
{
	char text[512];
	struct recording *r;
	struct recording_compare c;

	snprintf(text, sizeof(text), HEAD "\ncpus\n%s", expected);
	r = parsed(text);
	expect_ok(recording_compare(&r->steps[0], actual, &c));
	assert_int_equal(c.equal, equal);
	assert_int_equal(c.matchers_hold, matchers_hold);
	recording_compare_deinit(&c);
	recording_destroy(r);
}

static void test_comparison(void **state)
{
	compares("  | a\n  | b\n", "a\nb\n", true, true);
	compares("  | a\n  | b\n", "a\nc\n", false, true);
	compares("  | a\n", "a\nb\n", false, true);
	compares("  | a\n  | b\n", "b\n", false, true);
	compares("  | a\n  | 1* (glob)\n", "x\n12\n", false, true);
	compares("  | a\n  | 1* (glob)\n", "a\n21\n", false, false);
	compares("  | a\n  | (any)\n", "a\nz\n", true, true);
	compares("  | (any)\n", "", false, false);
	compares("  |\n", "\n", true, true);
}

static void test_format(void **state)
{
	struct recording *r = parsed(HEAD "kernel  7.2   abc\n  # why\nclock virtual  \n\n\n\n"
					  "[0.5] freeze  \n  # remark\nbatch\nread task 1 pid\n   write task 1 prio 3\n"
					  "end\n  | x\n\n\n\nthaw\n\n");
	struct str once = {0}, twice = {0};

	expect_ok(recording_format(r, &once));
	recording_destroy(r);
	assert_string_equal(str_text(&once),
			    HEAD "kernel 7.2 abc\n# why\nclock virtual\n\n"
				 "[0.500000000] freeze\n# remark\nbatch\n  read task 1 pid\n"
				 "  write task 1 prio 3\nend\n  | x\n\nthaw\n");
	r = parsed(str_text(&once));
	expect_ok(recording_format(r, &twice));
	assert_string_equal(str_text(&twice), str_text(&once));
	recording_destroy(r);
	str_deinit(&once);
	str_deinit(&twice);
}

static void test_format_of_remarks_alone(void **state)
{
	struct recording *r = parsed(HEAD "  # of the header\n\n  # of the body\n");
	struct str s = {0};

	expect_ok(recording_format(r, &s));
	assert_string_equal(str_text(&s), HEAD "# of the header\n\n# of the body\n");
	recording_destroy(r);
	str_deinit(&s);
}

static void test_error_as_output(void **state)
{
	struct err *err = err_new(ERR_USAGE, "column 1: no\n  \x1b\n  ^");
	struct str s = {0};

	recording_error_text(err, &s);
	assert_string_equal(str_text(&s), "error: column 1: no\n  \\x1b\n  ^\n");
	str_deinit(&s);
	err_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_example),
		cmocka_unit_test(test_options_of_the_header),
		cmocka_unit_test(test_a_header_alone_is_a_recording),
		cmocka_unit_test(test_bad_first_lines),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_kernels_whose_path_has_blanks),
		cmocka_unit_test(test_bad_option_values_name_the_line),
		cmocka_unit_test(test_bad_times),
		cmocka_unit_test(test_times_behind_a_restore),
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_what_is_wrong_without_a_guest),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_files_that_are_no_text),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_cut_off_anywhere),
		cmocka_unit_test(test_a_cut_off_line_does_not_run),
		cmocka_unit_test(test_bless_rewrites_output_and_nothing_else),
		cmocka_unit_test(test_pinned_options),
		cmocka_unit_test(test_comparison),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_of_remarks_alone),
		cmocka_unit_test(test_error_as_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
