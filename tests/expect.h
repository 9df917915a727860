/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every cmocka program here needs: cmocka's own prerequisites, and assertions on errors that look at
 * kind and text both.
 */
#ifndef TESTS_EXPECT_H
#define TESTS_EXPECT_H

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The call succeeded; otherwise its error is shown. */
#define expect_ok(call)                                                                            \
	do {                                                                                       \
		struct err *expect_err_ = (call);                                                  \
		if (expect_err_)                                                                   \
			fail_msg("%s: %s", #call, err_detail(expect_err_));                        \
	} while (0)

/* The call failed with this kind and exactly this text. */
#define expect_err(call, kind, text)                                                               \
	do {                                                                                       \
		struct err *expect_err_ = (call);                                                  \
		if (!expect_err_)                                                                  \
			fail_msg("%s: no error", #call);                                           \
		assert_string_equal(err_detail(expect_err_), text);                                \
		assert_int_equal(err_kind(expect_err_), kind);                                     \
		err_free(expect_err_);                                                             \
	} while (0)

/* The call failed with this kind and a text that has `part` in it. */
#define expect_err_with(call, kind, part)                                                          \
	do {                                                                                       \
		struct err *expect_err_ = (call);                                                  \
		if (!expect_err_)                                                                  \
			fail_msg("%s: no error", #call);                                           \
		if (!strstr(err_detail(expect_err_), part))                                        \
			fail_msg("%s: \"%s\" has no \"%s\"", #call, err_detail(expect_err_), part);  \
		assert_int_equal(err_kind(expect_err_), kind);                                     \
		err_free(expect_err_);                                                             \
	} while (0)

#endif
