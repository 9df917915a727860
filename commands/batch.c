/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/batch_impl.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/parse.h"
#include "commands/options.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT 600000000000ULL
#define MAX_DEPTH 16 /* of folders */
#define MAX_CASES 100000
#define MAX_REPEAT 10000

/* ---- options ---- */

void batch_options_init(struct batch_options *o)
{
	*o = (struct batch_options){.repeat = 1, .timeout_ns = DEFAULT_TIMEOUT};
}

static struct err *set_count(const char *value, unsigned int max, unsigned int *ret)
{
	uint64_t number;

	ERR_TRY(parse_u64(value, &number));
	if (number < 1 || number > max)
		return err_new(ERR_USAGE, "%s: 1 to %u", value, max);
	*ret = (unsigned int)number;
	return NULL;
}

static struct err *set_jobs(struct batch_options *o, const char *value)
{
	return set_count(value, 256, &o->jobs);
}

static struct err *set_repeat(struct batch_options *o, const char *value)
{
	return set_count(value, MAX_REPEAT, &o->repeat);
}

static struct err *set_explore(struct batch_options *o, const char *value)
{
	return set_count(value, MAX_REPEAT, &o->explore);
}

static struct err *set_timeout(struct batch_options *o, const char *value)
{
	ERR_TRY(parse_duration(value, &o->timeout_ns));
	return o->timeout_ns ? NULL : err_new(ERR_USAGE, "no time at all");
}

static struct err *set_shard(struct batch_options *o, const char *value)
{
	return shard_parse(value, &o->shard_index, &o->shard_count);
}

static struct err *set_filter(struct batch_options *o, const char *value)
{
	o->filter = value;
	return NULL;
}

static struct err *set_junit(struct batch_options *o, const char *value)
{
	o->junit = value;
	return NULL;
}

static struct err *set_artifacts(struct batch_options *o, const char *value)
{
	o->artifacts = value;
	return NULL;
}

static struct err *set_list(struct batch_options *o, const char *value)
{
	o->list = true;
	return NULL;
}

static struct err *set_bless(struct batch_options *o, const char *value)
{
	o->bless = true;
	return NULL;
}

static struct err *set_digest(struct batch_options *o, const char *value)
{
	o->digest = true;
	return NULL;
}

