/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/expr_internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct err *expr_error(enum err_kind kind, const char *text, size_t column, const char *fmt, ...)
{
	struct str place = {0};
	char *why;
	struct err *err;
	va_list ap;

	va_start(ap, fmt);
	why = str_vformat(fmt, ap);
	va_end(ap);
	str_add_caret(&place, text, EXPR_MAX_TEXT, column);
	if (!why || place.failed)
		err = err_nomem();
	else
		err = err_new(kind, "column %zu: %s\n%s", column + 1, why, str_text(&place));
	str_deinit(&place);
	free(why);
	return err;
}

struct operator_row {
	const char *text;
	enum operator op;
};

/* Longer ones first: the first that fits is taken. */
static const struct operator_row operators[] = {
	{"->", OP_ARROW},
	{"<<", OP_LEFT},
	{">>", OP_RIGHT},
	{"<=", OP_LESS_EQUAL},
	{">=", OP_GREATER_EQUAL},
	{"==", OP_EQUAL},
	{"!=", OP_NOT_EQUAL},
	{"&&", OP_AND_AND},
	{"||", OP_OR_OR},
	{"(", OP_OPEN},
	{")", OP_CLOSE},
	{"[", OP_INDEX},
	{"]", OP_INDEX_END},
	{",", OP_COMMA},
	{".", OP_DOT},
	{"?", OP_QUESTION},
	{":", OP_COLON},
	{"!", OP_NOT},
	{"~", OP_TILDE},
	{"*", OP_MULTIPLY},
	{"/", OP_DIVIDE},
	{"%", OP_MODULO},
	{"+", OP_ADD},
	{"-", OP_SUBTRACT},
	{"<", OP_LESS},
	{">", OP_GREATER},
	{"&", OP_AND},
	{"^", OP_XOR},
	{"|", OP_OR},
};
#define OPERATOR_COUNT (sizeof(operators) / sizeof(operators[0]))

const char *operator_text(enum operator op)
{
	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		if (operators[i].op == op)
			return operators[i].text;
	return "?";
}

static bool name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* What may follow an integer; the factor turns it into nanoseconds, 0 for C's suffixes. */
static const struct suffix_row {
	const char *text;
	uint64_t factor;
	bool is_unsigned;
} suffixes[] = {
	{"", 0, false},	     {"u", 0, true},	     {"U", 0, true},	       {"l", 0, false},
	{"L", 0, false},     {"ul", 0, true},	     {"UL", 0, true},	       {"ll", 0, false},
	{"LL", 0, false},    {"ull", 0, true},	     {"ULL", 0, true},	       {"ns", 1, false},
	{"us", 1000, false}, {"ms", 1000000, false}, {"s", 1000000000, false},
};

static const struct suffix_row *find_suffix(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strlen(suffixes[i].text) == len && memcmp(suffixes[i].text, text, len) == 0)
			return &suffixes[i];
	return NULL;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Digits of `base` at l->at; false when they do not fit 64 bits. */
static bool scan_digits(struct lexer *l, unsigned int base, uint64_t *number)
{
	bool fits = true;

	*number = 0;
	while (digit_value(l->text[l->at]) < (int)base) {
		uint64_t digit = (uint64_t)digit_value(l->text[l->at++]);

		if (__builtin_mul_overflow(*number, base, number) ||
		    __builtin_add_overflow(*number, digit, number))
			fits = false;
	}
	return fits;
}

/* ".5" of "1.5s": the fraction in units of 1e-9, digits past the ninth must be 0. */
static bool scan_fraction(struct lexer *l, uint64_t *nano)
{
	uint64_t unit = 100000000;

	*nano = 0;
	for (l->at++; isdigit((unsigned char)l->text[l->at]); l->at++, unit /= 10) {
		if (unit == 0 && l->text[l->at] != '0')
			return false;
		*nano += (uint64_t)(l->text[l->at] - '0') * unit;
	}
	return true;
}

static struct err *number_error(struct lexer *l, const char *why)
{
	return expr_error(ERR_USAGE, l->text, l->token.column, "%s", why);
}

