/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a batch is told: TAP version 14, JUnit XML, and folders with what a failure left behind. */
#include "commands/batch_impl.h"

#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct replay_result *worst_run(const struct batch_case *c)
{
	for (unsigned int i = 0; i < c->run_count; i++)
		if (c->runs[i].result.outcome != REPLAY_PASSED)
			return &c->runs[i].result;
	return c->run_count ? &c->runs[0].result : NULL;
}

static const char *outcome_name(enum replay_outcome outcome)
{
	switch (outcome) {
	case REPLAY_PASSED:
		return "passed";
	case REPLAY_FAILED:
		return "failed";
	case REPLAY_MALFORMED:
		return "malformed";
	case REPLAY_ENVIRONMENT:
		return "environment";
	case REPLAY_GUEST_DIED:
		return "guest died";
	default:
		return "interrupted";
	}
}

/* ---- TAP ---- */

/* What is written here is version 13 as well, and older copies of prove(1) refuse to read 14. */
static int tap_version(void)
{
	return getenv("HARNESS_ACTIVE") ? 13 : 14;
}

void batch_tap_plan(const struct batch *b, FILE *file)
{
	fprintf(file, "TAP version %d\n1..%u\n", tap_version(), b->case_count);
	if (b->shard.source)
		fprintf(file, "# shard %u/%u, from %s\n", b->shard.index, b->shard.count,
			b->shard.source);
	fflush(file);
}

void batch_tap_bail_out(FILE *file, const char *why)
{
	fprintf(file, "Bail out! %s\n", why);
	fflush(file);
}

/* A description, in which # and \ have a meaning. */
static void tap_description(struct str *s, const char *text)
{
	struct str clean = {0};

	str_add_clean(&clean, text, 4096);
	for (const char *p = str_text(&clean); *p; p++) {
		if (*p == '#' || *p == '\\')
			str_add_c(s, '\\');
		str_add_c(s, *p);
	}
	str_deinit(&clean);
}

static void tap_comment(struct str *s, const char *label, const char *text)
{
	str_addf(s, "# %s", label);
	str_add_clean(s, text, 65536);
	str_add_c(s, '\n');
}

/* In single quotes. */
static void yaml_line(struct str *s, const char *key, const char *text)
{
	struct str clean = {0};

	str_add_clean(&clean, text, strlen(text));
	str_addf(s, "  %s: '", key);
	for (const char *p = str_text(&clean); *p; p++)
		str_add(s, *p == '\'' ? "''" : (char[]){*p, '\0'});
	str_add(s, "'\n");
	str_deinit(&clean);
}

/* A block scalar, each line set in. Its header is `|` where YAML allows that: prove(1) knows no other. */
static void yaml_block(struct str *s, const char *key, const char *text)
{
	str_addf(s, "  %s: %s\n", key, strchr(" \t\n", *text) ? "|2" : "|");
	while (*text) {
		size_t len = strcspn(text, "\n");
		bool serial = len && text[len - 1] == '\r'; /* a console's lines */
		struct str clean = {0};

		str_add_clean(&clean, text, len - serial);
		str_addf(s, "    %s\n", str_text(&clean));
		str_deinit(&clean);
		text += len + (text[len] == '\n');
	}
}

/* Nothing for an empty text. */
static void yaml_text(struct str *s, const char *key, const char *text)
{
	if (strchr(text, '\n'))
		yaml_block(s, key, text);
	else if (*text)
		yaml_line(s, key, text);
}

static void tap_diagnostics(const struct batch_case *c, struct str *s)
{
	const struct replay_result *result = worst_run(c);

	str_add(s, "  ---\n");
	yaml_text(s, "message", c->message);
	str_addf(s, "  severity: %s\n", c->outcome == REPLAY_FAILED ? "fail" : "error");
	str_addf(s, "  outcome: %s\n", outcome_name(c->outcome));
	yaml_text(s, "file", c->path);
	if (c->saved)
		yaml_text(s, "saved", c->saved);
	if (c->line)
		str_addf(s, "  line: %u\n", c->line);
	if (result) {
		yaml_text(s, "diff", result->diff);
		if (c->outcome == REPLAY_GUEST_DIED || c->outcome == REPLAY_ENVIRONMENT)
			yaml_text(s, "console", result->console);
	}
	str_add(s, "  ...\n");
}

static void tap_extra(const struct batch *b, const struct batch_case *c, struct str *s)
{
	const struct replay_result *result = c->run_count ? &c->runs[0].result : NULL;
	char digest[SHA256_TEXT];

	if (c->recording && c->recording->cut_off)
		tap_comment(s, "cut off: its last line has no end and was not run: ", c->path);
	if (!result)
		return;
	if (*result->differs)
		tap_comment(s, "only expectations decide: ", result->differs);
	if (b->options->explore && c->outcome == REPLAY_PASSED)
		str_addf(s, "# %u interleavings, --quantum random:1 to random:%u\n",
			 c->run_count, c->run_count);
	if (c->blessed)
		tap_comment(s, "blessed: ", c->path);
	if (!b->options->digest)
		return;
	sha256_bytes(result->transcript, strlen(result->transcript), digest);
	str_addf(s, "# sha256 %s ", digest);
	str_add_clean(s, c->name, 4096);
	str_add_c(s, '\n');
	str_addf(s, "# memory %016llx ", (unsigned long long)result->memory);
	str_add_clean(s, c->name, 4096);
	str_add_c(s, '\n');
}

