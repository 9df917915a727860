/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/help.h"

#include "commands/options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *command_group_name(enum command_group group)
{
	static const char *const names[GROUP_COUNT] = {"Inspect", "Control", "Change", "Inject",
						       "Record",  "Screen",  "Host"};

	return group < GROUP_COUNT ? names[group] : "";
}

/* ---- help ---- */

static const struct out_column overview_columns[] = {{"command", 0}, {"group", 0}, {"summary", 0}};

static void overview_json(struct out *out)
{
	out_table_begin(out, overview_columns, 3);
	for (unsigned int i = 0; command_table[i]; i++) {
		const struct command *c = command_table[i];
		const struct out_value values[] = {out_string(c->name),
						   out_string(command_group_name(c->group)),
						   out_string(c->summary)};

		out_row(out, values);
	}
	out_table_end(out);
}

void help_overview(struct out *out)
{
	if (out_format(out) == OUT_JSON) {
		overview_json(out);
		return;
	}
	for (unsigned int group = 0; group < GROUP_COUNT; group++) {
		out_text(out, "%s", command_group_name(group));
		for (unsigned int i = 0; command_table[i]; i++)
			if (command_table[i]->group == group)
				out_text(out, "  %-11s %s", command_table[i]->name,
					 command_table[i]->summary);
	}
	out_text(out, "Names may be shortened. `help COMMAND` says more; `help expressions` and "
		      "`help times`");
	out_text(out, "tell what arguments may hold.");
}

struct need {
	unsigned int flag;
	const char *text;
};

static const struct need needs[] = {
	{CMD_FROZEN, "the guest is held while it runs"},
	{CMD_AGENT, "asks the agent in the guest: lets guest time pass"},
	{CMD_WRITES, "refused by --readonly"},
	{CMD_RECORDED, "recorded"},
};

