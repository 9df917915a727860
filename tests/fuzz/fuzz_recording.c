/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings: what parses can be checked, blessed and formatted, the results parse again, and formatting
 * twice changes nothing more.
 */
#include "tests/fuzz/fuzz.h"

#include "commands/recording.h"

static struct recording *again(const struct str *s)
{
	struct recording *r;
	struct err *err = recording_parse("again", str_text(s), s->len, &r);

	if (err) {
		fprintf(stderr, "%s\n%s\n", err_detail(err), str_text(s));
		abort();
	}
	return r;
}

static void check_format(const struct recording *r)
{
	struct str once = {0}, twice = {0};
	struct recording *second;

	if (recording_format(r, &once))
		abort();
	second = again(&once);
	if (second->step_count != r->step_count || recording_format(second, &twice) ||
	    strcmp(str_text(&once), str_text(&twice)) != 0)
		abort();
	recording_destroy(second);
	str_deinit(&once);
	str_deinit(&twice);
}

static void check_bless(const struct recording *r)
{
	const char **outputs = calloc(r->step_count + 1, sizeof(*outputs));
	struct str s = {0};
	struct recording *second;
	struct err *err;

	if (!outputs)
		abort();
	for (unsigned int i = 0; i < r->step_count; i++)
		outputs[i] = i % 3 == 0 ? "one\ntwo (re)\n" : i % 3 == 1 ? "\n" : NULL;
	err = recording_bless(r, outputs, &s);
	if (!err) {
		second = again(&s);
		if (second->step_count != r->step_count)
			abort();
		recording_destroy(second);
	}
	err_free(err);
	free(outputs);
	str_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *r;
	struct err *err = recording_parse("fuzz", (const char *)data, size, &r);

	if (!err) {
		err_free(recording_check_commands(r));
		err_free(recording_check_matchers(r));
		check_format(r);
		check_bless(r);
		recording_destroy(r);
	}
	err_free(err);
	return 0;
}
