/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}, {NULL, 0},
};
static const struct unit size_units[] = {
	{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"k", 1 << 10}, {NULL, 0},
};

static const struct unit *unit_find(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcmp(units->name, name) == 0)
			return units;
	return NULL;
}

/* "DIGITS[.DIGITS]UNIT" times the unit's factor, exactly; fractions finer than one are refused. */
static bool parse_scaled(const char *text, const struct unit *units, uint64_t *ret)
{
	uint64_t whole = 0, fraction = 0, scale = 1, total, part;
	const struct unit *unit;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(whole, 10u, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*text - '0'), &whole))
			return false;
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return false;
		for (; isdigit((unsigned char)*text); text++) {
			if (scale >= 1000000000)
				return false;
			fraction = fraction * 10 + (uint64_t)(*text - '0');
			scale *= 10;
		}
	}
	unit = unit_find(units, text);
	if (!unit || (fraction * unit->factor) % scale != 0)
		return false;
	part = fraction * unit->factor / scale;
	if (__builtin_mul_overflow(whole, unit->factor, &total) ||
	    __builtin_add_overflow(total, part, &total))
		return false;
	*ret = total;
	return true;
}

struct err *parse_duration(const char *text, uint64_t *ret)
{
	if (!parse_scaled(text, time_units, ret))
		return err_new(ERR_USAGE, "'%s' is not a duration: want e.g. 250ms, 2s, 10us or 1.5",
			       text);
	return NULL;
}

struct err *parse_size(const char *text, uint64_t *ret)
{
	if (str_is_hex(text))
		return parse_u64(text, ret);
	if (!parse_scaled(text, size_units, ret))
		return err_new(ERR_USAGE, "'%s' is not a size: want e.g. 512M, 2G, 4096 or 0x1000",
			       text);
	return NULL;
}

struct err *parse_u64(const char *text, uint64_t *ret)
{
	char *end = NULL;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, str_is_hex(text) ? 16 : 10);
	if (!isdigit((unsigned char)text[0]) || *end)
		return err_new(ERR_USAGE, "'%s' is not a number", text);
	if (errno == ERANGE)
		return err_new(ERR_USAGE, "'%s' does not fit in 64 bits", text);
	*ret = value;
	return NULL;
}

struct err *parse_s64(const char *text, int64_t *ret)
{
	bool negative = text[0] == '-';
	uint64_t magnitude, limit = (uint64_t)INT64_MAX + negative;

	ERR_TRY(parse_u64(text + negative, &magnitude));
	if (magnitude > limit)
		return err_new(ERR_USAGE, "'%s' does not fit in 64 bits with a sign", text);
	*ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return NULL;
}

/* One "A" or "A-B" of a list; *text moves behind it. */
static bool parse_range(const char **text, unsigned int max, uint64_t *mask)
{
	char *end;
	unsigned long first, last;

	if (!isdigit((unsigned char)**text))
		return false;
	first = last = strtoul(*text, &end, 10);
	if (*end == '-') {
		if (!isdigit((unsigned char)end[1]))
			return false;
		last = strtoul(end + 1, &end, 10);
	}
	if (last < first || last >= max)
		return false;
	for (unsigned long i = first; i <= last; i++)
		mask[i / 64] |= 1ull << (i % 64);
	*text = end;
	return true;
}

struct err *parse_list(const char *text, unsigned int max, uint64_t *mask)
{
	const char *at = text;

	memset(mask, 0, (max + 63) / 64 * sizeof(*mask));
	for (;;) {
		if (!parse_range(&at, max, mask))
			break;
		if (*at == '\0')
			return NULL;
		if (*at++ != ',')
			break;
	}
	return err_new(ERR_USAGE, "'%s' is not a list of numbers below %u: want e.g. 0-2,5", text,
		       max);
}

const char *format_duration(uint64_t ns, char buffer[DURATION_TEXT])
{
	if (ns < 1000)
		snprintf(buffer, DURATION_TEXT, "%" PRIu64 "ns", ns);
	else if (ns < 1000000)
		snprintf(buffer, DURATION_TEXT, "%.4gus", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(buffer, DURATION_TEXT, "%.4gms", (double)ns / 1e6);
	else
		snprintf(buffer, DURATION_TEXT, "%.*fs", ns < 100000000000 ? 3 : 1, (double)ns / 1e9);
	return buffer;
}

const char *format_seconds(uint64_t ns, char buffer[DURATION_TEXT])
{
	snprintf(buffer, DURATION_TEXT, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
	return buffer;
}

const char *format_size(uint64_t bytes, char buffer[DURATION_TEXT])
{
	static const char suffixes[] = "BKMGT";
	double value = (double)bytes;
	unsigned int i = 0;

	while (value >= 1024 && suffixes[i + 1]) {
		value /= 1024;
		i++;
	}
	snprintf(buffer, DURATION_TEXT, "%.*f%c", value < 10 && i ? 1 : 0, value, suffixes[i]);
	return buffer;
}
