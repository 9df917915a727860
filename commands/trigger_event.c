/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has a function for: the guest stands at its first instruction, before anything is undone. */
#include "commands/moment.h"
#include "commands/trigger_impl.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY 10000000ull
#define FIRST_ERROR 1024 /* SCX_EXIT_ERROR: ends that are no failure come before */
#define SAYS 2

/*
 * What the kernel calls then. Kernels differ, and compilers inline: of an event's ways the first of which this
 * kernel has a function is taken, with all its functions.
 */
static const struct known {
	const char *event;
	unsigned int way;
	const char *function, *condition;
	const char *says[SAYS];
} known[] = {
	{"panic", 0, "vpanic", NULL, {"fmt"}},
	{"panic", 1, "panic", NULL, {"fmt"}},
	{"oops", 0, "oops_enter", NULL, {NULL}},
	{"oom", 0, "oom_kill_process", NULL, {"message", "oc->chosen->comm"}},
	{"oom", 1, "out_of_memory", NULL, {NULL}},
	{"exit", 0, "scx_vexit", "kind >= 1024", {"kind", "fmt"}},
	{"exit", 1, "scx_exit", "kind >= 1024", {"kind", "fmt"}},
	{"exit", 1, "scx_bpf_error_bstr", NULL, {"fmt"}},
	{"exit", 2, "scx_exit_kind", "kind >= 1024", {"kind", "fmt"}},
	{"exit", 3, "scx_ops_exit_kind", "kind >= 1024", {"kind", "fmt"}},
	{"lockup", 0, "scx_softlockup", NULL, {"dur_s"}},
	{"lockup", 0, "scx_hardlockup", NULL, {NULL}},
	{"lockup", 0, "scx_rcu_cpu_stall", NULL, {NULL}},
	{"lockup", 1, "rcu_check_gp_kthread_starvation", NULL, {NULL}},
};
_Static_assert(FIRST_ERROR == 1024, "as in the conditions");

struct event_place {
	uint64_t address;
	struct moment moment;
	struct expr *condition, *says[SAYS];
};

struct event {
	struct session *session;
	const char *name;
	struct event_place places[TRIGGER_PLACES];
	unsigned int count;
	uint64_t (*tell)(struct session *s, struct str *what); /* without breaks */
	uint64_t told;
	struct pulses *pulses; /* lockup */
};

static void destroy_event(void *context)
{
	struct event *e = context;

	for (unsigned int i = 0; i < e->count; i++) {
		expr_destroy(e->places[i].condition);
		for (unsigned int j = 0; j < SAYS; j++)
			expr_destroy(e->places[i].says[j]);
	}
	pulses_destroy(e->pulses);
	free(e);
}

/* ---- at its place ---- */

static void say(const struct event_place *p, const struct machine_hit *hit, struct str *what)
{
	for (unsigned int i = 0; i < SAYS && p->says[i]; i++) {
		str_addf(what, "%s ", expr_text(p->says[i]));
		moment_show(&p->moment, hit, p->says[i], what);
		str_add(what, ", ");
	}
	moment_describe(&p->moment, hit, what);
}

static struct err *judge_hit(const struct event *e, const struct machine_hit *hit, bool *stop,
			     struct str *what)
{
	for (unsigned int i = 0; i < e->count; i++)
		if (e->places[i].address == hit->pc) {
			ERR_TRY(moment_test(&e->places[i].moment, hit, e->places[i].condition, stop));
			if (*stop)
				say(&e->places[i], hit, what);
		}
	return NULL;
}

/* ---- where there are no breaks: it has just happened ---- */

static uint64_t tell_panic(struct session *s, struct str *what)
{
	return coord_panicked(session_coord(s), what);
}

/* How many: a counter of the kernel, which shows nothing else of them. */
static uint64_t tell_oops(struct session *s, struct str *what)
{
	uint64_t address;
	uint32_t count = 0;
	struct kernel *k;
	struct err *err = session_kernel(s, &k);

	if (!err)
		err = kernel_symbol(k, "die_counter", &address);
	if (!err)
		err = kernel_read_u32(k, address, &count);
	err_free(err);
	str_addf(what, "the kernel has died %" PRIu32 " times; see dmesg", count);
	return count;
}

static struct err *count_kills(struct kernel *k, uint64_t *ret)
{
	uint64_t symbol, address, kills;
	int64_t item;

	ERR_TRY(types_enumerator(kernel_types(k), "OOM_KILL", &item));
	ERR_TRY(kernel_symbol(k, "vm_event_states", &symbol));
	for (unsigned int cpu = 0; cpu < kernel_cpus(k); cpu++) {
		ERR_TRY(kernel_percpu(k, symbol, cpu, &address));
		ERR_TRY(kernel_read_u64(k, address + 8 * (uint64_t)item, &kills));
		*ret += kills;
	}
	return NULL;
}

