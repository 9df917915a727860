/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: command line, configuration, signals, exit status. Everything else is below.
 */
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parse.h"
#include "commands/batch.h"
#include "commands/command.h"
#include "commands/help.h"
#include "commands/options.h"
#include "commands/recorder.h"
#include "commands/recording.h"
#include "commands/replay.h"
#include "commands/session.h"
#include "commands/start.h"
#include "commands/words.h"
#include "tui/plain.h"
#include "tui/tui.h"
#include "version.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <bpf/libbpf.h>
#include <capstone/capstone.h>
#include <curses.h>
#include <elfutils/version.h>
#include <json-c/json_c_version.h>
#include <nettle/version.h>
#include <readline/readline.h>

/* What the command line asks for. */
struct request {
	struct options options;
	struct batch_options batch;
	const char **commands; /* of -e */
	unsigned int command_count;
	const char **kernels; /* of each --kernel: with --batch there may be several */
	unsigned int kernel_count;
	const char **quanta; /* of each --quantum: diff-runs takes two */
	unsigned int quantum_count;
	const char *script;
	const char *open;   /* a recording to replay first */
	unsigned int at;    /* up to this line; 0: all of it */
	char *config;	    /* text of the configuration file, which options borrow from */
	char *subcommand;   /* a host command as a line, NULL for none */
	char *const *words; /* what follows the options */
	unsigned int word_count;
	unsigned int verbose;
	bool is_batch, help, version, man;
};

static int report(struct err *err, int status)
{
	fprintf(stderr, "ktdbg: %s\n", err_detail(err));
	err_free(err);
	return status;
}

/* ---- options ---- */

static struct err *add_string(const char ***list, unsigned int *count, const char *string)
{
	const char **grown = reallocarray(*list, *count + 1, sizeof(*grown));

	if (!grown)
		return err_nomem();
	grown[(*count)++] = string;
	*list = grown;
	return NULL;
}

static struct err *set_at(struct request *r, const char *value)
{
	uint64_t line;

	ERR_TRY(err_wrap(parse_u64(value, &line), "at"));
	if (line < 1 || line > UINT32_MAX)
		return err_new(ERR_USAGE, "at: %s is no line number", value);
	r->at = (unsigned int)line;
	return NULL;
}

static struct err *set_mode(struct request *r, const char *name, const char *value)
{
	bool taken;

	if (strcmp(name, "execute") == 0)
		return add_string(&r->commands, &r->command_count, value);
	if (strcmp(name, "script") == 0)
		r->script = value;
	else if (strcmp(name, "batch") == 0)
		r->is_batch = true;
	else if (strcmp(name, "open") == 0)
		r->open = value;
	else if (strcmp(name, "at") == 0)
		return set_at(r, value);
	else if (strcmp(name, "verbose") == 0)
		r->verbose++;
	else if (strcmp(name, "help") == 0)
		r->help = true;
	else if (strcmp(name, "version") == 0)
		r->version = true;
	else
		return batch_option(&r->batch, name, value, &taken);
	return NULL;
}

static struct err *set_option(struct request *r, const struct option_row *row, const char *value)
{
	if (row->flags & OPTION_MODE)
		return set_mode(r, row->name, value);
	if (strcmp(row->name, "kernel") == 0)
		ERR_TRY(add_string(&r->kernels, &r->kernel_count, value));
	if (strcmp(row->name, "quantum") == 0)
		ERR_TRY(add_string(&r->quanta, &r->quantum_count, value));
	return options_set(&r->options, row->name, value);
}

#define OPTIONS_MAX 64
/* getopt's value for the hidden --man, beyond the rows. */
#define OPTION_MAN (256 + OPTIONS_MAX)

/* getopt's own tables from ours: a long option's value is 256 and its row. */
static unsigned int make_getopt(struct option *long_options, char *letters)
{
	unsigned int i;

	for (i = 0; i < OPTIONS_MAX - 2 && option_table[i].name; i++) {
		const struct option_row *row = &option_table[i];

		long_options[i] =
			(struct option){row->name, row->argument ? required_argument : no_argument,
					NULL, 256 + (int)i};
		if (row->letter) {
			*letters++ = row->letter;
			if (row->argument)
				*letters++ = ':';
		}
	}
	long_options[i] = (struct option){"man", no_argument, NULL, OPTION_MAN};
	long_options[i + 1] = (struct option){0};
	*letters = '\0';
	return i;
}

