/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that sleep: what for, told from where they stand in the kernel. What a lock or a timer is
 * called comes from the objects that lie on the sleeper's own stack while it waits.
 */
#include "coord/why_impl.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* THREAD_SIZE is 16 KiB, 32 with KASAN. */
#define STACK_WORDS 4096
/* Waiters of one lock that are looked at. */
#define WAITERS_MAX 1000

struct sleeper {
	struct question *q;
	const char *place; /* the function that sleeps, past the scheduler's own */
	char names[2][64]; /* of `place`, and of the thread's own function */
	uint64_t *words;   /* the stack in use */
	uint64_t low;	   /* address of words[0] */
	unsigned int count;
	struct unwind_regs entry; /* of the system call, if there is one */
};

/* ---- objects on the stack ---- */

static void read_stack(struct sleeper *s)
{
	const struct unwind_trace *trace = s->q->why->trace;
	uint64_t low, high;
	struct err *err;

	if (!trace->count)
		return;
	low = trace->frames[0].sp & ~7ull;
	/* Frames end where the stack does; what an entry saved lies above the last one. */
	high = trace->frames[trace->count - 1].sp;
	if (high <= low || high - low > 8 * STACK_WORDS)
		return;
	s->count = (unsigned int)((high - low) / 8);
	s->words = malloc((size_t)s->count * 8);
	err = s->words ? kernel_read(s->q->why->kernel, low, s->words, (size_t)s->count * 8) : NULL;
	if (err || !s->words)
		s->count = 0;
	err_free(err);
	s->low = low;
}

/* An object on the stack whose `task` member points to the sleeper, from word *at on; 0: none. */
static uint64_t object_of_task(const struct sleeper *s, const struct field *task, unsigned int *at)
{
	for (; task->present && *at < s->count; (*at)++)
		if (s->words[*at] == s->q->task->address)
			return s->low + 8ull * (*at)++ - task->offset;
	return 0;
}

static bool read_word(const struct sleeper *s, uint64_t base, const struct field *f, uint64_t *ret)
{
	struct object o;

	object_init(&o, s->q->why->kernel, base);
	*ret = object_read(&o, f);
	return f->present && !o.faulted;
}

/* ---- timers ---- */

/* When its high-resolution timer will wake it, ns from now (signed); false: it has none. */
static bool timer_left(const struct sleeper *s, int64_t *ret)
{
	const struct types *t = kernel_types(s->q->why->kernel);
	const char *type = "struct hrtimer_sleeper";
	struct maybe now = model_monotonic_now(s->q->why->kernel, s->q->why->model);
	struct field task, function, expires;
	uint64_t wakeup, base, value;
	unsigned int at = 0;

	field_find(t, type, "task", &task);
	field_find(t, type, "timer.function", &function);
	field_find(t, type, "timer.node.expires", &expires);
	if (!now.present || !kernel_find_symbol(s->q->why->kernel, "hrtimer_wakeup", &wakeup))
		return false;
	while ((base = object_of_task(s, &task, &at)))
		if (read_word(s, base, &function, &value) && value == wakeup &&
		    read_word(s, base, &expires, &value)) {
			*ret = (int64_t)(value - now.value);
			return true;
		}
	return false;
}

/* "until a timer ends it in 2s", or "". */
static struct why_text timer_text(const struct sleeper *s)
{
	struct why_text text = {""};
	int64_t left;

	if (!timer_left(s, &left))
		return text;
	if (left > 0)
		snprintf(text.text, sizeof(text.text), ", for %s more",
			 why_time((uint64_t)left).text);
	else
		snprintf(text.text, sizeof(text.text), "; its time is up");
	return text;
}

/* ---- locks ---- */

static const struct model_task *task_at(const struct sleeper *s, uint64_t address)
{
	int i = model_find_address(s->q->why->model, address);

	return i < 0 ? NULL : &s->q->why->model->tasks[i];
}

/* "cgroup_mutex", or its address. */
static struct why_text lock_name(const struct sleeper *s, uint64_t lock)
{
	struct why_text text;
	uint64_t offset = 1;
	char name[48];
	struct err *err =
		kernel_in_image(s->q->why->kernel, lock)
			? kernel_symbol_at(s->q->why->kernel, lock, name, sizeof(name), &offset)
			: NULL;

