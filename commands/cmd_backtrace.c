/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/code.h"
#include "coord/model.h"
#include "coord/source.h"
#include "coord/unwind.h"
#include "vmm/registers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct out_column frame_columns[] = {
	{"task", 0},   {"frame", OUT_RIGHT}, {"function", 0},	      {"note", 0},
	{"source", 0}, {"comm", OUT_HIDDEN}, {"address", OUT_HIDDEN}, {"sp", OUT_HIDDEN},
};
#define FRAME_COLUMNS (sizeof(frame_columns) / sizeof(frame_columns[0]))
#define COLUMN_SOURCE 4 /* hidden without --vmlinux */

/* One line: a frame, or without one what is to be said about the stack. */
struct line {
	int task;  /* index into the model's tasks */
	int frame; /* -1: a remark */
	uint64_t address, sp;
	char *function, *note, *source; /* owned; NULL: none */
};

/* The functions at one place in the code, innermost first. */
#define INLINED_MAX 16
#define INLINED_PLACES 512
struct inlined {
	uint64_t address; /* 0: none yet */
	unsigned int count;
	struct source_frame frames[INLINED_MAX];
};

struct backtrace {
	struct session *session;
	struct kernel *kernel;
	const struct model *model;
	struct unwind *unwind;
	struct unwind_trace *trace;
	struct code code;
	struct inlined *inlined; /* INLINED_PLACES, by address; NULL without --vmlinux */
	struct line *lines;
	unsigned int count, size;
	uint32_t task_type;
	char comm[SHOW_COMM], task[SHOW_COMM + 32];
};

/* ---- names ---- */

/* A call may be a function's last instruction, and then its return address lies in the next one. */
static uint64_t inside(const struct unwind_frame *f)
{
	return f->exact ? f->ip : f->ip - 1;
}

static char *function_text(struct backtrace *b, const struct unwind_frame *f)
{
	struct str s = {0};

	code_place(&b->code, f->ip, inside(f), &s);
	return str_take(&s);
}

static const char *entry_word(const char *function)
{
	if (str_starts(function, "entry_SYS") || str_starts(function, "entry_INT80"))
		return "system call";
	if (str_starts(function, "asm_exc_"))
		return "exception";
	if (str_starts(function, "asm_"))
		return "interrupt";
	return "entry";
}

static char *entry_text(const char *word, const struct unwind_regs *entry)
{
	if (!entry->user)
		return str_format("%s", word);
	if (strcmp(word, "system call") == 0)
		return str_format("system call %" PRId64 " from user space, ip 0x%" PRIx64,
				  entry->orig_ax, entry->ip);
	return str_format("%s from user space, ip 0x%" PRIx64, word, entry->ip);
}

static char *note_text(struct backtrace *b, const struct unwind_frame *f, const char *function)
{
	if (f->entry.present)
		return entry_text(entry_word(function), &f->entry);
	if (!f->frame_pointer)
		return NULL;
	return str_format("%sleft by its frame pointer",
			  str_starts(function, "0x") ? "a module or trampoline, " : "");
}

/* What the compiler did at a place: looked up once, since many tasks wait at the same ones. */
static const struct inlined *find_inlined(struct backtrace *b, uint64_t address)
{
	struct inlined *i = &b->inlined[address % INLINED_PLACES];

	if (i->address == address)
		return i;
	i->address = address;
	i->count = source_frames(session_source(b->session), address, i->frames, INLINED_MAX);
	return i;
}

static char *source_text(const struct source_frame *f)
{
	return f->at.line ? str_format("%s:%d", f->at.file, f->at.line) : NULL;
}

/* ---- lines ---- */

static struct err *add_line(struct backtrace *b, const struct line *line)
{
	if (b->count == b->size) {
		unsigned int size = b->size ? 2 * b->size : 64;
		struct line *lines = realloc(b->lines, size * sizeof(*lines));

		if (!lines)
			return err_nomem();
		b->lines = lines;
		b->size = size;
	}
	b->lines[b->count++] = *line;
	return NULL;
}

static void line_deinit(struct line *line)
{
	free(line->function);
	free(line->note);
	free(line->source);
}

/* Takes what `line` owns. */
static struct err *take_line(struct backtrace *b, struct line *line)
{
	struct err *err = line->function ? add_line(b, line) : err_nomem();

	if (err)
		line_deinit(line);
	return err;
}

