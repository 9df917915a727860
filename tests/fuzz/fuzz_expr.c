/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions: parsed, evaluated without a guest over a row that answers every other name, explained. */
#include "tests/fuzz/fuzz.h"

#include "commands/expr.h"

static struct err *row_name(void *row, const char *name, bool *found, struct value *ret)
{
	(void)row;
	*found = true;
	switch (name[0] % 5) {
	case 0:
		*ret = value_number(name[1]);
		return NULL;
	case 1:
		*ret = value_string(name);
		return NULL;
	case 2:
		*ret = (struct value){.kind = VALUE_ABSENT};
		return NULL;
	case 3:
		*ret = (struct value){.kind = VALUE_FAULT, .address = 16};
		return NULL;
	default:
		*found = false;
		return NULL;
	}
}

static void run(struct expr *e)
{
	const struct expr_context context = {.name = row_name};
	struct expr_result result;
	struct expr_test test;
	struct str s = {0};

	err_free(expr_eval_result(e, &context, &result));
	err_free(expr_test(e, &context, &test));
	err_free(expr_explain(e, &context, &s));
	str_clear(&s);
	err_free(expr_show(e, &context, 4, &s, &result));
	str_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct expr *e;
	struct err *err = expr_parse(text, &e);

	if (!err) {
		run(e);
		expr_destroy(e);
	}
	err_free(err);
	free(text);
	return 0;
}