	err_free(err);
	if (offset == 0)
		snprintf(text.text, sizeof(text.text), "%s", name);
	else
		snprintf(text.text, sizeof(text.text), "at 0x%" PRIx64, lock);
	return text;
}

/* `owner` as a lock keeps it: flags in its low bits. */
static void say_lock(struct sleeper *s, const char *kind, uint64_t lock, uint64_t owner)
{
	const struct model_task *holder = task_at(s, owner & ~7ull);
	struct why_text name = lock_name(s, lock);

	why_fact(s->q, "lock", "%s %s", kind, name.text);
	if (holder) {
		why_fact(s->q, "owner", "%s, state %c", why_name(holder).text, holder->state);
		why_say(s->q, WHY_BLOCKED, "waits for the %s %s, which %s holds (%s)", kind,
			name.text, why_name(holder).text,
			holder->current ? "it runs"
			: holder->on_rq ? "it waits for a CPU"
					: "it sleeps");
	} else {
		why_say(s->q, WHY_BLOCKED, "waits for the %s %s; who holds it cannot be told", kind,
			name.text);
	}
}

static void at_mutex(struct sleeper *s)
{
	struct field owner;
	uint64_t lock, holder;

	field_find(kernel_types(s->q->why->kernel), "struct mutex", "owner", &owner);
	if (read_word(s, s->q->task->address, &s->q->why->blocked_on, &lock) && lock &&
	    read_word(s, lock, &owner, &holder))
		say_lock(s, "mutex", lock, holder);
}

/* Is `waiter` in the ring of waiters that begins at `first`, a list_head in the lock or a waiter?
 */
static bool in_ring(struct sleeper *s, uint64_t first, uint64_t waiter)
{
	uint64_t at = first;

	for (unsigned int i = 0; i < WAITERS_MAX; i++) {
		struct err *err;

		if (at == waiter)
			return true;
		err = kernel_read_u64(s->q->why->kernel, at, &at);
		if (err) {
			err_free(err);
			return false;
		}
		if (at == first)
			return false;
	}
	return false;
}

/* A pointer to the lock lies in some frame: it is the one in whose ring the waiter stands. */
static uint64_t lock_of(struct sleeper *s, uint64_t waiter, const struct field *ring)
{
	bool is_list = ring->size == 16;
	uint64_t first;

	for (unsigned int i = 0; i < s->count; i++) {
		uint64_t lock = s->words[i];

		if (lock % 8 || lock < 0x8000000000000000ull)
			continue;
		first = lock + ring->offset;
		if (!is_list && !read_word(s, lock, ring, &first))
			continue;
		if (first && in_ring(s, first, waiter))
			return lock;
	}
	return 0;
}

static void at_rwsem(struct sleeper *s)
{
	const struct types *t = kernel_types(s->q->why->kernel);
	struct field task, ring, owner;
	uint64_t waiter, lock, holder;
	unsigned int at = 0;

	field_find(t, "struct rwsem_waiter", "task", &task);
	field_find(t, "struct rw_semaphore", "wait_list|first_waiter", &ring);
	field_find(t, "struct rw_semaphore", "owner", &owner);
	while (ring.present && (waiter = object_of_task(s, &task, &at))) {
		lock = lock_of(s, waiter, &ring);
		if (!lock || !read_word(s, lock, &owner, &holder))
			continue;
		/* Bit 0: readers hold it, and the last of them to come is no proof. */
		say_lock(s, "rw_semaphore", lock, holder & 1 ? 0 : holder);
		return;
	}
}

static void at_rt_mutex(struct sleeper *s)
{
	const struct types *t = kernel_types(s->q->why->kernel);
	struct field lock_field, owner;
	uint64_t lock, holder;

	field_find(t, "struct rt_mutex_waiter", "lock", &lock_field);
	field_find(t, "struct rt_mutex_base", "owner", &owner);
	if (s->q->detail.pi_blocked_on.value &&
	    read_word(s, s->q->detail.pi_blocked_on.value, &lock_field, &lock) &&
	    read_word(s, lock, &owner, &holder))
		say_lock(s, "rt_mutex", lock, holder);
}

/* ---- places ---- */

static void at_nanosleep(struct sleeper *s)
{
	why_say(s->q, WHY_BLOCKED, "sleeps by nanosleep%s", timer_text(s).text);
}

