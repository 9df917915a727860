/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/options.h"
#include "base/parse.h"
#include "commands/words.h"
#include "coord/sched_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void options_init(struct options *o)
{
	*o = (struct options){
		.topology = {.nodes = 1, .llcs = 1, .cores = 4, .threads = 1},
		.memory = 512u << 20,
		.accel = ACCEL_AUTO,
		.clock = CLOCK_AUTO,
		.quantum = {.ns = 100000},
	};
}

void options_deinit(struct options *o)
{
	free(o->add_files);
	o->add_files = NULL;
	o->add_file_count = 0;
}

static struct err *set_kernel(struct options *o, const char *value)
{
	o->kernel = value;
	return NULL;
}

static struct err *set_vmlinux(struct options *o, const char *value)
{
	o->vmlinux = value;
	return NULL;
}

static struct err *set_topology(struct options *o, const char *value)
{
	return topology_parse(value, &o->topology);
}

static void format_topology(const struct options *o, struct str *s)
{
	char text[TOPOLOGY_TEXT];

	str_add(s, topology_format(&o->topology, text));
}

#define MEMORY_MIN (128ull << 20)
#define MEMORY_MAX (64ull << 30)

static struct err *set_memory(struct options *o, const char *value)
{
	uint64_t bytes;

	ERR_TRY(parse_size(value, &bytes));
	if (bytes < MEMORY_MIN || bytes > MEMORY_MAX || bytes % (1u << 20))
		return err_new(ERR_USAGE, "%s: a guest has 128M to 64G, in whole MiB", value);
	o->memory = bytes;
	return NULL;
}

static void format_memory(const struct options *o, struct str *s)
{
	struct options fallback;

	options_init(&fallback);
	if (o->memory != fallback.memory)
		str_addf(s, "%" PRIu64 "M", o->memory >> 20);
}

static struct err *choose(const char *value, const char *const *names, unsigned int *ret)
{
	struct str all = {0};
	struct err *err;

	for (unsigned int i = 0; names[i]; i++) {
		if (strcmp(names[i], value) == 0) {
			str_deinit(&all);
			*ret = i;
			return NULL;
		}
		str_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	err = err_new(ERR_USAGE, "%s is none of: %s", value, str_text(&all));
	str_deinit(&all);
	return err;
}

static struct err *set_accel(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "kvm", "tcg", NULL};
	static const enum accel kinds[] = {ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG};
	unsigned int i;

	ERR_TRY(choose(value, names, &i));
	o->accel = kinds[i];
	return NULL;
}

static struct err *set_clock(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "real", "virtual", NULL};
	static const enum clock_kind kinds[] = {CLOCK_AUTO, CLOCK_REAL, CLOCK_VIRTUAL};
	unsigned int i;

	ERR_TRY(choose(value, names, &i));
	o->clock = kinds[i];
	return NULL;
}

static struct err *set_kaslr(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "on", "off", NULL};
	static const enum kaslr kinds[] = {KASLR_AUTO, KASLR_ON, KASLR_OFF};
	unsigned int i;

	ERR_TRY(choose(value, names, &i));
	o->kaslr = kinds[i];
	return NULL;
}

static void format_kaslr(const struct options *o, struct str *s)
{
	if (o->kaslr != KASLR_AUTO)
		str_add(s, o->kaslr == KASLR_ON ? "on" : "off");
}

static void format_clock(const struct options *o, struct str *s)
{
	if (o->clock != CLOCK_AUTO)
		str_add(s, o->clock == CLOCK_REAL ? "real" : "virtual");
}

static struct err *set_quantum(struct options *o, const char *value)
{
	return quantum_parse(value, &o->quantum);
}

static void format_quantum(const struct options *o, struct str *s)
{
	struct options fallback;

	options_init(&fallback);
	if (!o->quantum.ns)
		str_addf(s, "random:%" PRIu64, o->quantum.seed);
	else if (o->quantum.ns != fallback.quantum.ns)
		str_addf(s, "%" PRIu64 "ns", o->quantum.ns);
}

