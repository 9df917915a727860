/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that sleep. */
#include "coord/why_sleeper.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who ends the wait ---- */

const char *why_doing(const struct model_task *t)
{
	return t->current ? "it runs" : t->on_rq ? "it waits for a CPU" : "it sleeps";
}

/* Another thread of the same process, by its pid; NULL: there is none. */
static const struct model_task *sibling(const struct sleeper *s, uint32_t pid)
{
	const struct model *m = s->q->why->model;
	int i = pid && pid <= INT32_MAX ? model_find_task(m, (int)pid) : -1;

	return i >= 0 && i != s->q->index && m->tasks[i].tgid == s->q->task->tgid ? &m->tasks[i]
										  : NULL;
}

static uint64_t member(const struct sleeper *s, uint64_t base, const char *type, const char *path)
{
	struct field f;
	uint64_t value;

	field_find(kernel_types(s->q->why->kernel), type, path, &f);
	return sleeper_word(s, base, &f, &value) ? value : 0;
}

/*
 * What user space keeps there tells more than the kernel knows. The word that the kernel clears at
 * a thread's end is what joins it wait for. In glibc's mutexes, the word itself (2: somebody waits)
 * is followed by a count and the owner.
 */
void sleeper_at_futex(struct sleeper *s)
{
	struct kernel *k = s->q->why->kernel;
	uint64_t mm = member(s, s->q->task->address, "struct task_struct", "mm");
	uint64_t pgd = mm ? member(s, mm, "struct mm_struct", "pgd") : 0, at = s->entry.di;
	struct why_text timer = sleeper_timer(s);
	const struct model_task *other;
	uint32_t word, owner;

	if (!s->entry.present || s->entry.partial) {
		why_say(s->q, WHY_BLOCKED, "waits for a futex%s", timer.text);
		return;
	}
	if (!pgd || !kernel_user_u32(k, pgd, at, &word))
		word = 0;
	else
		why_fact(s->q, "futex", "0x%x at 0x%" PRIx64, word, at);
	other = sibling(s, word);
	if (other && member(s, other->address, "struct task_struct", "clear_child_tid") == at) {
		why_say(s->q, WHY_BLOCKED, "waits for the thread %s to end (%s)",
			why_name(other).text, why_doing(other));
		return;
	}
	other = word == 2 && kernel_user_u32(k, pgd, at + 8, &owner) ? sibling(s, owner) : NULL;
	if (other)
		why_say(s->q, WHY_BLOCKED,
			"waits for the futex at user address 0x%" PRIx64
			"%s; if that is a mutex of glibc, %s holds it (%s)",
			at, timer.text, why_name(other).text, why_doing(other));
	else
		why_say(s->q, WHY_BLOCKED, "waits for the futex at user address 0x%" PRIx64 "%s",
			at, timer.text);
}

void sleeper_at_tracer(struct sleeper *s)
{
	const struct model *m = s->q->why->model;
	int tracer = -1;

	if (member(s, s->q->task->address, "struct task_struct", "ptrace"))
		tracer = model_find_address(
			m, member(s, s->q->task->address, "struct task_struct", "parent"));
	if (tracer >= 0)
		why_say(s->q, WHY_STOPPED, "is stopped by its tracer %s (%s)",
			why_name(&m->tasks[tracer]).text, why_doing(&m->tasks[tracer]));
}

/* The task is in the signal code, on its way to user space. */
void sleeper_at_freezer(struct sleeper *s)
{
	struct question *q = s->q;
	uint64_t cgroup = model_task_cgroup(q->why->kernel, q->why->model, q->task->address);
	struct str path = {0}, clean = {0};
	uint64_t frozen;

	if (!sleeper_word(s, q->task->address, &q->why->frozen, &frozen) || !frozen)
		return;
	if (model_cgroup_path(q->why->kernel, q->why->model, cgroup, &path))
		str_add_clean(&clean, str_text(&path), path.len);
	why_say(q, WHY_FROZEN, "is frozen by the freezer of its cgroup %s", str_text(&clean));
	str_deinit(&path);
	str_deinit(&clean);
}