static void at_futex(struct sleeper *s)
{
	if (s->entry.present && !s->entry.partial)
		why_say(s->q, WHY_BLOCKED, "waits for the futex at user address 0x%" PRIx64 "%s",
			s->entry.di, timer_text(s).text);
	else
		why_say(s->q, WHY_BLOCKED, "waits for a futex%s", timer_text(s).text);
}

/* The task is in the signal code, on its way to user space. */
static void at_freezer(struct sleeper *s)
{
	struct question *q = s->q;
	uint64_t cgroup = model_task_cgroup(q->why->kernel, q->why->model, q->task->address);
	struct str path = {0}, clean = {0};
	uint64_t frozen;

	if (!read_word(s, q->task->address, &q->why->frozen, &frozen) || !frozen)
		return;
	if (model_cgroup_path(q->why->kernel, q->why->model, cgroup, &path))
		str_add_clean(&clean, str_text(&path), path.len);
	why_say(q, WHY_FROZEN, "is frozen by the freezer of its cgroup %s", str_text(&clean));
	str_deinit(&path);
	str_deinit(&clean);
}

/* Where a function is on the stack, the task waits for this. The first that fits counts. */
static const struct wait_place {
	const char *function; /* a name, or with '*' at its end the start of names */
	const char *what;
	void (*say)(struct sleeper *s); /* says more, if it can */
} places[] = {
	{"do_freezer_trap", "is frozen by the freezer of its cgroup", at_freezer},
	{"__refrigerator", "is frozen with the whole system", NULL},
	{"ptrace_stop", "is stopped by its tracer", NULL},
	{"do_signal_stop", "is stopped by a signal", NULL},
	{"get_signal", "is held in the delivery of a signal", at_freezer},
	{"rt_mutex_slowlock*", "waits for an rt_mutex", at_rt_mutex},
	{"__rt_mutex_slowlock*", "waits for an rt_mutex", at_rt_mutex},
	{"futex_lock_pi", "waits for a PI futex", at_rt_mutex},
	{"rt_mutex_wait_proxy_lock", "waits for a PI futex", at_rt_mutex},
	{"__mutex_lock*", "waits for a mutex", at_mutex},
	{"rwsem_down_*", "waits for a rw_semaphore", at_rwsem},
	{"percpu_rwsem_wait", "waits for a percpu_rw_semaphore", NULL},
	{"percpu_down_write", "waits until the readers of a percpu_rw_semaphore are gone", NULL},
	{"__down_*", "waits for a semaphore", NULL},
	{"futex_*", "waits for a futex", at_futex},
	{"__futex_wait", "waits for a futex", at_futex},
	{"do_nanosleep", "sleeps by nanosleep", at_nanosleep},
	{"hrtimer_nanosleep", "sleeps by nanosleep", at_nanosleep},
	{"msleep*", "sleeps in the kernel for a time", NULL},
	{"io_schedule*", "waits for input or output of a device", NULL},
	{"folio_wait_*", "waits for a page of a file", NULL},
	{"balance_dirty_pages*", "waits until dirty pages are written", NULL},
	{"mem_cgroup_handle_over_high", "is slowed down by its cgroup's memory.high", NULL},
	{"anon_pipe_read", "waits for data in a pipe", NULL},
	{"pipe_read", "waits for data in a pipe", NULL},
	{"anon_pipe_write", "waits for room in a pipe", NULL},
	{"pipe_write", "waits for room in a pipe", NULL},
	{"ep_poll", "waits for events (epoll)", NULL},
	{"do_epoll_wait", "waits for events (epoll)", NULL},
	{"do_poll*", "waits for events (poll)", NULL},
	{"do_sys_poll", "waits for events (poll)", NULL},
	{"do_select", "waits for events (select)", NULL},
	{"__do_wait", "waits for a child to end", NULL},
	{"do_wait", "waits for a child to end", NULL},
	{"eventfd_read", "waits for an eventfd", NULL},
	{"timerfd_read*", "waits for a timerfd", NULL},
	{"signalfd_*", "waits for a signal", NULL},
	{"do_sigtimedwait", "waits for a signal", NULL},
	{"sigsuspend", "waits for a signal", NULL},
	{"__ia32_sys_pause", "waits for a signal (pause)", NULL},
	{"__x64_sys_pause", "waits for a signal (pause)", NULL},
	{"unix_stream_*", "waits for a Unix socket", NULL},
	{"__skb_wait_for_more_packets", "waits for a packet on a socket", NULL},
	{"sk_wait_data", "waits for data on a socket", NULL},
	{"inet_csk_accept", "waits for a connection", NULL},
	{"n_tty_read", "waits for input of a terminal", NULL},
	{"do_msgrcv", "waits for a message", NULL},
	{"__do_semtimedop", "waits for a System V semaphore", NULL},
	{"synchronize_rcu*", "waits for an RCU grace period", NULL},
	{"wait_rcu_exp_gp", "waits for an RCU grace period", NULL},
	{"affine_move_task", "waits until it is moved to a CPU that it may use", NULL},
	{"stop_one_cpu", "waits for the stopper of a CPU", NULL},
	{"__flush_work*", "waits for a work item to end", NULL},
	{"kthread_stop", "waits for a kernel thread to end", NULL},
	{"wait_for_completion*", "waits for a completion", NULL},
	{"worker_thread", "is a kernel worker without work", NULL},
	{"rescuer_thread", "is a rescue worker without work", NULL},
	{"smpboot_thread_fn", "is a per-CPU kernel thread without work", NULL},
	{"kthread_worker_fn", "is a kernel thread without work", NULL},
	{"rcu_gp_kthread", "waits for RCU work", NULL},
	{"kswapd*", "waits until memory gets scarce", NULL},
	{"kthreadd", "waits for kernel threads to make", NULL},
};

