/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/out.h"

#include "tests/expect.h"

struct fixture {
	struct str text;
	struct out *out;
};

static void begin(struct fixture *f, enum out_format format)
{
	f->text = (struct str){0};
	f->out = out_create(format, out_sink_str, &f->text);
	assert_non_null(f->out);
}

/* The output so far is exactly `wanted`; ends the fixture. */
static void end(struct fixture *f, const char *wanted)
{
	assert_null(out_error(f->out));
	assert_string_equal(str_text(&f->text), wanted);
	out_destroy(f->out);
	str_deinit(&f->text);
}

static const struct out_column columns[] = {
	{"pid", OUT_RIGHT}, {"comm", 0}, {"extra", OUT_HIDDEN}, {"key", OUT_SORT_ONLY}};

static void add_row(struct out *out, uint64_t pid, const char *comm, struct out_value key)
{
	const struct out_value values[] = {out_u64(pid), out_string(comm), out_bool(true), key};

	out_row(out, values);
}

static void three_rows(struct out *out)
{
	out_table_begin(out, columns, 4);
	add_row(out, 7, "seven", out_s64(-1));
	add_row(out, 100, "hundred", out_absent());
	add_row(out, 12, "twelve", out_s64(3));
}

static void test_table_is_aligned_and_leaves_no_blanks_at_the_end(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	three_rows(f.out);
	out_table_end(f.out);
	end(&f, "pid  comm\n"
		"  7  seven\n"
		"100  hundred\n"
		" 12  twelve\n");
}

static void test_sort_descends_and_puts_missing_values_last(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	three_rows(f.out);
	expect_ok(out_table_sort(f.out, "-key"));
	out_table_end(f.out);
	three_rows(f.out);
	expect_ok(out_table_sort(f.out, "key"));
	out_table_end(f.out);
	end(&f, "pid  comm\n 12  twelve\n  7  seven\n100  hundred\n"
		"pid  comm\n  7  seven\n 12  twelve\n100  hundred\n");
}

static void test_equal_rows_keep_their_order(void **state)
{
	struct fixture f;

	begin(&f, OUT_JSON);
	out_table_begin(f.out, columns, 4);
	for (uint64_t pid = 1; pid <= 5; pid++)
		add_row(f.out, pid, "same", out_u64(0));
	expect_ok(out_table_sort(f.out, "-comm"));
	expect_ok(out_table_select(f.out, "pid"));
	out_table_end(f.out);
	end(&f, "{\"pid\": 1}\n{\"pid\": 2}\n{\"pid\": 3}\n{\"pid\": 4}\n{\"pid\": 5}\n");
}

static void test_select_before_the_rows_orders_columns(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	out_table_begin(f.out, columns, 4);
	expect_ok(out_table_select(f.out, "extra,pid"));
	add_row(f.out, 1, "init", out_u64(0));
	out_table_end(f.out);
	out_table_begin(f.out, columns, 4);
	add_row(f.out, 1, "", out_u64(0));
	out_table_end(f.out);
	end(&f, "extra  pid\nyes      1\npid  comm\n  1\n");
}

static void test_unknown_columns_are_named(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	three_rows(f.out);
	expect_err(out_table_sort(f.out, "-prio"), ERR_NOT_FOUND,
		   "no column prio; there are: pid comm extra key");
	expect_err(out_table_select(f.out, "pid,,comm"), ERR_NOT_FOUND,
		   "no column ; there are: pid comm extra key");
	out_table_drop(f.out);
	end(&f, "");
}

static void test_json_rows_have_hidden_columns_but_not_sort_keys(void **state)
{
	struct fixture f;

	begin(&f, OUT_JSON);
	out_table_begin(f.out, columns, 4);
	add_row(f.out, 3, "a \"b\" \\c", out_u64(0));
	out_table_end(f.out);
	end(&f, "{\"pid\": 3, \"comm\": \"a \\\"b\\\" \\\\c\", \"extra\": true}\n");
}

static void test_every_kind_of_value(void **state)
{
	struct fixture f;
	struct out_value named = out_u64(2);

	named.string = "SCX_ENABLED";
	for (int json = 0; json < 2; json++) {
		begin(&f, json ? OUT_JSON : OUT_TEXT);
		out_record_begin(f.out);
		out_record(f.out, "string", out_string("text"));
		out_record(f.out, "u64", out_u64(UINT64_MAX));
		out_record(f.out, "s64", out_s64(-5));
		out_record(f.out, "hex", out_hex(0xff));
		out_record(f.out, "bool", out_bool(false));
		out_record(f.out, "absent", out_absent());
		out_record(f.out, "none", out_none());
		out_record(f.out, "fault", out_fault(0x10));
		out_record(f.out, "named", named);
		out_record(f.out, "json", out_json("[1, {}]"));
		out_record_end(f.out);
		end(&f,
		    json ? "{\"string\": \"text\", \"u64\": 18446744073709551615, \"s64\": -5, "
			   "\"hex\": 255, \"bool\": false, \"absent\": null, "
			   "\"none\": null, \"fault\": {\"fault\": 16}, \"named\": 2, "
			   "\"json\": [1, {}]}\n"
			 : "string  text\nu64     18446744073709551615\ns64     -5\nhex     0xff\n"
			   "bool    no\nabsent  <absent>\nnone    -\nfault   <fault 0x10>\nnamed   "
			   "SCX_ENABLED\njson    [1, {}]\n");
	}
}