static void command_needs(const struct command *c, struct str *s)
{
	for (unsigned int i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (c->flags & needs[i].flag)
			str_addf(s, "%s%s", s->len ? "; " : "", needs[i].text);
}

static void command_json(const struct command *c, const char *needed, struct out *out)
{
	out_record_begin(out);
	out_record(out, "command", out_string(c->name));
	out_record(out, "group", out_string(command_group_name(c->group)));
	out_record(out, "usage", out_string(c->usage));
	out_record(out, "summary", out_string(c->summary));
	out_record(out, "key", out_string(c->key));
	out_record(out, "notes", out_string(needed));
	out_record_end(out);
}

void help_command(const struct command *c, struct out *out)
{
	struct str needed = {0};

	command_needs(c, &needed);
	if (out_format(out) == OUT_JSON) {
		command_json(c, str_text(&needed), out);
	} else {
		out_text(out, "%s", c->usage);
		out_text(out, "    %s", c->summary);
		if (c->help) {
			out_text(out, "%s", "");
			out_lines(out, c->help);
		}
		if (needed.len)
			out_text(out, "(%s)", str_text(&needed));
		if (c->key && c->key[0])
			out_text(out, "Key on the screen: %s", c->key);
	}
	str_deinit(&needed);
}

/* ---- topics ---- */

struct topic {
	const char *name, *text;
};

static const struct topic topics[] = {
	{"expressions",
	 "C over the types of the guest's kernel: numbers (a literal with a unit, 300ms, is "
	 "nanoseconds),\n"
	 "strings, . -> [] & * sizeof, casts such as (struct rq *)x, arithmetic, comparison, && || "
	 "! ?:,\n"
	 "and TEXT ~ \"REGEX\". Names are kernel symbols, enumerators, $NAME of `let` or of a "
	 "reply's tag,\n"
	 "and these functions:\n"
	 "    task(PID) curr(CPU)            a task_struct\n"
	 "    rq(CPU) percpu(SYMBOL,CPU)     a run queue, a per-CPU variable\n"
	 "    worker(CGROUP,I)               the pid of a worker\n"
	 "    workers(CGROUP)                .count .iterations .max_gap .spread .migrations\n"
	 "    dsq(ID) scx cgroup(NAME)       a dispatch queue, sched_ext's state, a cgroup\n"
	 "    bpf(MAP.VAR) bpf(MAP[KEY])     a number of a BPF map, as `bpf map` names it\n"
	 "    cpu(N) ncpus time frozen       counts, and guest nanoseconds since ready\n"
	 "    steal(N) runstate(N) counter(NAME[,CPU]) console\n"
	 "A member that this kernel lacks is <absent>, a bad address <fault ADDR>; neither equals "
	 "anything.\n"
	 "\n"
	 "    print rq(0).curr->comm\n"
	 "    expect task($w).scx.dsq_vtime >= $seeded && !scx.nr_rejected"},
	{"times", "Times take units: 250ms, 2s, 10us, 5ns; a bare number is seconds. Sizes take K, "
		  "M and G, numbers\n"
		  "0x. A line that begins with [SECONDS] runs its command at that guest time since "
		  "the guest was\n"
		  "ready: exactly then under the virtual clock (rounded up to the quantum's grid), "
		  "not before it under\n"
		  "the real one. In scripts under the virtual clock guest time passes only while a "
		  "command waits.\n"
		  "\n"
		  "    [0.5] freeze"},
};

const char *help_topic(const char *name)
{
	for (unsigned int i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (strcmp(topics[i].name, name) == 0)
			return topics[i].text;
	return NULL;
}

const char *help_topic_name(unsigned int i)
{
	return i < sizeof(topics) / sizeof(topics[0]) ? topics[i].name : NULL;
}

/* ---- --help ---- */

static const char synopsis[] =
	"ktdbg [OPTIONS]                    boot a guest and open the screen (the prompt with "
	"--plain)\n"
	"ktdbg [OPTIONS] -e CMD [-e CMD]... run commands, print their output, exit\n"
	"ktdbg [OPTIONS] --script FILE      the same from a file; - is standard input\n"
	"ktdbg --batch FILE|DIR...          replay recordings as tests, print TAP\n"
	"ktdbg --open FILE [--at LINE]      replay a recording, go on by hand from there\n"
	"ktdbg doctor                       what this host can do, and why not\n"
	"ktdbg kernel list|fetch [VERSION]|info [PATH]\n"
	"ktdbg cache list|clear             saved machines of warm starts\n";

static void option_line(const struct option_row *row, struct str *s)
{
	char left[64], letter[8] = "    ";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name, row->argument ? " " : "",
		 row->argument ? row->argument : "");
	str_addf(s, "%-34s%s%s", left, strlen(left) > 33 ? " " : "", row->help);
	if (row->fallback[0])
		str_addf(s, " (%s)", row->fallback);
	str_add_c(s, '\n');
}

void help_options(struct str *s)
{
	str_add(s, "A debugger for the live scheduler state of a Linux guest.\n\n");
	str_add(s, synopsis);
	str_add(s, "\nOptions:\n");
	for (const struct option_row *row = option_table; row->name; row++)
		if (!(row->flags & OPTION_BATCH))
			option_line(row, s);
	str_add(s, "\nWith --batch:\n");
	for (const struct option_row *row = option_table; row->name; row++)
		if (row->flags & OPTION_BATCH)
			option_line(row, s);
	str_add(s, "\n`ktdbg -e help` lists the commands. Under -e and --script the first command "
		   "that fails\n"
		   "ends the run: exit status 1, or 3 when the environment, 4 when the guest "
		   "failed.\n");
}

/* ---- the manual page ---- */

/* Text for roff: backslashes and hyphens escaped, no line that begins with a control character. */
static void roff_text(struct str *s, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			str_add(s, "\\&");
		if (*text == '\\')
			str_add(s, "\\e");
		else if (*text == '-')
			str_add(s, "\\-");
		else
			str_add_c(s, *text);
		line_start = *text == '\n';
	}
}

static void roff_option(struct str *s, const struct option_row *row)
{
	str_add(s, ".TP\n.B ");
	if (row->letter)
		str_addf(s, "\\-%c, ", row->letter);
	str_add(s, "\\-\\-");
	roff_text(s, row->name);
	if (row->argument) {
		str_add(s, " \\fI");
		roff_text(s, row->argument);
		str_add(s, "\\fR");
	}
	str_add_c(s, '\n');
	roff_text(s, row->help);
	if (row->fallback[0]) {
		str_add(s, " (default: ");
		roff_text(s, row->fallback);
		str_add_c(s, ')');
	}
	str_add(s, ".\n");
}