/* What every sleeper has innermost. */
static const char *const scheduler_functions[] = {
	"__schedule",
	"schedule",
	"schedule_preempt_disabled",
	"schedule_idle",
	"schedule_timeout*",
	"schedule_hrtimeout_range*",
	"preempt_schedule*",
	"__wait_for_common",
	"do_wait_for_common",
	"wait_woken",
	"rt_mutex_schedule",
	"__switch_to_asm",
	"poll_schedule_timeout*",
	"__cond_resched",
};

/* GCC's clones (.constprop.0, .isra.0) are the function. */
static bool fits(const char *name, const char *pattern)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncmp(name, pattern, len - 1) == 0;
	return strncmp(name, pattern, len) == 0 && (!name[len] || name[len] == '.');
}

static bool is_scheduler(const char *name)
{
	for (size_t i = 0; i < sizeof(scheduler_functions) / sizeof(*scheduler_functions); i++)
		if (fits(name, scheduler_functions[i]))
			return true;
	return false;
}

static const struct wait_place *place_of(const char *name)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (fits(name, places[i].function))
			return &places[i];
	return NULL;
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

/* The innermost place that the table knows is what it waits for. */
static const struct wait_place *look_at_stack(struct sleeper *s, struct str *stack)
{
	const struct unwind_trace *trace = s->q->why->trace;
	const struct wait_place *found = NULL;
	char name[64];

	for (unsigned int i = 0; i < trace->count; i++) {
		const struct wait_place *place;

		if (trace->frames[i].entry.present && trace->frames[i].entry.user)
			s->entry = trace->frames[i].entry;
		if (!frame_name(s, i, name, sizeof(name)))
			continue;
		if (stack->len < 160)
			str_addf(stack, "%s%s", stack->len ? " < " : "", name);
		if (!s->place && !is_scheduler(name)) {
			strcpy(s->names[0], name);
			s->place = s->names[0];
		}
		place = place_of(name);
		if (place && !found)
			found = place;
	}
	return found;
}

static void say_place(struct sleeper *s, const struct wait_place *place)
{
	enum why_verdict verdict = WHY_BLOCKED;

	if (place && place->say)
		place->say(s);
	if (s->q->task->state == 'T' || s->q->task->state == 't')
		verdict = WHY_STOPPED;
	if (place)
		why_say(s->q, verdict, "%s (in %s)", place->what,
			s->place ? s->place : place->function);
	else if (s->place)
		why_say(s->q, verdict, "sleeps in %s%s%s", s->place,
			s->q->task->state == 'D' ? ", not to be interrupted" : "",
			timer_text(s).text);
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
		read_stack(&s);
		place = look_at_stack(&s, &stack);
		why_fact(q, "stack", "%s", stack.len ? str_text(&stack) : q->why->trace->end);
	}
	say_place(&s, place);
	free(s.words);
	str_deinit(&stack);
}
