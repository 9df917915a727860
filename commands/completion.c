/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/completion.h"

#include "base/file.h"
#include "commands/command.h"
#include "commands/expr.h"
#include "commands/help.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "coord/bpf.h"
#include "coord/cgroup_spec.h"
#include "coord/globals.h"
#include "coord/model.h"
#include "coord/work_spec.h"
#include "guest/wire_sched.h"
#include "vmm/kernel_cache.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known while candidates are collected. */
struct finder {
	struct session *session;
	struct completion *result;
	const char *prefix; /* the word up to the cursor */
	size_t prefix_len;
	const char *before; /* put before each candidate: the part of the word that stays */
	unsigned int size;
	bool failed;
};

/* Add `text` when it begins with the prefix; false when there is no more room. */
static bool offer(void *context, const char *text)
{
	struct finder *f = context;
	struct completion *c = f->result;

	if (strncmp(text, f->prefix, f->prefix_len) != 0)
		return true;
	if (c->count == COMPLETION_MAX) {
		c->truncated = true;
		return false;
	}
	if (c->count + 2 > f->size) {
		unsigned int size = f->size ? f->size * 2 : 32;
		char **grown = reallocarray(c->candidates, size, sizeof(*grown));

		if (!grown) {
			f->failed = true;
			return false;
		}
		c->candidates = grown;
		f->size = size;
	}
	c->candidates[c->count] = str_format("%s%s", f->before, text);
	if (!c->candidates[c->count]) {
		f->failed = true;
		return false;
	}
	c->candidates[++c->count] = NULL;
	return true;
}

/* ---- one kind of word each ---- */

static void offer_commands(struct finder *f)
{
	for (unsigned int i = 0; command_table[i]; i++)
		if (!offer(f, command_table[i]->name))
			return;
}

/* "start|stop" */
static void offer_words(struct finder *f, const char *words)
{
	while (words && *words) {
		size_t len = strcspn(words, "|");
		char word[64];

		if (len < sizeof(word)) {
			memcpy(word, words, len);
			word[len] = '\0';
			offer(f, word);
		}
		words += len + (words[len] == '|');
	}
}

/* The kernel as far as it is adopted; NULL otherwise. Completion never boots one. */
static struct kernel *current_kernel(struct finder *f)
{
	struct coord *coord = session_coord(f->session);
	struct kernel *kernel;
	struct err *err;

	if (!coord)
		return NULL;
	err = coord_kernel(coord, &kernel);
	if (!err)
		return kernel;
	err_free(err);
	return NULL;
}

static bool offer_symbol(void *context, const char *name, uint64_t address, char kind)
{
	return offer(context, name);
}

static void offer_symbols(struct finder *f)
{
	struct kernel *kernel = current_kernel(f);

	/* All of them would be a hundred thousand. */
	if (kernel && f->prefix_len)
		kernel_symbols_each(kernel, f->prefix, offer_symbol, f);
}

static void offer_types(struct finder *f)
{
	struct kernel *kernel = current_kernel(f);

	if (kernel && f->prefix_len)
		types_names_each(kernel_types(kernel), f->prefix, offer, f);
}

static void offer_pids(struct finder *f)
{
	struct coord *coord = session_coord(f->session);
	const struct model *model;
	struct err *err;

	if (!coord)
		return;
	err = coord_model(coord, &model);
	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; i < model->task_count; i++) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", model->tasks[i].pid);
		if (!offer(f, pid))
			return;
	}
}

static void offer_cpus(struct finder *f)
{
	struct kernel *kernel = current_kernel(f);
	unsigned int count = kernel ? kernel_cpus(kernel)
				    : topology_cpus(&session_options(f->session)->topology);

	for (unsigned int i = 0; i < count; i++) {
		char cpu[16];

		snprintf(cpu, sizeof(cpu), "%u", i);
		if (!offer(f, cpu))
			return;
	}
}

/* Members of the struct `type`, also those of anonymous ones in it. */
static void offer_members(struct finder *f, const struct types *t, uint32_t type,
			  unsigned int depth)
{
	struct member member;
	const char *name;

	for (unsigned int i = 0; types_member_at(t, type, i, &name, &member); i++) {
		if (name[0])
			offer(f, name);
		else if (depth < 4)
			offer_members(f, t, member.type, depth + 1);
	}
}