/* ---- the sleeper ---- */

static bool frame_name(const struct sleeper *s, unsigned int i, char *name, size_t size)
{
	const struct unwind_frame *f = &s->q->why->trace->frames[i];
	uint64_t offset;
	struct err *err = kernel_symbol_at(s->q->why->kernel, f->exact ? f->ip : f->ip - 1, name,
					   size, &offset);

	err_free(err);
	return !err;
}

/* Whether `place`, in which the task is, says more of what it waits for than `found` further in. */
static bool says_more(const struct sleeper *s, const struct wait_place *place,
		      const struct wait_place *found, const char *name)
{
	if (!place || (found && found->kind != WAIT_VAGUE))
		return false;
	return place->kind != WAIT_LOOP || strcmp(s->place, name) == 0;
}

/* The innermost place that the table knows is what it waits for. What took a fault waits for that.
 */
static const struct wait_place *look_at_stack(struct sleeper *s, struct str *stack)
{
	const struct unwind_trace *trace = s->q->why->trace;
	const struct wait_place *found = NULL;
	bool faulted = false;
	char name[64];

	for (unsigned int i = 0; i < trace->count; i++) {
		const struct unwind_regs *entry = &trace->frames[i].entry;

		if (entry->present && entry->user)
			s->entry = *entry;
		if (!frame_name(s, i, name, sizeof(name)))
			continue;
		if (stack->len < 160)
			str_addf(stack, "%s%s", stack->len ? " < " : "", name);
		if (!s->place[0] && !wait_is_scheduler(name))
			strcpy(s->place, name);
		if (!faulted && says_more(s, wait_place_of(name), found, name))
			found = wait_place_of(name);
		faulted |= entry->present && !entry->user;
	}
	return found;
}

static void say_place(struct sleeper *s, const struct wait_place *place)
{
	char state = s->q->task->state;
	enum why_verdict verdict = state == 'T' || state == 't' ? WHY_STOPPED : WHY_BLOCKED;

	if (place && place->say)
		place->say(s);
	if (place)
		why_say(s->q, verdict, "%s%s (in %s)", place->what, sleeper_timer(s).text,
			s->place[0] ? s->place : place->function);
	else if (s->place[0])
		why_say(s->q, verdict, "sleeps in %s%s%s", s->place,
			state == 'D' ? ", not to be interrupted" : "", sleeper_timer(s).text);
	else if (verdict == WHY_STOPPED)
		why_say(s->q, verdict, "is stopped");
	else
		why_say(s->q, WHY_BLOCKED, "sleeps; where cannot be read");
}

static void time_asleep(struct question *q)
{
	struct object o;
	uint64_t ran, clock = q->cpu ? q->why->now : 0;

	object_init(&o, q->why->kernel, q->task->address);
	ran = object_read(&o, &q->why->exec_start);
	/* The clock of tasks leaves interrupts out: a little behind, so this is a little too long.
	 */
	if (!ran || ran > clock)
		return;
	q->answer->waited = (struct maybe){true, clock - ran};
	why_fact(q, "asleep", "for about %s", why_time(clock - ran).text);
}

void why_blocked(struct question *q)
{
	struct sleeper s = {.q = q};
	const struct wait_place *place = NULL;
	struct str stack = {0};

	time_asleep(q);
	q->why->trace->count = 0;
	if (why_unwind(q->why)) {
		unwind_task(q->why->unwind, q->task->address, q->why->trace);
		sleeper_read_stack(&s);
		place = look_at_stack(&s, &stack);
		why_fact(q, "stack", "%s", stack.len ? str_text(&stack) : q->why->trace->end);
	}
	say_place(&s, place);
	free(s.words);
	str_deinit(&stack);
}