/* Applies a suffix to "number.nano". */
static struct err *finish_number(struct lexer *l, uint64_t number, uint64_t nano, bool fraction)
{
	size_t start = l->at;
	const struct suffix_row *suffix;

	while (name_char(l->text[l->at]))
		l->at++;
	suffix = find_suffix(l->text + start, l->at - start);
	if (!suffix)
		return number_error(l,
				    "a number may end in ns, us, ms, s or C's u, l, ul, ll, ull");
	if (fraction && suffix->factor == 0)
		return number_error(l, "a number with a fraction needs a time unit (1.5ms)");
	if (suffix->factor != 0) {
		if (nano * suffix->factor % 1000000000)
			return number_error(l, "times are whole nanoseconds");
		if (__builtin_mul_overflow(number, suffix->factor, &number) ||
		    __builtin_add_overflow(number, nano * suffix->factor / 1000000000, &number))
			return number_error(l, "the number does not fit 64 bits");
	}
	l->token.number = number;
	l->token.is_unsigned = suffix->is_unsigned || number > INT64_MAX;
	return NULL;
}

static struct err *scan_number(struct lexer *l)
{
	const char *p = l->text + l->at;
	uint64_t number, nano = 0;
	bool fraction = false;

	l->token.kind = TOKEN_NUMBER;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		l->at += 2;
		if (digit_value(l->text[l->at]) >= 16)
			return number_error(l, "0x needs hexadecimal digits");
		if (!scan_digits(l, 16, &number))
			return number_error(l, "the number does not fit 64 bits");
		return finish_number(l, number, 0, false);
	}
	if (p[0] == '0' && isdigit((unsigned char)p[1]))
		return number_error(l,
				    "octal numbers are not taken: write it without the leading 0");
	if (!scan_digits(l, 10, &number))
		return number_error(l, "the number does not fit 64 bits");
	if (l->text[l->at] == '.' && isdigit((unsigned char)l->text[l->at + 1])) {
		fraction = true;
		if (!scan_fraction(l, &nano))
			return number_error(l, "times are whole nanoseconds");
	}
	return finish_number(l, number, nano, fraction);
}

/* The character after a backslash at l->at; moves past it. False: no such escape. */
static bool scan_escape(struct lexer *l, char *ret)
{
	static const char from[] = "nrt0\\\"'", to[] = "\n\r\t\0\\\"'";
	char c = l->text[l->at];
	const char *p;

	if (c == 'x' && digit_value(l->text[l->at + 1]) < 16 &&
	    digit_value(l->text[l->at + 2]) < 16) {
		*ret = (char)(digit_value(l->text[l->at + 1]) * 16 +
			      digit_value(l->text[l->at + 2]));
		l->at += 3;
		return true;
	}
	p = c ? strchr(from, c) : NULL;
	if (!p)
		return false;
	*ret = to[p - from];
	l->at++;
	return true;
}

/*
 * One character of a quoted text at l->at. Escapes that C does not have stay as they are in a
 * string, so that a regular expression needs no doubled backslashes.
 */
static struct err *scan_quoted_char(struct lexer *l, char quote, char *ret)
{
	char c = l->text[l->at];

	if (c == '\0')
		return expr_error(ERR_USAGE, l->text, l->token.column, "no closing %c", quote);
	l->at++;
	if (c == '\\' && !scan_escape(l, &c) && quote == '\'')
		return expr_error(ERR_USAGE, l->text, l->at - 1, "unknown escape");
	*ret = c;
	return NULL;
}

static struct err *scan_string(struct lexer *l)
{
	size_t len = 0;

	l->token.kind = TOKEN_STRING;
	l->at++;
	while (l->text[l->at] != '"') {
		char c;

		ERR_TRY(scan_quoted_char(l, '"', &c));
		if (c == '\0')
			return expr_error(ERR_USAGE, l->text, l->at - 1,
					  "a text cannot hold a 0 byte");
		if (len + 1 >= sizeof(l->token.text))
			return expr_error(ERR_USAGE, l->text, l->token.column,
					  "a text may have at most %zu bytes",
					  sizeof(l->token.text) - 1);
		l->token.text[len++] = c;
	}
	l->at++;
	l->token.text[len] = '\0';
	return NULL;
}