/* The struct that a path's part before its last '.' or "->" leads to, from `type`. */
static bool member_type(const struct types *t, uint32_t type, const char *path, uint32_t *ret)
{
	struct member member;
	struct err *err = *path ? types_member(t, type, path, &member) : NULL;

	if (err) {
		err_free(err);
		return false;
	}
	type = types_resolve(t, *path ? member.type : type);
	if (types_kind(t, type) == TYPE_POINTER)
		type = types_resolve(t, types_target(t, type));
	*ret = type;
	return true;
}

/* `word` is "a.b.c" with members of `type`; candidates are whole words. */
static void offer_path(struct finder *f, const struct types *t, uint32_t type, const char *word)
{
	const char *last = strrchr(word, '.');
	char *before = strndup(word, last ? (size_t)(last + 1 - word) : 0);
	char *path = strndup(word, last ? (size_t)(last - word) : 0);
	struct str kept = {0};

	str_addf(&kept, "%s%s", f->before, before ? before : "");
	if (before && path && member_type(t, type, path, &type)) {
		f->before = str_text(&kept);
		f->prefix = last ? last + 1 : word;
		f->prefix_len = strlen(f->prefix);
		f->result->nospace = true;
		offer_members(f, t, type, 0);
	}
	f->before = "";
	str_deinit(&kept);
	free(before);
	free(path);
}

static void offer_task_fields(struct finder *f)
{
	struct kernel *kernel = current_kernel(f);
	uint32_t type;
	struct err *err;

	if (!kernel)
		return;
	err = types_parse(kernel_types(kernel), "struct task_struct", &type);
	if (!err)
		offer_path(f, kernel_types(kernel), type, f->prefix);
	err_free(err);
}

/* "runqueues.cfs.nr": a variable's name, then members of its type. */
static void offer_variable(struct finder *f)
{
	struct kernel *kernel = current_kernel(f);
	const char *dot = strchr(f->prefix, '.');
	struct str before = {0};
	char *name;
	uint32_t type;
	struct err *err;

	if (!kernel || !dot) {
		f->result->nospace = true;
		offer_symbols(f);
		return;
	}
	name = strndup(f->prefix, (size_t)(dot - f->prefix));
	if (!name)
		return;
	err = global_type(kernel_types(kernel), name, &type);
	if (!err) {
		str_addf(&before, "%s.", name);
		f->before = str_text(&before);
		offer_path(f, kernel_types(kernel), type, dot + 1);
		str_deinit(&before);
	}
	err_free(err);
	free(name);
}

static void offer_cgroups(struct finder *f)
{
	struct coord *coord = session_coord(f->session);
	struct agent_worker *workers;
	unsigned int count;
	struct err *err;

	offer(f, "@runner");
	if (!coord || !coord_agent(coord))
		return;
	/* From what the workers wrote: asking the agent would let guest time pass. */
	err = agent_workers(coord_agent(coord), NULL, &workers, &count);
	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		offer(f, workers[i].cgroup);
	free(workers);
}

static void offer_knobs(struct finder *f, const char *(*name_of)(unsigned int i))
{
	const char *name;

	for (unsigned int i = 0; (name = name_of(i)); i++) {
		char word[64];

		snprintf(word, sizeof(word), "%s=", name);
		offer(f, word);
	}
	f->result->nospace = true;
}

static void offer_work(struct finder *f, const struct command *command)
{
	const char *name;

	if (strcmp(command->name, "cgroup") == 0) {
		offer_knobs(f, cgroup_knob_name);
		return;
	}
	if (strncmp(f->prefix, "work=", 5) != 0) {
		offer_knobs(f, work_knob_name);
		return;
	}
	f->before = "work=";
	f->prefix += 5;
	f->prefix_len -= 5;
	for (unsigned int i = 0; (name = work_type_name(i)); i++)
		offer(f, name);
}