static struct err *set_cpu_budget(struct options *o, const char *value)
{
	uint64_t cpus;

	ERR_TRY(parse_u64(value, &cpus));
	if (cpus < 1 || cpus > 1024)
		return err_new(ERR_USAGE, "%s: a budget is 1 to 1024 host CPUs", value);
	o->cpu_budget = (unsigned int)cpus;
	return NULL;
}

static void format_cpu_budget(const struct options *o, struct str *s)
{
	if (o->cpu_budget)
		str_addf(s, "%u", o->cpu_budget);
}

static struct err *set_pin(struct options *o, const char *value)
{
	(void)value;
	o->pin = true;
	return NULL;
}

static void format_pin(const struct options *o, struct str *s)
{
	if (o->pin)
		str_add(s, "on");
}

static struct err *set_scheduler(struct options *o, const char *value)
{
	struct words words;
	struct err *err = NULL;

	ERR_TRY(words_split(value, &words));
	if (!words.count)
		err = err_new(ERR_USAGE, "a NAME or the PATH of a program is wanted");
	else if (!strchr(words.words[0], '/'))
		err = sched_check_bundled(words.words[0], words.count - 1, words.words + 1);
	words_deinit(&words);
	if (!err)
		o->scheduler = value;
	return err;
}

static void format_scheduler(const struct options *o, struct str *s)
{
	if (o->scheduler)
		str_add(s, o->scheduler);
}

static struct err *set_record(struct options *o, const char *value)
{
	o->record = value;
	return NULL;
}

static struct err *set_append(struct options *o, const char *value)
{
	o->append = value;
	return NULL;
}

static void format_append(const struct options *o, struct str *s)
{
	if (o->append)
		str_add(s, o->append);
}

static struct err *set_add_file(struct options *o, const char *value)
{
	const char **files, *colon = strchr(value, ':');

	if (!*value || (colon && (colon == value || colon[1] != '/')))
		return err_new(ERR_USAGE, "%s is not HOST:/GUEST, and not HOST", value);
	files = reallocarray(o->add_files, o->add_file_count + 1, sizeof(*files));
	if (!files)
		return err_nomem();
	files[o->add_file_count++] = value;
	o->add_files = files;
	return NULL;
}

static struct err *set_gdb(struct options *o, const char *value)
{
	o->gdb_socket = value;
	return NULL;
}

static struct err *set_dump_dir(struct options *o, const char *value)
{
	o->dump_dir = value;
	return NULL;
}

static struct err *set_open_dump(struct options *o, const char *value)
{
	o->open_dump = value;
	return NULL;
}

static struct err *set_attach(struct options *o, const char *value)
{
	o->attach = value;
	return NULL;
}

static struct err *set_theme(struct options *o, const char *value)
{
	static const char *const names[] = {"default", "light", "mono", NULL};
	unsigned int i;

	ERR_TRY(choose(value, names, &i));
	o->theme = names[i];
	return NULL;
}

#define SWITCH(member)                                                                             \
	static struct err *set_##member(struct options *o, const char *value)                      \
	{                                                                                          \
		o->member = true;                                                                  \
		return NULL;                                                                       \
	}
SWITCH(cold_boot)
SWITCH(readonly)
SWITCH(json)
SWITCH(ascii)
SWITCH(plain)