static uint64_t tell_oom(struct session *s, struct str *what)
{
	uint64_t count = 0;
	struct kernel *k;
	struct err *err = session_kernel(s, &k);

	if (!err)
		err = count_kills(k, &count);
	err_free(err);
	str_addf(what, "%" PRIu64 " tasks were killed for want of memory; see dmesg", count);
	return count;
}

static uint64_t tell_exit(struct session *s, struct str *what)
{
	struct model_scx scx = {0};
	struct model_layout *layout;
	struct kernel *k;
	struct err *err = session_kernel(s, &k);

	if (!err)
		err = coord_layout(session_coord(s), &layout);
	if (!err)
		model_peek_scx(k, layout, 0, &scx);
	err_free(err);
	if (!scx.exit_kind.present || scx.exit_kind.value < FIRST_ERROR)
		return 0;
	str_add_clean(what, scx.exit_reason, sizeof(scx.exit_reason));
	str_add(what, *scx.exit_message ? ": " : "");
	str_add_clean(what, scx.exit_message, sizeof(scx.exit_message));
	return scx.exit_kind.value;
}

static const struct teller {
	const char *event;
	uint64_t (*tell)(struct session *s, struct str *what);
} tellers[] = {
	{"panic", tell_panic}, {"oops", tell_oops}, {"oom", tell_oom}, {"exit", tell_exit}, {"lockup", NULL},
};

static const struct teller *find_teller(const char *name)
{
	for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++)
		if (strcmp(tellers[i].event, name) == 0)
			return &tellers[i];
	return NULL;
}

/* Something else than before. */
static bool has_news(struct event *e, struct str *what)
{
	struct str words = {0};
	uint64_t told = e->tell ? e->tell(e->session, &words) : 0;
	bool news = told && told != e->told;

	e->told = told;
	if (news)
		str_add(what, str_text(&words));
	str_deinit(&words);
	return news;
}

static struct err *judge_event(void *context, const struct machine_hit *hit, bool *stop,
			       struct str *what)
{
	struct event *e = context;

	if (hit)
		return judge_hit(e, hit, stop, what);
	*stop = has_news(e, what);
	return e->pulses && !*stop ? pulses_look(e->pulses, stop, what) : NULL;
}

static const struct halt_ops event_ops = {judge_event, destroy_event};

/* ---- making one ---- */

static struct err *add_place(struct event *e, struct kernel *k, const struct known *from,
			     uint64_t address)
{
	struct event_place *p = &e->places[e->count++];

	p->address = address;
	p->moment.session = e->session;
	err_free(types_variable(kernel_types(k), from->function, &p->moment.prototype));
	if (from->condition)
		ERR_TRY(expr_parse(from->condition, &p->condition));
	for (unsigned int i = 0; i < SAYS && from->says[i]; i++)
		ERR_TRY(expr_parse(from->says[i], &p->says[i]));
	return NULL;
}

static struct err *find_places(struct event *e, struct kernel *k)
{
	unsigned int way = 0;
	uint64_t address;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].event, e->name) || (e->count && known[i].way != way) ||
		    !kernel_find_symbol(k, known[i].function, &address))
			continue;
		way = known[i].way;
		ERR_TRY(add_place(e, k, &known[i], address));
	}
	return NULL;
}

static struct err *fill(struct event *e, struct trigger_spec *spec)
{
	struct machine *m = coord_machine(session_coord(e->session));
	struct str ignored = {0};
	struct kernel *kernel;
	struct err *none;

	ERR_TRY(session_kernel(e->session, &kernel));
	none = machine_can_break(m);
	if (!none)
		ERR_TRY(find_places(e, kernel));
	err_free(none);
	for (unsigned int i = 0; i < e->count; i++)
		spec->places[i] = (struct machine_break){BREAK_ENTRY, e->places[i].address, 0};
	spec->halt.place_count = e->count;
	if (strcmp(e->name, "lockup") == 0) {
		spec->halt.every = PULSES_EVERY;
		return pulses_create(e->session, &e->pulses);
	}
	if (e->count)
		return NULL;
	e->tell = find_teller(e->name)->tell;
	e->told = e->tell(e->session, &ignored);
	str_deinit(&ignored);
	spec->halt.every = LOOK_EVERY;
	return NULL;
}

bool trigger_is_event(const char *name)
{
	return find_teller(name);
}

struct err *trigger_event(struct session *s, const char *name, struct trigger_spec *ret)
{
	struct event *e = calloc(1, sizeof(*e));
	struct err *err;

	if (!e)
		return err_nomem();
	e->session = s;
	e->name = find_teller(name)->event;
	err = fill(e, ret);
	if (err) {
		destroy_event(e);
		return err;
	}
	ret->halt.context = e;
	ret->halt.ops = &event_ops;
	return NULL;
}