static const struct option {
	const char *name;
	bool has_value;
	struct err *(*set)(struct batch_options *o, const char *value);
} rows[] = {
	{"jobs", true, set_jobs},	    {"repeat", true, set_repeat},
	{"timeout", true, set_timeout},	    {"shard", true, set_shard},
	{"filter", true, set_filter},	    {"junit", true, set_junit},
	{"artifacts", true, set_artifacts}, {"list", false, set_list},
	{"bless", false, set_bless},	    {"digest", false, set_digest},
	{"explore", true, set_explore},
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

bool batch_option_has_value(const char *name)
{
	const struct option *row = find_option(name);

	return row && row->has_value;
}

struct err *batch_option(struct batch_options *o, const char *name, const char *value, bool *taken)
{
	const struct option *row = find_option(name);

	*taken = row != NULL;
	if (!row)
		return NULL;
	if (row->has_value && (!value || !*value))
		return err_new(ERR_USAGE, "%s: needs a value", name);
	return err_wrap(row->set(o, value), "%s", name);
}

/* ---- finding recordings ---- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool filtered_out(const struct batch *b, const char *path)
{
	const char *filter = b->options->filter;

	return filter && fnmatch(filter, path, 0) != 0 && fnmatch(filter, last_part(path), 0) != 0;
}

static struct err *add_case(struct batch *b, const char *path, const char *kernel)
{
	struct batch_case *cases, *c;

	if (b->case_count == MAX_CASES)
		return err_new(ERR_USAGE, "more than %d recordings", MAX_CASES);
	cases = reallocarray(b->cases, b->case_count + 1, sizeof(*cases));
	if (!cases)
		return err_nomem();
	b->cases = cases;
	c = &cases[b->case_count++];
	*c = (struct batch_case){.path = strdup(path), .kernel = kernel};
	c->name = kernel ? str_format("%s (kernel %s)", path, kernel) : strdup(path);
	return c->path && c->name ? NULL : err_nomem();
}

/* Once, or against each kernel of a matrix. */
static struct err *add_recording(struct batch *b, const char *path)
{
	const struct batch_options *o = b->options;

	if (filtered_out(b, path))
		return NULL;
	if (!o->kernel_count)
		return add_case(b, path, NULL);
	for (unsigned int i = 0; i < o->kernel_count; i++)
		ERR_TRY(add_case(b, path, o->kernels[i]));
	return NULL;
}

static bool is_named_so(const char *path)
{
	const char *dot = strrchr(last_part(path), '.');

	return dot && (strcmp(dot, ".t") == 0 || strcmp(dot, ".ktdbg") == 0);
}

/* What a folder's file is judged by: its ending, or what it begins with. */
static bool looks_like_recording(const char *path)
{
	char start[sizeof("ktdbg recording")] = "";
	FILE *file;

	if (is_named_so(path))
		return true;
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(start, sizeof(start), file))
		start[0] = '\0';
	fclose(file);
	return strcmp(start, "ktdbg recording") == 0;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static struct err *search_folder(struct batch *b, const char *folder, unsigned int depth);

static struct err *search_entry(struct batch *b, const char *path, unsigned int depth)
{
	struct stat status;

	/* A link that leads nowhere is a recording that cannot be read, if that is its name. */
	if (stat(path, &status) != 0)
		return is_named_so(path) ? add_recording(b, path) : NULL;
	if (S_ISDIR(status.st_mode))
		return depth < MAX_DEPTH ? search_folder(b, path, depth + 1) : NULL;
	if (S_ISREG(status.st_mode) && looks_like_recording(path))
		return add_recording(b, path);
	return NULL;
}

/* Its recordings and those of its folders, by name. */
static struct err *search_folder(struct batch *b, const char *folder, unsigned int depth)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, visible, alphasort);
	size_t len = strlen(folder);
	struct err *err = NULL;

	if (count < 0)
		return err_os(errno, "%s", folder);
	while (len > 1 && folder[len - 1] == '/')
		len--;
	for (int i = 0; i < count; i++) {
		char *path = str_format("%.*s/%s", (int)len, folder, entries[i]->d_name);

		if (!err)
			err = path ? search_entry(b, path, depth) : err_nomem();
		free(path);
		free(entries[i]);
	}
	free(entries);
	return err;
}

static struct err *find_cases(struct batch *b)
{
	for (unsigned int i = 0; i < b->options->path_count; i++) {
		const char *path = b->options->paths[i];
		struct stat status;

		if (stat(path, &status) != 0)
			return err_new(ERR_USAGE, "%s: %s", path, strerror(errno));
		if (S_ISDIR(status.st_mode))
			ERR_TRY(search_folder(b, path, 0));
		else
			ERR_TRY(add_recording(b, path));
	}
	return NULL;
}

static void case_deinit(struct batch_case *c)
{
	for (unsigned int i = 0; i < c->run_count; i++)
		replay_result_deinit(&c->runs[i].result);
	free(c->runs);
	recording_destroy(c->recording);
	free(c->message);
	free(c->saved);
	free(c->name);
	free(c->path);
}

static const char *variable(const char *name)
{
	return getenv(name);
}

/* One recording is never divided by the environment alone: whoever starts it in a job array by its
 * name wants it run. */
static struct err *choose_shard(struct batch *b)
{
	const struct batch_options *o = b->options;

	if (b->case_count < 2 && !o->shard_count)
		return NULL;
	return shard_choose(o->shard_index, o->shard_count, variable, &b->shard);
}

/* Every N-th recording from the I-th on: neighbours, which tend to be alike, go to different
 * shards. */
static void take_shard(struct batch *b)
{
	unsigned int kept = 0;

	if (b->shard.count < 2)
		return;
	for (unsigned int i = 0; i < b->case_count; i++) {
		if (i % b->shard.count == b->shard.index - 1)
			b->cases[kept++] = b->cases[i];
		else
			case_deinit(&b->cases[i]);
	}
	b->case_count = kept;
}

/* ---- reading them ---- */