/* A frame of the stack, after what is inlined there. */
static struct err *add_frame(struct backtrace *b, int task, int *number,
			     const struct unwind_frame *f)
{
	struct line line = {.task = task, .address = f->ip, .sp = f->sp};
	const struct inlined *inlined = NULL;
	unsigned int i = 0;

	if (b->inlined && kernel_in_image(b->kernel, f->ip))
		inlined = find_inlined(b, inside(f));
	for (; inlined && i + 1 < inlined->count; i++) {
		line.frame = (*number)++;
		line.function = str_format("%s", inlined->frames[i].function);
		line.note = str_format("inlined");
		line.source = source_text(&inlined->frames[i]);
		ERR_TRY(take_line(b, &line));
	}
	line.frame = (*number)++;
	line.function = function_text(b, f);
	line.note = line.function ? note_text(b, f, line.function) : NULL;
	line.source = inlined && inlined->count ? source_text(&inlined->frames[i]) : NULL;
	return take_line(b, &line);
}

/* Takes `note`. */
static struct err *add_remark(struct backtrace *b, int task, char *note)
{
	struct line line = {.task = task, .frame = -1, .note = note};
	struct err *err = note ? add_line(b, &line) : err_nomem();

	if (err)
		free(note);
	return err;
}

/* What can be said of a running task without its CPU's registers. */
static struct err *add_without_registers(struct backtrace *b, int task, const char *why)
{
	const struct model_task *t = &b->model->tasks[task];
	struct unwind_regs entry;

	ERR_TRY(add_remark(b, task, str_format("runs on cpu %u: %s", t->cpu, why)));
	if (t->kthread || !unwind_user_entry(b->unwind, t->address, &entry))
		return NULL;
	return add_remark(b, task,
			  str_format("its last entry from user space: ip 0x%" PRIx64
				     ", sp 0x%" PRIx64 ", orig_ax %" PRId64,
				     entry.ip, entry.sp, entry.orig_ax));
}

static struct err *add_trace(struct backtrace *b, int task)
{
	int number = 0;

	for (unsigned int i = 0; i < b->trace->count; i++)
		ERR_TRY(add_frame(b, task, &number, &b->trace->frames[i]));
	return b->trace->end[0] ? add_remark(b, task, str_format("ends: %s", b->trace->end)) : NULL;
}

/* The task whose stack a CPU is on: not yet its current one while it switches. */
static const struct model_task *stack_owner(struct backtrace *b, const struct model_task *current,
					    uint64_t sp)
{
	if (unwind_is_on(b->unwind, current->address, sp))
		return current;
	for (unsigned int i = 0; i < b->model->task_count + b->model->idle_count; i++)
		if (unwind_is_on(b->unwind, b->model->tasks[i].address, sp))
			return &b->model->tasks[i];
	return current;
}

static struct err *add_running(struct backtrace *b, int task)
{
	const struct model_task *t = &b->model->tasks[task], *owner;
	struct cpu_registers registers;
	struct err *err =
		machine_registers(coord_machine(session_coord(b->session)), t->cpu, &registers);

	if (err) {
		struct err *added = add_without_registers(b, task, err_detail(err));

		err_free(err);
		return added;
	}
	if (registers_in_user(&registers))
		return add_remark(b, task,
				  str_format("runs on cpu %u in user space, ip 0x%" PRIx64, t->cpu,
					     registers.value[REG_RIP]));
	owner = stack_owner(b, t, registers.value[REG_RSP]);
	if (owner != t)
		ERR_TRY(add_remark(b, task,
				   str_format("cpu %u switches to it, still on the stack of %d",
					      t->cpu, owner->pid)));
	unwind_running(b->unwind, owner->address, t->cpu, &registers, b->trace);
	return add_trace(b, task);
}

static struct err *add_task(struct backtrace *b, int task)
{
	const struct model_task *t = &b->model->tasks[task];

	if (t->current)
		return add_running(b, task);
	/* Set until the switch away is done: till then the saved frame is an old one. */
	if (t->on_cpu)
		return add_without_registers(b, task, "it is being switched away from");
	unwind_task(b->unwind, t->address, b->trace);
	return add_trace(b, task);
}

/* ---- which tasks ---- */

static struct err *add_all(struct backtrace *b)
{
	for (unsigned int i = 0; i < b->model->task_count + b->model->idle_count; i++)
		ERR_TRY(add_task(b, (int)i));
	return NULL;
}

static struct err *add_cpu(struct backtrace *b, const char *word)
{
	unsigned int cpu;

	ERR_TRY(show_cpu_number(b->session, word, &cpu));
	if (b->model->cpus[cpu].current_task < 0)
		return err_new(ERR_NOT_FOUND, "what runs on cpu %u is not known", cpu);
	return add_task(b, b->model->cpus[cpu].current_task);
}

static struct err *add_pid(struct backtrace *b, const char *word)
{
	int64_t pid;
	int task;

	ERR_TRY(show_number(b->session, word, &pid));
	task = pid > 0 && pid <= INT32_MAX ? model_find_task(b->model, (int)pid) : -1;
	if (task < 0)
		return err_new(ERR_NOT_FOUND, "no task has pid %" PRId64, pid);
	return add_task(b, task);
}