void batch_tap_case(const struct batch *b, const struct batch_case *c, FILE *file)
{
	struct str s = {0};

	str_addf(&s, "%sok %u - ", c->outcome == REPLAY_PASSED ? "" : "not ",
		 (unsigned int)(c - b->cases) + 1);
	tap_description(&s, c->name);
	str_add_c(&s, '\n');
	if (c->outcome != REPLAY_PASSED)
		tap_diagnostics(c, &s);
	tap_extra(b, c, &s);
	fputs(str_text(&s), file);
	fflush(file);
	str_deinit(&s);
}

/* ---- the matrix ---- */

static const char *cell(const struct batch_case *c)
{
	if (!c->reported)
		return "not run";
	return c->outcome == REPLAY_PASSED ? "ok" : outcome_name(c->outcome);
}

static const struct batch_case *find_cell(const struct batch *b, const char *path,
					  const char *kernel)
{
	for (unsigned int i = 0; i < b->case_count; i++)
		if (strcmp(b->cases[i].path, path) == 0 && b->cases[i].kernel == kernel)
			return &b->cases[i];
	return NULL;
}

static void pad(struct str *s, size_t width, const char *text)
{
	size_t start = s->len;

	str_add_clean(s, text, 4096);
	while (s->len < start + width)
		str_add_c(s, ' ');
}

/* Wide enough for its kernel and for any verdict. */
static size_t column_width(const char *kernel)
{
	size_t len = strlen(kernel), widest = strlen("environment");

	return (len > widest ? len : widest) + 2;
}

static void matrix_row(const struct batch *b, const char *path, size_t width, struct str *s)
{
	const struct batch_options *o = b->options;

	str_add(s, "# ");
	pad(s, width, path);
	for (unsigned int i = 0; i < o->kernel_count; i++) {
		const struct batch_case *c = find_cell(b, path, o->kernels[i]);

		/* "-": another shard has it. */
		pad(s, column_width(o->kernels[i]), c ? cell(c) : "-");
	}
	while (s->len && s->data[s->len - 1] == ' ')
		s->data[--s->len] = '\0';
	str_add_c(s, '\n');
}

void batch_tap_matrix(const struct batch *b, FILE *file)
{
	const struct batch_options *o = b->options;
	struct str s = {0};
	size_t width = 0;

	for (unsigned int i = 0; i < b->case_count; i++)
		if (strlen(b->cases[i].path) + 2 > width)
			width = strlen(b->cases[i].path) + 2;
	str_add(&s, "# ");
	pad(&s, width, "");
	for (unsigned int i = 0; i < o->kernel_count; i++)
		pad(&s, i + 1 < o->kernel_count ? column_width(o->kernels[i]) : 0, o->kernels[i]);
	str_add_c(&s, '\n');
	/* The cases of one recording stand together. */
	for (unsigned int i = 0; i < b->case_count; i++)
		if (!i || strcmp(b->cases[i].path, b->cases[i - 1].path) != 0)
			matrix_row(b, b->cases[i].path, width, &s);
	fputs(str_text(&s), file);
	fflush(file);
	str_deinit(&s);
}

/* ---- JUnit ---- */

static void xml_text(struct str *s, const char *text)
{
	struct str clean = {0};

	for (; *text; text++) {
		if (*text == '&')
			str_add(&clean, "&amp;");
		else if (*text == '<')
			str_add(&clean, "&lt;");
		else if (*text == '>')
			str_add(&clean, "&gt;");
		else if (*text == '"')
			str_add(&clean, "&quot;");
		else if (*text == '\n')
			str_add(&clean, "\n");
		else
			str_add_c(&clean, *text);
	}
	/* XML has no place for control bytes at all. */
	for (const char *p = str_text(&clean); *p;) {
		size_t len = strcspn(p, "\n");

		str_add_clean(s, p, len);
		if (p[len])
			str_add_c(s, '\n');
		p += len + (p[len] != '\0');
	}
	str_deinit(&clean);
}

static double case_seconds(const struct batch_case *c)
{
	uint64_t ns = 0;

	for (unsigned int i = 0; i < c->run_count; i++)
		ns += c->runs[i].result.host_ns;
	return (double)ns / 1e9;
}

