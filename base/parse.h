/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notations that every part shares (SPEC section 2): times, sizes, numbers. All parsers take
 * the whole text or fail with ERR_USAGE; the message names what was given and what would be right.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include "base/err.h"

#include <stdint.h>

/* "250ms", "2s", "10us", "5ns", "1.5" (bare numbers are seconds) to nanoseconds. */
struct err *parse_duration(const char *text, uint64_t *ret) __attribute__((warn_unused_result));
/* "512M", "4K", "2G", "0x1000", "4096" to bytes. */
struct err *parse_size(const char *text, uint64_t *ret) __attribute__((warn_unused_result));
/* Decimal, 0x hexadecimal, 0 octal is not taken; negative numbers only in parse_s64(). */
struct err *parse_u64(const char *text, uint64_t *ret) __attribute__((warn_unused_result));
struct err *parse_s64(const char *text, int64_t *ret) __attribute__((warn_unused_result));
/* "0-3,7" to a bit mask of at most `max` (<= 1024) bits in `mask`, 64 bits a word. */
struct err *parse_list(const char *text, unsigned int max, uint64_t *mask)
	__attribute__((warn_unused_result));

/* Nanoseconds as a person reads them: "12.3us", "4.00ms", "2.5s"; in a static-free caller buffer. */
#define DURATION_TEXT 32
const char *format_duration(uint64_t ns, char buffer[DURATION_TEXT]);
/* Nanoseconds as the SECONDS of a recording: "0.500000000". */
const char *format_seconds(uint64_t ns, char buffer[DURATION_TEXT]);
const char *format_size(uint64_t bytes, char buffer[DURATION_TEXT]);

#endif