static const struct option_row *row_of(int value, unsigned int count)
{
	if (value >= 256 && (unsigned int)value - 256 < count)
		return &option_table[value - 256];
	for (unsigned int i = 0; i < count; i++)
		if (option_table[i].letter == value)
			return &option_table[i];
	return NULL;
}

static struct err *bad_option(char *const *argv)
{
	const char *word = argv[optind - 1];
	const char *name = word + strspn(word, "-");
	struct nearest near;
	struct str s = {0};
	struct err *err;

	nearest_init(&near, name);
	for (unsigned int i = 0; option_table[i].name; i++)
		nearest_offer(&near, option_table[i].name);
	nearest_add(&near, &s);
	err = err_new(ERR_USAGE, "%s: no such option, or its value is missing%s; --help lists them",
		      word, str_text(&s));
	str_deinit(&s);
	return err;
}

static struct err *parse_options(struct request *r, int argc, char **argv)
{
	struct option long_options[OPTIONS_MAX];
	char letters[3 * OPTIONS_MAX];
	unsigned int count = make_getopt(long_options, letters);
	int value;

	opterr = 0;
	while ((value = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const struct option_row *row = row_of(value, count);

		if (value == OPTION_MAN) {
			r->man = true;
			continue;
		}
		if (value == '?' || !row)
			return bad_option(argv);
		ERR_TRY(set_option(r, row, optarg));
	}
	r->words = argv + optind;
	r->word_count = (unsigned int)(argc - optind);
	return NULL;
}

/* The configuration file comes before the command line, which so wins. */
static struct err *read_config(struct request *r)
{
	char *path;
	size_t len;
	struct err *err;

	ERR_TRY(config_path("config", &path));
	err = access(path, F_OK) == 0 ? read_whole_file(path, 1 << 20, &r->config, &len) : NULL;
	if (!err && r->config)
		err = options_read(&r->options, path, r->config);
	free(path);
	return err;
}

/* `ktdbg kernel list`: commands about the host may stand on the command line as they are. */
static struct err *take_subcommand(struct request *r)
{
	const struct command *command;
	struct str line = {0};