static void junit_case(const struct batch_case *c, struct str *s)
{
	const struct replay_result *result = worst_run(c);
	const char *element = c->outcome == REPLAY_FAILED ? "failure" : "error";

	str_add(s, "    <testcase name=\"");
	xml_text(s, c->name);
	str_addf(s, "\" classname=\"ktdbg\" time=\"%.3f\"", case_seconds(c));
	if (c->outcome == REPLAY_PASSED) {
		str_add(s, "/>\n");
		return;
	}
	str_addf(s, ">\n      <%s type=\"%s\" message=\"", element, outcome_name(c->outcome));
	xml_text(s, c->message);
	str_add(s, "\">");
	if (result)
		xml_text(s, result->diff);
	str_addf(s, "</%s>\n    </testcase>\n", element);
}

/* When and where: the stricter of the schemas in use ask for it. */
static void junit_origin(struct str *s)
{
	char stamp[32], host[HOST_NAME_MAX + 1] = "";
	time_t now = time(NULL);
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	str_addf(s, " timestamp=\"%s\" hostname=\"", stamp);
	xml_text(s, *host ? host : "localhost");
	str_add_c(s, '"');
}

struct err *batch_write_junit(const struct batch *b, const char *path)
{
	unsigned int failures = 0, errors = 0;
	struct str s = {0};
	double seconds = 0;
	struct err *err;

	for (unsigned int i = 0; i < b->case_count; i++) {
		failures += b->cases[i].outcome == REPLAY_FAILED;
		errors += b->cases[i].outcome > REPLAY_FAILED;
		seconds += case_seconds(&b->cases[i]);
	}
	str_add(&s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	str_addf(&s,
		 "  <testsuite name=\"ktdbg\" package=\"ktdbg\" id=\"0\" tests=\"%u\" "
		 "failures=\"%u\" errors=\"%u\" skipped=\"0\" time=\"%.3f\"",
		 b->case_count, failures, errors, seconds);
	junit_origin(&s);
	str_add(&s, ">\n    <properties/>\n");
	for (unsigned int i = 0; i < b->case_count; i++)
		junit_case(&b->cases[i], &s);
	str_add(&s, "    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n");
	err = str_error(&s);
	if (!err)
		err = replace_file(path, s.data, s.len);
	str_deinit(&s);
	return err;
}

/* ---- artifacts ---- */

/* The path as the name of one folder. */
static char *folder_name(const char *folder, const char *path)
{
	char *name;

	while (*path == '/' || *path == '.')
		path++;
	name = str_format("%s/%s", folder, path);
	if (!name)
		return NULL;
	for (char *p = name + strlen(folder) + 1; *p; p++)
		if (*p == '/')
			*p = '_';
	return name;
}

char *batch_run_folder(const struct batch_run *run, const char *folder)
{
	const struct batch_case *c = run->of;
	char *own = folder_name(folder, c->name), *inner;

	if (!own || c->run_count < 2)
		return own;
	inner = str_format("%s/run-%u", own, (unsigned int)(run - c->runs) + 1);
	free(own);
	return inner;
}

/* PATH.t with the seed before its ending. */
static char *pinned_name(const struct batch_case *c, uint64_t seed)
{
	size_t len = strlen(c->path);

	if (len > 2 && strcmp(c->path + len - 2, ".t") == 0)
		len -= 2;
	return str_format("%.*s.random-%llu.t", (int)len, c->path, (unsigned long long)seed);
}

static char *pinned_path(const struct batch_case *c, uint64_t seed, const char *folder)
{
	char *own = folder ? folder_name(folder, c->name) : NULL, *path = NULL;
	struct err *err;

	if (!folder)
		return pinned_name(c, seed);
	err = own ? make_directories(own, 0777) : err_nomem();
	if (!err)
		path = str_format("%s/random-%llu.t", own, (unsigned long long)seed);
	err_free(err);
	free(own);
	return path;
}

struct err *batch_save_pinned(struct batch_case *c, const char *folder)
{
	const struct batch_run *run = &c->runs[c->first_failed];
	char *path;

	if (c->first_failed >= c->run_count || !*run->result.pinned)
		return NULL;
	path = pinned_path(c, run->seed, folder);
	if (!path)
		return err_nomem();
	c->saved = path;
	return replace_file(path, run->result.pinned, strlen(run->result.pinned));
}

static struct err *write_artifact(const char *folder, const char *name, const char *text)
{
	char *path;
	struct err *err;

	if (!*text)
		return NULL;
	path = str_format("%s/%s", folder, name);
	if (!path)
		return err_nomem();
	err = replace_file(path, text, strlen(text));
	free(path);
	return err;
}

static struct err *write_artifacts(const struct batch_case *c, const char *folder)
{
	const struct replay_result *result = worst_run(c);

	ERR_TRY(make_directories(folder, 0777));
	ERR_TRY(write_artifact(folder, "message", c->message));
	ERR_TRY(write_artifact(folder, "diff", result->diff));
	ERR_TRY(write_artifact(folder, "transcript", result->transcript));
	return write_artifact(folder, "console", result->console);
}

struct err *batch_write_artifacts(const struct batch_case *c, const char *folder)
{
	char *own = folder_name(folder, c->name);
	struct err *err;

	if (!own)
		return err_nomem();
	err = write_artifacts(c, own);
	free(own);
	return err;
}
