/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the commands: one session with a booted guest, lines as an operator types them, and
 * what they print. Everything here works on `session` and fails the test itself.
 */
#ifndef TESTS_GUEST_TYPED_H
#define TESTS_GUEST_TYPED_H

#include "tests/guest/boot.h"

#include "commands/session.h"

#include <json-c/json.h>

extern struct session *session;

/* Options as of a command line without any, for the kernel of the tests. Exits with 77 when there
 * is none. */
void typed_options(struct options *options);
/* Group fixtures: a session booted with those options; and its end. */
int typed_start(void **state);
int typed_end(void **state);
/* The same with options of the test's own; they must outlive the session. */
void typed_boot(const struct options *options);
/* The same as a script, whose guest time passes only while a command waits for it. */
void typed_boot_script(const struct options *options);

/* The same on that topology, with the program `name` that was built beside the tests in /ktdbg/bin. Its
 * options last as long as the program. */
void typed_boot_with(const char *topology, const char *name);

/* The value of an expression over guest memory; it has to be a number. */
int64_t typed_value(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As runs(), with a format. */
void typed_runs(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Executes `line`; what it prints is appended to `ret`. */
struct err *typed_execute(const char *line, enum out_format format, struct str *ret);
/* What `line` prints; caller frees. */
char *output(const char *line);
/* A command whose output is of no interest. */
void runs(const char *line);
/* It prints exactly, or among others, this. */
void prints(const char *line, const char *wanted);
void prints_with(const char *line, const char *part);
/* It fails with this kind of error, `part` in its text, and prints nothing; or has printed this. */
void fails(const char *line, enum err_kind kind, const char *part);
void fails_after(const char *line, const char *printed, enum err_kind kind, const char *part);

/* Every line of a command's JSON output as an object of one array; caller puts it. */
struct json_object *json_lines(const char *line);
/* Row `i`, a member, its number (above INT64_MAX: two's complement), its text. Borrowed. */
struct json_object *json_row(struct json_object *rows, size_t i);
struct json_object *json_member(struct json_object *object, const char *key);
int64_t json_number(struct json_object *object, const char *key);
const char *json_text(struct json_object *object, const char *key);

#endif
