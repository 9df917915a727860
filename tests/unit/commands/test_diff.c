/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/diff.h"

#include "tests/expect.h"

#include <stdio.h>

static void differs(const char *a, const char *b, const char *wanted)
{
	struct str s = {0};

	expect_ok(diff_unified(a, b, "a", "b", &s));
	assert_string_equal(str_text(&s), wanted);
	str_deinit(&s);
}

static void test_equal_texts_give_nothing(void **state)
{
	differs("", "", "");
	differs("one\ntwo\n", "one\ntwo\n", "");
}

static void test_a_changed_line(void **state)
{
	differs("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
		"--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

static void test_empty_sides(void **state)
{
	differs("", "x\ny\n", "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+x\n+y\n");
	differs("x\n", "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n");
}

static void test_near_changes_share_a_hunk_and_far_ones_do_not(void **state)
{
	differs("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
		"--- a\n+++ b\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
	differs("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
		"--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

static void test_insertion_in_the_middle(void **state)
{
	differs("a\nb\n", "a\nx\nb\n", "--- a\n+++ b\n@@ -1,2 +1,3 @@\n a\n+x\n b\n");
	differs("a\nx\nb\n", "a\nb\n", "--- a\n+++ b\n@@ -1,3 +1,2 @@\n a\n-x\n b\n");
}

struct words {
	const char *a, *b;
};

static bool same(void *context, unsigned int a, unsigned int b)
{
	const struct words *w = context;

	return w->a[a] == w->b[b];
}

/* The length of the longest common subsequence, the slow and certain way. */
static unsigned int longest_common(const char *a, const char *b)
{
	unsigned int table[64][64] = {0};
	size_t m = strlen(a), n = strlen(b);

	for (size_t i = 1; i <= m; i++) {
		for (size_t j = 1; j <= n; j++) {
			if (a[i - 1] == b[j - 1])
				table[i][j] = table[i - 1][j - 1] + 1;
			else
				table[i][j] = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] :
										  table[i][j - 1];
		}
	}
	return table[m][n];
}

static void check_alignment(const char *a, const char *b)
{
	struct words w = {a, b};
	unsigned int pairs[64], count = 0, last = 0;

	expect_ok(diff_align((unsigned int)strlen(a), (unsigned int)strlen(b), same, &w, pairs));
	for (unsigned int i = 0; i < strlen(a); i++) {
		if (pairs[i] == DIFF_NONE)
			continue;
		assert_true(pairs[i] < strlen(b));
		assert_int_equal(a[i], b[pairs[i]]);
		assert_true(count == 0 || pairs[i] > last);
		last = pairs[i];
		count++;
	}
	if (count != longest_common(a, b))
		fail_msg("%s against %s: %u pairs of %u", a, b, count, longest_common(a, b));
}

static void test_alignment_is_the_longest(void **state)
{
	unsigned int seed = 1;

	check_alignment("abcabba", "cbabac");
	check_alignment("", "abc");
	check_alignment("abc", "");
	check_alignment("abc", "xyz");
	for (int round = 0; round < 2000; round++) {
		char a[40], b[40];

		for (int k = 0; k < 2; k++) {
			char *s = k ? b : a;
			unsigned int len = (seed = seed * 1103515245 + 12345) >> 16 & 31;

			for (unsigned int i = 0; i < len; i++)
				s[i] = (char)('a' + ((seed = seed * 1103515245 + 12345) >> 16) % 4);
			s[len] = '\0';
		}
		check_alignment(a, b);
	}
}

static bool never(void *context, unsigned int a, unsigned int b)
{
	(void)context;
	(void)a;
	(void)b;
	return false;
}

/* Two long lists with nothing in common: bounded work, no pairs. */
static void test_hopeless_lists_end(void **state)
{
	unsigned int *pairs = calloc(100000, sizeof(*pairs));

	assert_non_null(pairs);
	expect_ok(diff_align(100000, 100000, never, NULL, pairs));
	for (unsigned int i = 0; i < 100000; i++)
		assert_int_equal(pairs[i], DIFF_NONE);
	free(pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_texts_give_nothing),
		cmocka_unit_test(test_a_changed_line),
		cmocka_unit_test(test_empty_sides),
		cmocka_unit_test(test_near_changes_share_a_hunk_and_far_ones_do_not),
		cmocka_unit_test(test_insertion_in_the_middle),
		cmocka_unit_test(test_alignment_is_the_longest),
		cmocka_unit_test(test_hopeless_lists_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