/* Names in an expression: the word is only its last name. */
static void offer_expression(struct finder *f)
{
	size_t start = f->prefix_len;
	struct str before = {0};

	while (start &&
	       (isalnum((unsigned char)f->prefix[start - 1]) || f->prefix[start - 1] == '_'))
		start--;
	str_add_n(&before, f->prefix, start);
	f->before = str_text(&before);
	f->prefix += start;
	f->prefix_len -= start;
	f->result->nospace = true;
	if (start && f->before[start - 1] == '$') {
		session_names_each(f->session, offer, f);
	} else if (f->prefix_len) {
		expr_words_each(f->prefix, offer, f);
		offer_symbols(f);
	}
	f->before = "";
	str_deinit(&before);
}

static void offer_kernels(struct finder *f)
{
	struct kernel_list list;
	struct err *err = kernel_cache_list(&list);

	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; i < list.count; i++)
		offer(f, list.entries[i].image.version);
	kernel_list_deinit(&list);
}

static void offer_views(struct finder *f)
{
	void *context;
	const struct screen_ops *screen = session_screen(f->session, &context);
	const char *name;

	for (unsigned int i = 0; screen && (name = screen->view_name(context, i)); i++)
		offer(f, name);
}

/* The variables of a map whose name, or the end of it, is `name`, when that begins the word. */
static void offer_bpf_variables(struct finder *f, struct kernel *kernel, const struct bpf_map *map,
				const char *name)
{
	struct section_variable variable;
	size_t len = strlen(name);
	struct bpf_open *open;
	struct err *err;
	uint64_t address;

	if (strncmp(f->prefix, name, len) != 0 || f->prefix[len] != '.')
		return;
	err = bpf_open(kernel, map, &open);
	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; bpf_variable_at(open, i, &variable, &address); i++) {
		char *text = str_format("%s.%s", name, variable.name);

		if (text)
			offer(f, text);
		free(text);
	}
	bpf_close(open);
}

static void offer_bpf(struct finder *f)
{
	struct kernel *kernel = current_kernel(f);
	struct bpf_list list;
	struct err *err;

	if (!kernel)
		return;
	/* What the running guest has unmapped meanwhile must not be followed. */
	if (!coord_held(session_coord(f->session)))
		kernel_window_begin(kernel);
	err = bpf_list(kernel, &list);
	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; i < list.map_count; i++) {
		const char *tail = strchr(list.maps[i].name, '.');

		offer(f, list.maps[i].name);
		offer_bpf_variables(f, kernel, &list.maps[i], list.maps[i].name);
		if (!tail || f->prefix[0] != '.')
			continue;
		offer(f, tail);
		offer_bpf_variables(f, kernel, &list.maps[i], tail);
	}
	bpf_list_deinit(&list);
}

/* ---- which kind of word ---- */

/* read and write: the word after the target's kind depends on the kind. `words` are those before.
 */
static void offer_target(struct finder *f, const struct words *words)
{
	const char *kind = words->count > 1 ? words->words[1] : NULL;

	if (!kind)
		offer_words(f, "task|percpu|symbol|bpf|kva|direct");
	else if (f->prefix[0] == ':')
		offer_words(f, ":u8|:u16|:u32|:u64|:s8|:s16|:s32|:s64|:bytes:|:or-u32");
	else if (strcmp(kind, "task") == 0 && words->count == 2)
		offer_pids(f);
	else if (strcmp(kind, "task") == 0 && words->count == 3)
		offer_task_fields(f);
	else if (strcmp(kind, "percpu") == 0 && words->count == 4)
		offer_cpus(f);
	else if (strcmp(kind, "percpu") == 0 && words->count == 3)
		offer_words(f, "cpu");
	else if (strcmp(kind, "bpf") == 0 && words->count == 2)
		offer_bpf(f);
	else if (words->count == 2)
		offer_variable(f);
	else
		offer_words(f, "as|--hot|--dry-run|--force");
}

/* The argument that word number `at` belongs to: the last one repeats. */
static const struct command_argument *argument_at(const struct command *c, unsigned int at)
{
	unsigned int count = 0;

	while (count < COMMAND_ARGUMENTS && c->arguments[count].name)
		count++;
	if (!count)
		return NULL;
	return &c->arguments[at < count ? at : count - 1];
}