static struct err *collect(struct backtrace *b, const char *word)
{
	if (strcmp(word, "all") == 0)
		return add_all(b);
	if (str_starts(word, "cpu:"))
		return add_cpu(b, word);
	return add_pid(b, word);
}

/* ---- rows ---- */

static struct out_value text_or_nothing(const char *text)
{
	return out_string(text ? text : "");
}

static void fill_frame(void *context, unsigned int row, struct out_value *v)
{
	struct backtrace *b = context;
	const struct line *line = &b->lines[row];
	const struct model_task *task = &b->model->tasks[line->task];
	bool first = row == 0 || b->lines[row - 1].task != line->task;
	struct out_value pid = out_s64(task->pid);

	show_comm(task, b->comm);
	snprintf(b->task, sizeof(b->task), "%d %s", task->pid, b->comm);
	pid.string = first ? b->task : "";
	*v++ = pid;
	*v = out_s64(line->frame);
	if (line->frame < 0)
		v->string = "";
	v++;
	*v++ = text_or_nothing(line->function);
	*v++ = text_or_nothing(line->note);
	*v++ = text_or_nothing(line->source);
	*v++ = out_string(b->comm);
	*v++ = line->frame < 0 ? out_absent() : out_hex(line->address);
	*v = line->frame < 0 ? out_absent() : out_hex(line->sp);
}

static bool frame_self(void *context, unsigned int row, struct value *ret)
{
	const struct backtrace *b = context;

	*ret = value_object(b->task_type, b->model->tasks[b->lines[row].task].address);
	return true;
}

static struct err *show_frames(struct backtrace *b, const char *clauses, struct out *out)
{
	struct out_column columns[FRAME_COLUMNS];
	const struct rows rows = {.columns = columns,
				  .column_count = FRAME_COLUMNS,
				  .row_count = b->count,
				  .fill = fill_frame,
				  .self = frame_self,
				  .context = b};

	memcpy(columns, frame_columns, sizeof(columns));
	if (!session_source(b->session))
		columns[COLUMN_SOURCE].flags |= OUT_HIDDEN;
	return rows_show(b->session, &rows, clauses, out);
}

static struct err *prepare(struct session *s, struct backtrace *b)
{
	b->session = s;
	b->trace = malloc(sizeof(*b->trace));
	if (session_source(s))
		b->inlined = calloc(INLINED_PLACES, sizeof(*b->inlined));
	if (!b->trace || (session_source(s) && !b->inlined))
		return err_nomem();
	ERR_TRY(session_kernel(s, &b->kernel));
	b->code.kernel = b->kernel;
	ERR_TRY(types_parse(kernel_types(b->kernel), "struct task_struct", &b->task_type));
	ERR_TRY(coord_model(session_coord(s), &b->model));
	return unwind_create(b->kernel, &b->unwind);
}

static void backtrace_deinit(struct backtrace *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		line_deinit(&b->lines[i]);
	free(b->lines);
	free(b->inlined);
	code_deinit(&b->code);
	unwind_destroy(b->unwind);
	free(b->trace);
}

static struct err *run_backtrace(struct session *s, const struct command_line *line,
				 struct out *out)
{
	struct backtrace b = {0};
	const char *clauses;
	struct err *err;
	char *word;

	ERR_TRY(rows_word(line->rest, &word, &clauses));
	if (!word)
		return command_usage(&command_backtrace);
	err = prepare(s, &b);
	if (!err)
		err = collect(&b, word);
	if (!err)
		err = show_frames(&b, clauses, out);
	free(word);
	backtrace_deinit(&b);
	return err;
}

const struct command command_backtrace = {
	.name = "backtrace",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "backtrace PID|cpu:N|all [where EXPR] [sort KEY] [columns A,B]",
	.summary = "where tasks stand in the kernel, function by function",
	.help = "Innermost first, function+offset/size, by the kernel's own ORC tables. A note "
		"marks "
		"entries\n"
		"(system call, interrupt, exception) and steps that trust a frame pointer (BPF "
		"programs, modules).\n"
		"A stack that is damaged ends with the reason. With --vmlinux `source` is shown, and "
		"functions that\n"
		"the compiler inlined have frames of their own. cpu:N is the task that runs there, "
		"from the\n"
		"CPU's own registers, through the stacks of interrupts and exceptions.\n"
		"In JSON a remark about the whole stack has frame -1. More columns: comm address "
		"sp.\n"
		"\n"
		"    backtrace 1\n"
		"    backtrace all where comm == \"kswapd0\"",
	.arguments = {{"PID", COMPLETE_PID, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_backtrace,
};
