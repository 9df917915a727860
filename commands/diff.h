/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Differences of two lists of lines: which lines stand for each other, and the unified form that
 * diff(1) prints and patch(1) takes. Bounded: lists that differ in more than DIFF_MAX lines count as
 * different from their first difference to their last.
 */
#ifndef COMMANDS_DIFF_H
#define COMMANDS_DIFF_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define DIFF_MAX 1000
#define DIFF_CONTEXT 3
#define DIFF_NONE 0xffffffffu

/* Whether line `a` of the first list stands for line `b` of the second. */
typedef bool (*diff_same_fn)(void *context, unsigned int a, unsigned int b);

/* The longest alignment: ret_pairs[a] is the line of the second list that stands for line a, or
 * DIFF_NONE; ascending. `ret_pairs` has room for `a_count`. */
struct err *diff_align(unsigned int a_count, unsigned int b_count, diff_same_fn same, void *context,
		       unsigned int *ret_pairs) __attribute__((warn_unused_result));

/* Unified difference of two texts of whole lines; nothing when they are equal. */
struct err *diff_unified(const char *a, const char *b, const char *a_name, const char *b_name,
			 struct str *ret) __attribute__((warn_unused_result));

#endif