static void offer_argument(struct finder *f, const struct command *c, const struct words *words)
{
	const struct command_argument *a = argument_at(c, words->count - 1);

	switch (a ? a->completer : COMPLETE_NONE) {
	case COMPLETE_COMMAND:
		offer_commands(f);
		for (unsigned int i = 0; help_topic_name(i); i++)
			offer(f, help_topic_name(i));
		break;
	case COMPLETE_SYMBOL:
		offer_symbols(f);
		break;
	case COMPLETE_TYPE:
		offer_types(f);
		break;
	case COMPLETE_PID:
		offer_pids(f);
		break;
	case COMPLETE_CPU:
		offer_cpus(f);
		break;
	case COMPLETE_EXPRESSION:
		offer_expression(f);
		break;
	case COMPLETE_FILE:
		f->result->files = true;
		if (strcmp(c->name, "kernel") == 0)
			offer_kernels(f);
		break;
	case COMPLETE_TARGET:
		offer_target(f, words);
		break;
	case COMPLETE_BPF:
		offer_bpf(f);
		break;
	case COMPLETE_FIELD:
		offer_task_fields(f);
		break;
	case COMPLETE_CGROUP:
		offer_cgroups(f);
		break;
	case COMPLETE_WORK:
		offer_work(f, c);
		break;
	case COMPLETE_SCHEDULER:
		/* The bundled ones; a program of --scheduler is known to the operator. */
		for (const struct wire_sched *sched = wire_schedulers; sched->name; sched++)
			offer(f, sched->name);
		break;
	case COMPLETE_VIEW:
		offer_views(f);
		break;
	case COMPLETE_WORD:
		offer_words(f, a->words);
		break;
	case COMPLETE_NONE:
		break;
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_candidates(struct completion *c)
{
	unsigned int kept = 0;

	if (c->count)
		qsort(c->candidates, c->count, sizeof(*c->candidates), compare_texts);
	for (unsigned int i = 0; i < c->count; i++) {
		if (kept && strcmp(c->candidates[kept - 1], c->candidates[i]) == 0)
			free(c->candidates[i]);
		else
			c->candidates[kept++] = c->candidates[i];
	}
	c->count = kept;
	if (c->candidates)
		c->candidates[kept] = NULL;
}

/* `words` are the whole words before the cursor, the command's name first. */
static void find_candidates(struct finder *f, const struct words *words)
{
	const struct command *command;
	struct err *err;

	if (!words->count) {
		offer_commands(f);
		return;
	}
	err = command_find(words->words[0], &command);
	if (err)
		err_free(err);
	else
		offer_argument(f, command, words);
}

/* Lines inside a block are commands of their own. A time before the command does not count. */
static const char *skip_time(const char *line)
{
	const char *end = line[0] == '[' ? strchr(line, ']') : NULL;

	if (!end)
		return line;
	return end + 1 + strspn(end + 1, " \t");
}

struct err *completion_find(struct session *s, const char *line, size_t cursor,
			    struct completion *ret)
{
	struct completion c = {0};
	struct finder f = {.session = s, .result = &c, .before = ""};
	char *text = strndup(line, cursor);
	struct words words = {0};
	struct err *err;

	if (!text)
		return err_nomem();
	c.start = strlen(text);
	while (c.start && text[c.start - 1] != ' ' && text[c.start - 1] != '\t')
		c.start--;
	f.prefix = strdup(text + c.start);
	f.prefix_len = strlen(text + c.start);
	text[c.start] = '\0';
	err = f.prefix ? words_split(skip_time(text), &words) : err_nomem();
	if (err && err_kind(err) == ERR_USAGE) {
		/* An open quote: nothing to offer inside it. */
		err_free(err);
		err = NULL;
	} else if (!err) {
		char *prefix = (char *)f.prefix;

		find_candidates(&f, &words);
		f.prefix = prefix;
	}
	words_deinit(&words);
	free((char *)f.prefix);
	free(text);
	if (!err && f.failed)
		err = err_nomem();
	if (err) {
		completion_deinit(&c);
		return err;
	}
	sort_candidates(&c);
	*ret = c;
	return NULL;
}

void completion_deinit(struct completion *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		free(c->candidates[i]);
	free(c->candidates);
	*c = (struct completion){0};
}