	if (!r->word_count || r->is_batch)
		return NULL;
	if (r->command_count || r->script)
		return err_new(ERR_USAGE, "%s: what should be done with this word?", r->words[0]);
	ERR_TRY(command_find(r->words[0], &command));
	if (command->group != GROUP_HOST && !(command->flags & CMD_HOST))
		return err_new(ERR_USAGE, "%s needs a guest: ktdbg -e '%s'", command->name,
			       command->usage);
	str_add(&line, command->name);
	for (unsigned int i = 1; i < r->word_count; i++) {
		str_add_c(&line, ' ');
		words_quote(&line, r->words[i]);
	}
	for (unsigned int i = 0; command == &command_diff_runs && i < r->quantum_count; i++)
		str_addf(&line, " %s", r->quanta[i]);
	r->subcommand = str_take(&line);
	return r->subcommand ? NULL : err_nomem();
}

static struct err *check_request(struct request *r)
{
	if (r->is_batch && (r->command_count || r->script))
		return err_new(ERR_USAGE, "--batch and -e or --script exclude each other");
	if (r->is_batch && !r->word_count)
		return err_new(ERR_USAGE, "--batch: no recording or folder is named");
	if (r->at && !r->open)
		return err_new(ERR_USAGE, "--at: of which recording? --open FILE --at LINE");
	if (r->open && (r->is_batch || r->word_count))
		return err_new(ERR_USAGE,
			       "--open takes one recording, and neither --batch nor words");
	if (r->kernel_count > 1 && !r->is_batch)
		return err_new(ERR_USAGE, "--kernel: only --batch takes several");
	if (r->quantum_count > 1 && (!r->word_count || r->is_batch))
		return err_new(ERR_USAGE, "--quantum: only diff-runs takes several");
	if (r->command_count && r->script)
		return err_new(ERR_USAGE, "-e and --script exclude each other");
	return take_subcommand(r);
}

static struct err *parse_request(struct request *r, int argc, char **argv)
{
	options_init(&r->options);
	batch_options_init(&r->batch);
	ERR_TRY(read_config(r));
	ERR_TRY(parse_options(r, argc, argv));
	return check_request(r);
}

static void request_deinit(struct request *r)
{
	options_deinit(&r->options);
	free(r->commands);
	free(r->kernels);
	free(r->quanta);
	free(r->config);
	free(r->subcommand);
}

/* ---- texts ---- */

static int print_text(void (*make)(struct str *s))
{
	struct str s = {0};

	make(&s);
	fputs(str_text(&s), stdout);
	str_deinit(&s);
	return 0;
}

static void version_text(struct str *s)
{
	int capstone_major, capstone_minor;

	str_addf(s, "ktdbg %s\n", KTDBG_VERSION);
	cs_version(&capstone_major, &capstone_minor);
	str_addf(s, "libbpf %u.%u, elfutils %d.%d, capstone %d.%d, %s, json-c %s, nettle %d.%d, readline %s, %s\n",
		 libbpf_major_version(), libbpf_minor_version(), _ELFUTILS_VERSION / 1000,
		 _ELFUTILS_VERSION % 1000, capstone_major, capstone_minor, archive_version_string(), json_c_version(),
		 nettle_version_major(), nettle_version_minor(), rl_library_version,
		 curses_version());
	str_add(s, "clocks: virtual (TCG with plugin), real (KVM, TCG)\n");
	str_add(s, "License GPL-2.0-or-later; with readline, GPL-3.0-or-later.\n");
}

/* ---- running commands ---- */

/* The exit status of SPEC section 8 for a command's error. */
static int status_of(const struct err *err)
{
	switch (err_kind(err)) {
	case ERR_ENVIRONMENT:
	case ERR_GUEST_DIED:
	case ERR_INTERRUPTED:
		return err_exit_status(err);
	default:
		return 1;
	}
}

/* One line of -e or a script; `where` is put before an error, NULL for nothing. */
static int run_line(struct session *s, const char *line, struct out *out, const char *where)
{
	bool more;
	struct err *err = session_name_error(s, session_execute(s, line, out, &more));

	if (where)
		err = err_wrap(err, "%s", where);
	if (!err)
		return 0;
	recorder_sync(session_recorder(s));
	return report(err, status_of(err));
}

/* `ktdbg recording check FILE` and the like are command lines of their own: their usage errors
 * are 2. */
static int run_subcommand(struct session *s, const char *line, struct out *out)
{
	bool more;
	struct err *err = session_name_error(s, session_execute(s, line, out, &more));

	return err ? report(err, err_exit_status(err)) : 0;
}

static int finish(struct session *s, int status)
{
	const char *block = session_open_block(s);
	struct recorder *recorder = session_recorder(s);
	char *problem;

	recorder_sync(recorder);
	problem = recorder_problem(recorder);
	if (problem)
		fprintf(stderr, "ktdbg: %s\n", problem);
	free(problem);
	if (status == 0 && block)
		return report(err_new(ERR_USAGE, "%s: no `end` follows", block), 1);
	if (status == 0 && recorder_was_cut(recorder))
		return report(
			err_new(ERR_ENVIRONMENT, "the recording could not be written to its end"),
			3);
	return status;
}

static int run_commands(struct session *s, const struct request *r, struct out *out)
{
	int status = 0;

	for (unsigned int i = 0; i < r->command_count && !status && !session_quit(s); i++) {
		/* A -e may hold several lines. */
		char *text = strdup(r->commands[i]), *rest = text;

		if (!text)
			return report(err_nomem(), 1);
		for (char *line; !status && (line = strsep(&rest, "\n"));)
			status = run_line(s, line, out, NULL);
		free(text);
	}
	return finish(s, status);
}

static int run_stream(struct session *s, FILE *file, const char *name, struct out *out)
{
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	while (!status && !session_quit(s) && getline(&line, &size, file) >= 0) {
		char where[512];

		line[strcspn(line, "\r\n")] = '\0';
		snprintf(where, sizeof(where), "%s:%u", name, ++number);
		status = run_line(s, line, out, where);
	}
	free(line);
	return interrupted() && !status ? 130 : finish(s, status);
}

static int run_script(struct session *s, const char *path, struct out *out)
{
	FILE *file;
	int status;

	if (strcmp(path, "-") == 0)
		return run_stream(s, stdin, "standard input", out);
	file = fopen(path, "re");
	if (!file)
		return report(err_os(errno, "script %s", path), 2);
	status = run_stream(s, file, path, out);
	fclose(file);
	return status;
}

/* `--record FILE`: as if `record start FILE` were the first command. */
static struct err *start_recording(struct session *s, struct out *out)
{
	const char *file = session_options(s)->record;
	struct str line = {0};
	struct err *err;
	bool more;