const struct option_row option_table[] = {
	{"kernel", 'k', "PATH|VERSION", "newest cached",
	 "the kernel image to boot, or its version in the cache; several with --batch: all against each", 0, set_kernel, NULL},
	{"vmlinux", 0, "PATH", "", "DWARF of the same build, for source lines and more types", 0, set_vmlinux,
	 NULL},
	{"topology", 't', "NnLlCcTt", "1n1l4c1t",
	 "NUMA nodes, LLCs in all, cores per LLC, threads per core", OPTION_RECORDED, set_topology,
	 format_topology},
	{"memory", 'm', "SIZE", "512M", "guest memory", OPTION_RECORDED, set_memory, format_memory},
	{"accel", 0, "auto|kvm|tcg", "auto", "what executes the guest; auto tries KVM first", 0,
	 set_accel, NULL},
	{"clock", 0, "auto|real|virtual", "auto",
	 "virtual: exact, repeatable guest time (TCG); real: the host's", OPTION_RECORDED,
	 set_clock, format_clock},
	{"quantum", 0, "T|random:SEED", "100us", "virtual clock: how finely the vCPUs interleave",
	 OPTION_RECORDED, set_quantum, format_quantum},
	{"kaslr", 0, "auto|on|off", "auto",
	 "random kernel addresses; auto: on under the real clock only", OPTION_RECORDED, set_kaslr,
	 format_kaslr},
	{"cpu-budget", 0, "N", "", "confine all vCPUs to N host CPUs; implies --clock real",
	 OPTION_RECORDED, set_cpu_budget, format_cpu_budget},
	{"pin", 0, NULL, "", "a host CPU for each vCPU, where there are enough; implies --clock real",
	 OPTION_RECORDED, set_pin, format_pin},
	{"scheduler", 's', "NAME|PATH [ARGS]", "", "sched_ext scheduler to attach after the boot",
	 OPTION_RECORDED, set_scheduler, format_scheduler},
	{"cold-boot", 0, NULL, "", "neither use nor make the warm-start cache", 0, set_cold_boot,
	 NULL},
	{"append", 0, "STR", "", "added to the kernel's command line", OPTION_RECORDED, set_append,
	 format_append},
	{"add-file", 0, "HOST[:GUEST]", "",
	 "a host file to put into the guest, a program with its libraries (no GUEST: into /ktdbg/bin); may be "
	 "repeated", 0,
	 set_add_file, NULL},
	{"gdb", 0, "SOCKET", "", "unix socket on which QEMU's debug stub listens", 0, set_gdb,
	 NULL},
	{"attach", 0, "SOCKET", "",
	 "debug a QEMU that somebody else started, by its QMP socket; what needs ktdbg's agent is refused", 0,
	 set_attach, NULL},
	{"dump-dir", 0, "DIR", "",
	 "a trigger that freezes the guest leaves a dump there, trigger-SECONDS.json; without it the screen and the prompt "
	 "keep the last one as trigger.json in the state directory",
	 0, set_dump_dir, NULL},
	{"open-dump", 0, "FILE", "",
	 "look at a file that `dump` or a trigger wrote, as at a frozen guest; what needs one that lives is refused",
	 0, set_open_dump, NULL},
	{"execute", 'e', "COMMAND", "", "run a command, print its output, exit; may be repeated",
	 OPTION_MODE, NULL, NULL},
	{"script", 0, "FILE", "", "run the commands of a file (- is standard input), then exit",
	 OPTION_MODE, NULL, NULL},
	{"record", 'r', "FILE", "", "write a recording from the first command on", 0, set_record,
	 NULL},
	{"readonly", 0, NULL, "", "refuse every command that writes or injects", 0, set_readonly,
	 NULL},
	{"json", 'j', NULL, "", "command output as one JSON object a line", 0, set_json, NULL},
	{"plain", 0, NULL, "", "the prompt instead of the screen", 0, set_plain, NULL},
	{"ascii", 0, NULL, "", "no line-drawing characters on the screen", 0, set_ascii, NULL},
	{"theme", 0, "default|light|mono", "default", "colours of the screen; NO_COLOR means mono",
	 0, set_theme, NULL},
	{"batch", 0, NULL, "", "replay the recordings that follow as tests, print TAP", OPTION_MODE,
	 NULL, NULL},
	{"jobs", 0, "N", "host CPUs / 2", "recordings at a time", OPTION_MODE | OPTION_BATCH, NULL,
	 NULL},
	{"junit", 0, "FILE", "", "also write the results as JUnit XML", OPTION_MODE | OPTION_BATCH,
	 NULL, NULL},
	{"bless", 0, NULL, "", "rewrite the output lines; matchers are kept",
	 OPTION_MODE | OPTION_BATCH, NULL, NULL},
	{"list", 0, NULL, "", "print which recordings would run", OPTION_MODE | OPTION_BATCH, NULL,
	 NULL},
	{"filter", 0, "GLOB", "", "only recordings whose path matches", OPTION_MODE | OPTION_BATCH,
	 NULL, NULL},
	{"repeat", 0, "N", "1", "run each recording N times; all runs must agree",
	 OPTION_MODE | OPTION_BATCH, NULL, NULL},
	{"explore", 0, "N", "",
	 "run each recording under --quantum random:1 to random:N; the first that fails is saved "
	 "as a recording with that seed",
	 OPTION_MODE | OPTION_BATCH, NULL, NULL},
	{"shard", 0, "I/N|N", "a Slurm array's",
	 "only the I-th of N equal parts; N alone takes I from PARALLEL_SEQ, SLURM_ARRAY_TASK_ID "
	 "or JOB_COMPLETION_INDEX",
	 OPTION_MODE | OPTION_BATCH, NULL, NULL},
	{"timeout", 0, "T", "10m", "host time that one recording may take",
	 OPTION_MODE | OPTION_BATCH, NULL, NULL},
	{"digest", 0, NULL, "", "print the SHA-256 of each transcript", OPTION_MODE | OPTION_BATCH,
	 NULL, NULL},
	{"artifacts", 0, "DIR", "", "per failure: difference, transcript, console, what a screen showed, dump, guest memory",
	 OPTION_MODE | OPTION_BATCH, NULL, NULL},
	{"open", 0, "FILE", "", "replay a recording, then go on by hand from where it ends",
	 OPTION_MODE, NULL, NULL},
	{"at", 0, "LINE", "its end", "with --open: only the commands before this line", OPTION_MODE,
	 NULL, NULL},
	{"verbose", 'v', NULL, "", "say what is being done, on standard error; twice: in detail",
	 OPTION_MODE, NULL, NULL},
	{"help", 'h', NULL, "", "this text", OPTION_MODE, NULL, NULL},
	{"version", 'V', NULL, "", "version, libraries with versions, features", OPTION_MODE, NULL,
	 NULL},
	{0},
};