static struct err *read_recording(struct batch_case *c)
{
	ERR_TRY(recording_read(c->path, &c->recording));
	ERR_TRY(recording_check_commands(c->recording));
	return recording_check_matchers(c->recording);
}

static struct err *prepare_runs(const struct batch_options *o, struct batch_case *c)
{
	unsigned int count = o->explore ? o->explore : o->repeat ? o->repeat : 1;

	c->runs = calloc(count, sizeof(*c->runs));
	if (!c->runs)
		return err_nomem();
	c->run_count = count;
	c->first_failed = count;
	for (unsigned int i = 0; i < count; i++)
		c->runs[i] = (struct batch_run){.of = c,
						.pidfd = -1,
						.result_fd = -1,
						.seed = o->explore ? i + 1 : 0};
	return NULL;
}

/* A recording of the real clock has no interleavings. */
static struct err *check_clock(const struct batch_options *o, const struct batch_case *c)
{
	struct options options;
	struct err *err;

	if (!o->explore)
		return NULL;
	err = replay_options(c->recording, o->session, &options);
	if (!err && options.clock == CLOCK_REAL)
		err = err_new(ERR_USAGE,
			      "%s: --explore needs --clock virtual, the recording says real: only the "
			      "virtual clock has interleavings to choose from", c->path);
	options_deinit(&options);
	return err;
}

/* A malformed recording is a failed test point, and is said on standard error before any guest
 * boots. */
static struct err *read_case(struct batch *b, struct batch_case *c)
{
	struct err *err = read_recording(c);

	if (!err)
		err = check_clock(b->options, c);
	if (!err)
		return prepare_runs(b->options, c);
	if (err_kind(err) == ERR_NOMEM)
		return err;
	c->outcome = REPLAY_MALFORMED;
	c->message = strdup(err_detail(err));
	fprintf(stderr, "ktdbg: %s\n", err_detail(err));
	err_free(err);
	return c->message ? NULL : err_nomem();
}

static struct err *read_cases(struct batch *b)
{
	for (unsigned int i = 0; i < b->case_count; i++)
		ERR_TRY(read_case(b, &b->cases[i]));
	return NULL;
}

/* ---- verdicts ---- */

/* The first line in which two transcripts differ, for people. */
static char *first_disagreement(const char *a, const char *b, unsigned int run)
{
	unsigned int line = 1;

	for (;;) {
		size_t a_len = strcspn(a, "\n"), b_len = strcspn(b, "\n");

		if (a_len != b_len || memcmp(a, b, a_len) != 0)
			return str_format("run %u differs from run 1 in line %u of the transcript: "
					  "`%.*s`, in run 1 `%.*s`",
					  run + 1, line, (int)b_len, b, (int)a_len, a);
		if (!a[a_len])
			return str_format("run %u differs from run 1 in its end", run + 1);
		a += a_len + 1;
		b += b_len + (b[b_len] == '\n');
		line++;
	}
}

/* What went wrong in a run, for people. */
static char *run_message(const struct batch_run *run)
{
	if (run->seed && run->result.outcome != REPLAY_PASSED)
		return str_format("--quantum random:%llu: %s", (unsigned long long)run->seed,
				  run->result.message);
	return strdup(run->result.message);
}

/* NULL when run `i` was the same as the first. */
static char *disagreement(const struct replay_result *first, const struct replay_result *other,
			  unsigned int i)
{
	if (strcmp(first->transcript, other->transcript) != 0)
		return first_disagreement(first->transcript, other->transcript, i);
	if (first->memory != other->memory)
		return str_format("run %u says the same as run 1, but its guest's memory ends "
				  "otherwise", i + 1);
	return NULL;
}

/* A case is as good as its worst run, and its runs must agree, unless each has a seed of its own. */
static struct err *judge_case(struct batch_case *c)
{
	for (unsigned int i = 0; i < c->run_count && !c->message; i++) {
		const struct batch_run *run = &c->runs[i];

		c->outcome = run->result.outcome;
		c->line = run->result.line;
		if (c->outcome != REPLAY_PASSED) {
			c->message = run_message(run);
			break;
		}
		if (!run->seed)
			c->message = disagreement(&c->runs[0].result, &run->result, i);
		if (c->message)
			c->outcome = REPLAY_FAILED;
	}
	if (!c->message)
		c->message = strdup("");
	return c->message ? NULL : err_nomem();
}