static void test_guest_text_cannot_reach_the_terminal_raw(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	out_table_begin(f.out, columns, 4);
	add_row(f.out, 1, "\x1b[2Jevil\n", out_u64(0));
	out_table_end(f.out);
	out_text(f.out, "a\tb \x1b%s", "\x07");
	end(&f, "pid  comm\n  1  \\x1b[2Jevil\\x0a\na       b \\x1b\\x07\n");
}

static void test_width_counts_characters_not_bytes(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	out_table_begin(f.out, columns, 4);
	expect_ok(out_table_select(f.out, "comm,pid"));
	add_row(f.out, 1, "\xc3\xa4\xc3\xb6\xc3\xbc", out_u64(0));
	out_table_end(f.out);
	end(&f, "comm  pid\n\xc3\xa4\xc3\xb6\xc3\xbc     1\n");
}

static void test_replies(void **state)
{
	const struct out_value old = out_u64(0), now = out_u64(42);
	struct fixture f;

	begin(&f, OUT_TEXT);
	out_reply(f.out, "seeded", "u64", NULL, &now, "queued");
	out_reply(f.out, "", "u64", &old, &now, "");
	end(&f, "seeded u64 42 (queued)\nu64 0 -> 42\n");
	begin(&f, OUT_JSON);
	out_reply(f.out, "t", "u64", &old, &now, "hot");
	out_reply(f.out, NULL, "u64", NULL, &now, NULL);
	end(&f,
	    "{\"tag\": \"t\", \"type\": \"u64\", \"old\": 0, \"value\": 42, \"notes\": \"hot\"}\n"
	    "{\"type\": \"u64\", \"value\": 42}\n");
}

static void test_prose_is_a_line_each(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	out_lines(f.out, "one\n\ntwo");
	end(&f, "one\n\ntwo\n");
	begin(&f, OUT_JSON);
	out_lines(f.out, "one\ntwo\n");
	end(&f, "{\"text\": \"one\"}\n{\"text\": \"two\"}\n");
}

/* A program gets the byte; a terminal that shows the line gets none. */
static void test_control_bytes_in_json_are_escaped(void **state)
{
	struct fixture f;

	begin(&f, OUT_JSON);
	out_lines(f.out, "\tint a\x1b[1m\"b\\\xff");
	end(&f, "{\"text\": \"\\u0009int a\\u001b[1m\\\"b\\\\\\\\xff\"}\n");
	begin(&f, OUT_TEXT);
	out_lines(f.out, "a\x1b[1m");
	end(&f, "a\\x1b[1m\n");
}

static void test_tee_gets_everything_in_its_own_format(void **state)
{
	struct fixture f, second;
	const struct out_value value = out_u64(1);

	begin(&f, OUT_JSON);
	begin(&second, OUT_TEXT);
	out_set_tee(f.out, second.out);
	three_rows(f.out);
	expect_ok(out_table_sort(f.out, "-pid"));
	expect_ok(out_table_select(f.out, "pid"));
	out_table_end(f.out);
	out_record_begin(f.out);
	out_record(f.out, "k", out_string("v"));
	out_record_end(f.out);
	out_text(f.out, "prose");
	out_reply(f.out, "", "int", NULL, &value, "");
	out_set_tee(f.out, NULL);
	out_text(f.out, "alone");
	end(&second, "pid\n100\n 12\n  7\nk  v\nprose\nint 1\n");
	end(&f,
	    "{\"pid\": 100}\n{\"pid\": 12}\n{\"pid\": 7}\n{\"k\": \"v\"}\n{\"text\": \"prose\"}\n"
	    "{\"type\": \"int\", \"value\": 1}\n{\"text\": \"alone\"}\n");
}

static void test_a_dropped_table_leaves_nothing(void **state)
{
	struct fixture f;

	begin(&f, OUT_TEXT);
	three_rows(f.out);
	out_table_drop(f.out);
	out_table_end(f.out);
	out_record_end(f.out);
	end(&f, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_aligned_and_leaves_no_blanks_at_the_end),
		cmocka_unit_test(test_sort_descends_and_puts_missing_values_last),
		cmocka_unit_test(test_equal_rows_keep_their_order),
		cmocka_unit_test(test_select_before_the_rows_orders_columns),
		cmocka_unit_test(test_unknown_columns_are_named),
		cmocka_unit_test(test_json_rows_have_hidden_columns_but_not_sort_keys),
		cmocka_unit_test(test_every_kind_of_value),
		cmocka_unit_test(test_guest_text_cannot_reach_the_terminal_raw),
		cmocka_unit_test(test_width_counts_characters_not_bytes),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_prose_is_a_line_each),
		cmocka_unit_test(test_control_bytes_in_json_are_escaped),
		cmocka_unit_test(test_tee_gets_everything_in_its_own_format),
		cmocka_unit_test(test_a_dropped_table_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