const struct option_row *option_find(const char *name)
{
	for (const struct option_row *row = option_table; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static struct err *unknown_option(const char *name)
{
	struct nearest near;
	struct str s = {0};
	struct err *err;

	nearest_init(&near, name);
	for (const struct option_row *row = option_table; row->name; row++)
		if (!(row->flags & OPTION_MODE))
			nearest_offer(&near, row->name);
	nearest_add(&near, &s);
	err = err_new(ERR_USAGE, "no option %s%s", name, str_text(&s));
	str_deinit(&s);
	return err;
}

struct err *options_set(struct options *o, const char *name, const char *value)
{
	const struct option_row *row = option_find(name);

	if (!row || (row->flags & OPTION_MODE))
		return unknown_option(name);
	if (!row->argument && value && *value && strcmp(value, "on") != 0)
		return err_new(ERR_USAGE, "%s: takes no value, or on", name);
	if (row->argument && (!value || !*value))
		return err_new(ERR_USAGE, "%s: needs a value: %s", name, row->argument);
	/* It is to be a line of a recording's header. */
	if (value && str_text_length(value, strlen(value)) < strlen(value))
		return err_new(ERR_USAGE, "%s: the value holds bytes that are no text", name);
	return err_wrap(row->set(o, value), "%s", name);
}

/* The line's value begins here; the name before it is cut off. */
static char *cut_name(char *line)
{
	char *value = line + strcspn(line, " \t=");

	if (!*value)
		return value;
	*value++ = '\0';
	return value + strspn(value, " \t=");
}

static void trim_end(char *line)
{
	size_t len = strlen(line);

	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		line[--len] = '\0';
}

struct err *options_read(struct options *o, const char *path, char *text)
{
	unsigned int number = 0;

	for (char *line; (line = strsep(&text, "\n"));) {
		char *value;

		number++;
		line += strspn(line, " \t");
		trim_end(line);
		if (!*line || *line == '#')
			continue;
		value = cut_name(line);
		ERR_TRY(err_wrap(options_set(o, line, value), "%s:%u", path, number));
	}
	return NULL;
}