/* Rewrites the file when only its output lines were wrong. */
static struct err *bless_case(struct batch_case *c)
{
	const struct replay_result *result = c->run_count ? &c->runs[0].result : NULL;

	if (!result || !*result->diff || *result->differs || !result->only_output)
		return NULL;
	ERR_TRY(replace_file(c->path, result->blessed, strlen(result->blessed)));
	c->blessed = true;
	c->outcome = REPLAY_PASSED;
	return NULL;
}

static struct err *case_done(struct batch *b, struct batch_case *c)
{
	ERR_TRY(judge_case(c));
	if (b->options->bless)
		ERR_TRY(bless_case(c));
	if (b->options->explore && c->outcome != REPLAY_PASSED)
		ERR_TRY(batch_save_pinned(c, b->options->artifacts));
	batch_tap_case(b, c, stdout);
	if (c->outcome == REPLAY_PASSED || !b->options->artifacts || !c->run_count)
		return NULL;
	return batch_write_artifacts(c, b->options->artifacts);
}

/* The gravest outcome of all decides, in this order. */
static int exit_status(const struct batch *b)
{
	static const struct {
		enum replay_outcome outcome;
		int status;
	} order[] = {
		{REPLAY_INTERRUPTED, 130}, {REPLAY_ENVIRONMENT, 3}, {REPLAY_GUEST_DIED, 4},
		{REPLAY_MALFORMED, 2},	   {REPLAY_FAILED, 1},
	};

	if (interrupted())
		return 130;
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (unsigned int i = 0; i < b->case_count; i++)
			if (b->cases[i].outcome == order[k].outcome)
				return order[k].status;
	return 0;
}

/* ---- the whole ---- */

static void list_cases(const struct batch *b)
{
	/* Standard output is names alone, for other programs. */
	if (b->shard.source)
		fprintf(stderr, "ktdbg: shard %u/%u, from %s\n", b->shard.index, b->shard.count,
			b->shard.source);
	for (unsigned int i = 0; i < b->case_count; i++)
		printf("%s\n", b->cases[i].name);
}

static struct err *run_cases(struct batch *b)
{
	struct err *err;

	ERR_TRY(read_cases(b));
	batch_tap_plan(b, stdout);
	err = batch_jobs_run(b, case_done);
	if (!err && interrupted())
		batch_tap_bail_out(stdout, "interrupted");
	else if (!err && b->options->kernel_count)
		batch_tap_matrix(b, stdout);
	if (!err && b->options->junit)
		err = batch_write_junit(b, b->options->junit);
	return err;
}

static struct err *check_options(const struct batch_options *o)
{
	if (o->explore && o->repeat > 1)
		return err_new(ERR_USAGE, "--explore and --repeat exclude each other");
	if (o->kernel_count > 1 && o->explore)
		return err_new(ERR_USAGE, "--explore takes one kernel: what it saves names one");
	if (o->kernel_count > 1 && o->bless)
		return err_new(ERR_USAGE, "--bless takes one kernel: output differs between them");
	if (o->explore && o->bless)
		return err_new(ERR_USAGE, "--explore and --bless exclude each other");
	return NULL;
}

static struct err *run_batch(struct batch *b, int *ret_status)
{
	ERR_TRY(check_options(b->options));
	ERR_TRY(find_cases(b));
	ERR_TRY(choose_shard(b));
	take_shard(b);
	*ret_status = 0;
	if (b->options->list) {
		list_cases(b);
		return NULL;
	}
	if (b->case_count == 0 && b->shard.count < 2)
		return err_new(ERR_USAGE, "no recording found");
	ERR_TRY(run_cases(b));
	*ret_status = exit_status(b);
	return NULL;
}

struct err *batch_run(const struct batch_options *o, int *ret_status)
{
	struct batch b = {.options = o};
	struct err *err = run_batch(&b, ret_status);

	for (unsigned int i = 0; i < b.case_count; i++)
		case_deinit(&b.cases[i]);
	free(b.cases);
	return err;
}