	if (!file)
		return NULL;
	str_add(&line, "record start ");
	words_quote(&line, file);
	err = str_error(&line);
	if (!err)
		err = session_execute(s, str_text(&line), out, &more);
	str_deinit(&line);
	return err;
}

static int run_interactive(struct session *s)
{
	const struct options *o = session_options(s);
	struct err *err;

	err = o->plain || o->json || !isatty(STDOUT_FILENO) ? plain_run(s) : tui_run(s);
	return err ? report(err, err_exit_status(err)) : 0;
}

static int run_session(struct session *s, const struct request *r, struct out *out)
{
	struct err *err = start_recording(s, out);

	if (err)
		return report(err, err_kind(err) == ERR_OS ? 3 : status_of(err));
	if (r->subcommand)
		return run_subcommand(s, r->subcommand, out);
	if (r->command_count)
		return run_commands(s, r, out);
	if (r->script)
		return run_script(s, r->script, out);
	if (!isatty(STDIN_FILENO))
		return run_script(s, "-", out);
	return run_interactive(s);
}

/* Nothing is shown that its recording does not hold. */
static void show_output(void *context, const char *text, size_t len)
{
	recorder_show(session_recorder(context), text, len, stdout);
}

/* On a terminal what takes long is shown on a line of its own, which goes away again. */
static void show_progress(void *context, const char *what)
{
	fprintf(stderr, "\r\033[K%s", what ? what : "");
	fflush(stderr);
}

/* Its output goes to standard error: standard output is for what is done from there on. */
static struct err *replay_first(struct session *s, const struct request *r,
				const struct recording *recording)
{
	struct out *out = out_create(OUT_TEXT, out_sink_file, stderr);
	struct err *err = out ? replay_until(s, recording, r->at, out) : err_nomem();

	out_destroy(out);
	session_set_mode(s, MODE_SCRIPT);
	return err;
}

/* `recording` is replayed before anything else; NULL: none. */
static int with_session(const struct request *r, const struct options *options,
			const struct recording *recording)
{
	struct session *s;
	struct out *out;
	struct err *err = start_check(options);
	int status;

	if (!err)
		err = session_create(options, &s);
	if (err)
		return report(err, err_exit_status(err));
	out = out_create(r->options.json ? OUT_JSON : OUT_TEXT, show_output, s);
	if (isatty(STDERR_FILENO))
		session_set_progress(s, show_progress, NULL);
	err = !out ? err_nomem() : recording ? replay_first(s, r, recording) : NULL;
	status = err ? report(err, err_exit_status(err)) : run_session(s, r, out);
	out_destroy(out);
	session_destroy(s);
	return status;
}

static struct err *read_recording(const char *path, struct recording **ret)
{
	struct recording *recording;
	struct err *err;

	ERR_TRY(recording_read(path, &recording));
	err = recording_check_commands(recording);
	if (err)
		recording_destroy(recording);
	else
		*ret = recording;
	return err;
}

static int run_open(const struct request *r)
{
	struct recording *recording;
	struct options options;
	struct err *err = read_recording(r->open, &recording);
	int status;

	if (err)
		return report(err, 2);
	err = replay_options(recording, &r->options, &options);
	status = err ? report(err, 2) : with_session(r, &options, recording);
	options_deinit(&options);
	recording_destroy(recording);
	return status;
}

static int run_batch(struct request *r)
{
	int status = 0;
	struct err *err;

	r->batch.session = &r->options;
	r->batch.paths = (const char *const *)r->words;
	r->batch.path_count = r->word_count;
	r->batch.verbose = r->verbose > 0;
	if (r->kernel_count > 1) {
		r->batch.kernels = r->kernels;
		r->batch.kernel_count = r->kernel_count;
	}
	err = batch_run(&r->batch, &status);
	return err ? report(err, err_exit_status(err)) : status;
}

static int run_request(struct request *r)
{
	if (r->help)
		return print_text(help_options);
	if (r->version)
		return print_text(version_text);
	if (r->man)
		return print_text(help_man);
	log_setup(r->verbose > 1 ? LOG_DEBUG : r->verbose ? LOG_INFO : LOG_QUIET, -1);
	interrupt_install();
	if (r->open)
		return run_open(r);
	return r->is_batch ? run_batch(r) : with_session(r, &r->options, NULL);
}

/* Output that went nowhere (a full disk) is no success. */
static int close_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return status ? status : report(err_new(ERR_OS, "standard output could not be written"), 3);
}

int main(int argc, char **argv)
{
	struct request r = {0};
	struct err *err = parse_request(&r, argc, argv);
	int status = err ? report(err, 2) : run_request(&r);

	request_deinit(&r);
	return close_output(status);
}
