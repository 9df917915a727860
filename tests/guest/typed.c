/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/guest/typed.h"

#include <stdio.h>

struct session *session;

/* ---- the session ---- */

void typed_options(struct options *options)
{
	options_init(options);
	options->kernel = getenv("KTDBG_TEST_KERNEL");
	guest_skip_without(options->kernel);
}

void typed_boot(const struct options *options)
{
	expect_ok(session_create(options, &session));
	expect_ok(session_boot(session));
}

void typed_boot_script(const struct options *options)
{
	expect_ok(session_create(options, &session));
	session_set_mode(session, MODE_SCRIPT);
	expect_ok(session_boot(session));
}

int typed_start(void **state)
{
	static struct options options;

	(void)state;
	typed_options(&options);
	typed_boot(&options);
	return 0;
}

int typed_end(void **state)
{
	(void)state;
	session_destroy(session);
	return 0;
}

void typed_boot_with(const char *topology, const char *name)
{
	static struct options options;
	static const char *files[1];
	static char path[512];

	snprintf(path, sizeof(path), "%s/tests/guest/%s", getenv("KTDBG_DATA"), name);
	typed_options(&options);
	expect_ok(topology_parse(topology, &options.topology));
	files[0] = path;
	options.add_files = files;
	options.add_file_count = 1;
	typed_boot(&options);
}

/* ---- lines and what they print ---- */

struct err *typed_execute(const char *line, enum out_format format, struct str *ret)
{
	struct out *out = out_create(format, out_sink_str, ret);
	bool more = false;
	struct err *err;

	assert_non_null(out);
	err = session_execute(session, line, out, &more);
	out_destroy(out);
	return err;
}

char *output(const char *line)
{
	struct str text = {0};

	expect_ok(typed_execute(line, OUT_TEXT, &text));
	return str_take(&text);
}

void runs(const char *line)
{
	free(output(line));
}

void prints(const char *line, const char *wanted)
{
	char *text = output(line);

	assert_string_equal(text, wanted);
	free(text);
}

void prints_with(const char *line, const char *part)
{
	char *text = output(line);

	if (!strstr(text, part))
		fail_msg("%s: no \"%s\" in:\n%s", line, part, text);
	free(text);
}

void fails(const char *line, enum err_kind kind, const char *part)
{
	fails_after(line, "", kind, part);
}

void fails_after(const char *line, const char *printed, enum err_kind kind, const char *part)
{
	struct str text = {0};

	expect_err_with(typed_execute(line, OUT_TEXT, &text), kind, part);
	assert_string_equal(str_text(&text), printed);
	str_deinit(&text);
}

/* ---- JSON ---- */

struct json_object *json_lines(const char *line)
{
	struct json_object *all = json_object_new_array();
	struct str text = {0};
	char *rest, *one;

	expect_ok(typed_execute(line, OUT_JSON, &text));
	rest = text.data;
	while (rest && (one = strsep(&rest, "\n"))) {
		struct json_object *object = *one ? json_tokener_parse(one) : NULL;

		if (!*one)
			continue;
		if (!object || !json_object_is_type(object, json_type_object))
			fail_msg("%s: not a JSON object: %s", line, one);
		json_object_array_add(all, object);
	}
	str_deinit(&text);
	return all;
}

struct json_object *json_row(struct json_object *rows, size_t i)
{
	assert_true(i < json_object_array_length(rows));
	return json_object_array_get_idx(rows, i);
}

struct json_object *json_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value))
		fail_msg("no key %s in %s", key, json_object_to_json_string(object));
	return value;
}

int64_t json_number(struct json_object *object, const char *key)
{
	struct json_object *value = json_member(object, key);

	if (!json_object_is_type(value, json_type_int))
		fail_msg("%s is no number in %s", key, json_object_to_json_string(object));
	return json_object_get_int64(value) == INT64_MAX ? (int64_t)json_object_get_uint64(value)
							 : json_object_get_int64(value);
}

const char *json_text(struct json_object *object, const char *key)
{
	return json_object_get_string(json_member(object, key));
}

/* ---- with a format ---- */

int64_t typed_value(const char *fmt, ...)
{
	char expression[512], line[540], *text, *end;
	int64_t value;
	va_list args;

	va_start(args, fmt);
	vsnprintf(expression, sizeof(expression), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line), "print (s64)(%s)", expression);
	text = output(line);
	value = strtoll(text, &end, 0);
	if (end == text || *end != '\n')
		fail_msg("%s: %s", line, text);
	free(text);
	return value;
}

void typed_runs(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	runs(line);
}