static struct err *scan_char(struct lexer *l)
{
	char c;

	l->token.kind = TOKEN_NUMBER;
	l->at++;
	if (l->text[l->at] == '\'')
		return expr_error(ERR_USAGE, l->text, l->token.column, "empty character");
	ERR_TRY(scan_quoted_char(l, '\'', &c));
	if (l->text[l->at] != '\'')
		return expr_error(ERR_USAGE, l->text, l->token.column, "one character, then '");
	l->at++;
	l->token.number = (uint64_t)(int64_t)(signed char)c;
	l->token.is_unsigned = false;
	return NULL;
}

static struct err *scan_name(struct lexer *l, enum token_kind kind)
{
	size_t start = l->at, len;

	while (name_char(l->text[l->at]))
		l->at++;
	len = l->at - start;
	if (len >= EXPR_MAX_NAME)
		return expr_error(ERR_USAGE, l->text, start, "a name may have at most %d bytes",
				  EXPR_MAX_NAME - 1);
	memcpy(l->token.text, l->text + start, len);
	l->token.text[len] = '\0';
	l->token.kind = kind;
	return NULL;
}

static struct err *scan_operator(struct lexer *l)
{
	const char *p = l->text + l->at;

	for (size_t i = 0; i < OPERATOR_COUNT; i++) {
		if (!str_starts(p, operators[i].text))
			continue;
		l->token.kind = TOKEN_OPERATOR;
		l->token.op = operators[i].op;
		l->at += strlen(operators[i].text);
		return NULL;
	}
	if (*p == '=')
		return expr_error(
			ERR_USAGE, l->text, l->at,
			"expressions change nothing: compare with ==, change with `write`");
	if (isprint((unsigned char)*p))
		return expr_error(ERR_USAGE, l->text, l->at, "unexpected `%c`", *p);
	return expr_error(ERR_USAGE, l->text, l->at, "unexpected byte 0x%02x", (unsigned char)*p);
}

static struct err *scan_token(struct lexer *l)
{
	char c = l->text[l->at];

	if (c == '\0') {
		l->token.kind = TOKEN_END;
		return NULL;
	}
	if (isdigit((unsigned char)c))
		return scan_number(l);
	if (name_start(c))
		return scan_name(l, TOKEN_NAME);
	if (c == '"')
		return scan_string(l);
	if (c == '\'')
		return scan_char(l);
	if (c != '$')
		return scan_operator(l);
	if (!name_char(l->text[++l->at]))
		return expr_error(ERR_USAGE, l->text, l->token.column, "$ needs a name after it");
	return scan_name(l, TOKEN_VARIABLE);
}

static void skip_space(struct lexer *l)
{
	while (l->text[l->at] == ' ' || l->text[l->at] == '\t')
		l->at++;
	l->token = (struct token){.column = l->at};
}

struct err *lexer_next(struct lexer *l)
{
	skip_space(l);
	ERR_TRY(scan_token(l));
	l->token.end = l->at;
	return NULL;
}

struct err *lexer_init(struct lexer *l, const char *text)
{
	if (strlen(text) > EXPR_MAX_TEXT)
		return err_new(ERR_USAGE, "an expression may have at most %d bytes", EXPR_MAX_TEXT);
	*l = (struct lexer){.text = text};
	return lexer_next(l);
}

struct err *lexer_next_word(struct lexer *l)
{
	size_t len;

	skip_space(l);
	if (l->text[l->at] == '"' || l->text[l->at] == '$')
		return lexer_next(l);
	len = strcspn(l->text + l->at, " \t,()\"");
	if (len == 0)
		return expr_error(ERR_USAGE, l->text, l->at, "a name is missing here");
	if (len >= EXPR_MAX_NAME)
		return expr_error(ERR_USAGE, l->text, l->at, "a name may have at most %d bytes",
				  EXPR_MAX_NAME - 1);
	memcpy(l->token.text, l->text + l->at, len);
	l->token.text[len] = '\0';
	l->token.kind = TOKEN_STRING;
	l->at += len;
	l->token.end = l->at;
	return NULL;
}