static void roff_options(struct str *s, unsigned int batch)
{
	for (const struct option_row *row = option_table; row->name; row++)
		if ((row->flags & OPTION_BATCH) == batch)
			roff_option(s, row);
}

static void roff_command(struct str *s, const struct command *c)
{
	str_add(s, ".TP\n.B ");
	roff_text(s, c->usage);
	str_add_c(s, '\n');
	roff_text(s, c->summary);
	str_add(s, ".\n");
	if (c->help) {
		str_add(s, ".RS\n.PP\n.nf\n");
		roff_text(s, c->help);
		str_add(s, "\n.fi\n.RE\n");
	}
}

static void roff_commands(struct str *s)
{
	for (unsigned int group = 0; group < GROUP_COUNT; group++) {
		bool headed = false;

		for (unsigned int i = 0; command_table[i]; i++) {
			if (command_table[i]->group != group)
				continue;
			if (!headed)
				str_addf(s, ".SS %s\n", command_group_name(group));
			headed = true;
			roff_command(s, command_table[i]);
		}
	}
}

static void roff_topics(struct str *s)
{
	for (unsigned int i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		str_add(s, ".SH ");
		for (const char *p = topics[i].name; *p; p++)
			str_add_c(s, (char)toupper((unsigned char)*p));
		str_add(s, "\n.nf\n");
		roff_text(s, topics[i].text);
		str_add(s, "\n.fi\n");
	}
}

static void roff_files(struct str *s)
{
	str_add(s, ".SH FILES\n"
		   ".TP\n.I $XDG_CONFIG_HOME/ktdbg/config\nLong options, one a line, without the "
		   "dashes.\n"
		   ".TP\n.I $XDG_CACHE_HOME/ktdbg\nKernels and saved machines.\n"
		   ".TP\n.I $XDG_STATE_HOME/ktdbg\nThe prompt's history, logs.\n");
	str_add(s,
		".SH ENVIRONMENT\n"
		".TP\n.B KTDBG_QEMU\nThe QEMU to run, instead of qemu\\-system\\-x86_64 on PATH.\n"
		".TP\n.B KTDBG_DATA\nWhere the guest image and the plugins lie.\n"
		".TP\n.B NO_COLOR\nNo colours on the screen.\n");
}

static void roff_exit_status(struct str *s)
{
	static const char *const rows[][2] = {
		{"0", "All well."},
		{"1", "A command or an expectation failed, or output differed."},
		{"2", "Wrong usage, or a malformed recording."},
		{"3", "The environment: no kernel, no QEMU, a guest that did not come up."},
		{"4", "The guest died unexpectedly."},
		{"130", "Interrupted."},
	};

	str_add(s, ".SH EXIT STATUS\n");
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		str_addf(s, ".TP\n.B %s\n%s\n", rows[i][0], rows[i][1]);
}

void help_man(struct str *s)
{
	str_add(s, ".\\\" Made from the command and option tables by `ktdbg --man`.\n"
		   ".TH KTDBG 1\n.SH NAME\n"
		   "ktdbg \\- debugger for the live scheduler state of a Linux guest\n"
		   ".SH SYNOPSIS\n.nf\n");
	roff_text(s, synopsis);
	str_add(s, ".fi\n.SH DESCRIPTION\n"
		   "Boots a stock kernel under QEMU, freezes it at will, shows and edits task, "
		   "per\\-CPU and\n"
		   "symbol fields straight in guest memory, injects work, cgroups and schedulers, "
		   "and records\n"
		   "and replays sessions as tests. Types come from the BTF inside the guest and "
		   "symbols from\n"
		   "its kallsyms; nothing needs to be prepared.\n.SH OPTIONS\n");
	roff_options(s, 0);
	str_add(s, ".SS With \\-\\-batch\n");
	roff_options(s, OPTION_BATCH);
	str_add(s, ".SH COMMANDS\n"
		   "Names may be shortened to an unambiguous prefix; recordings hold the full "
		   "name. Times take\n"
		   "units (250ms, 2s, 10us; bare numbers are seconds), sizes take K, M and G, "
		   "numbers take 0x.\n"
		   "A line may begin with [SECONDS]: the command then runs at that guest time.\n");
	roff_commands(s);
	roff_topics(s);
	roff_files(s);
	roff_exit_status(s);
	str_add(s, ".SH SEE ALSO\n.BR ktdbg\\-recording (5)\n");
}
