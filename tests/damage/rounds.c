// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/damage/rounds.h"

#include "coord/pagetable.h"
#include "tests/damage/limits.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WALKS 8		/* of a round */
#define ADOPT_ONE_OF 24 /* rounds: an adoption costs as much as a round of others */

/* ---- one walk ---- */

struct walk {
	struct rounds *rounds;
	unsigned int line;
	bool json;
	struct str output;
	struct err *err;
};

static void run_walk(void *context)
{
	struct walk *w = context;

	w->rounds->progress->line = w->line;
	w->err = walks_run(w->rounds->walks, w->line, w->json, &w->output);
}

static void check_text(const char *text)
{
	for (const char *at = text; *at; at++)
		if (((unsigned char)*at < 0x20 && *at != '\n') || *at == 0x7f)
			damage_fail("a control byte in", text);
}

static void check_json(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct json_object *o = *line ? json_tokener_parse(line) : NULL;

		if (*line && !o)
			damage_fail("not JSON", line);
		json_object_put(o);
	}
}

/* A table without rows is an answer. */
static void check_answer(struct walk *w)
{
	if (w->err)
		check_text(err_detail(w->err));
	if (!w->output.len)
		return;
	check_text(w->output.data);
	if (w->json)
		check_json(w->output.data);
}

static void count_walk(const struct walk *w, struct cost cost)
{
	struct progress *p = w->rounds->progress;
	struct tally *t = &p->tallies[w->line];

	t->answers += !w->err;
	t->errors += w->err != NULL;
	t->ns += cost.ns;
	if (cost.ns > t->worst_ns) {
		t->worst_ns = cost.ns;
		t->worst_round = p->round;
	}
	if (cost.bytes > t->worst_bytes)
		t->worst_bytes = cost.bytes;
}

static void make_walk(struct rounds *r, unsigned int line, bool json)
{
	struct walk w = {.rounds = r, .line = line, .json = json};

	limits_begin();
	run_walk(&w);
	count_walk(&w, limits_end());
	if (r->verbose)
		printf("--- %s\n%s%s\n", walks_line(r->walks, line), str_text(&w.output),
		       w.err ? err_detail(w.err) : "");
	check_answer(&w);
	str_deinit(&w.output);
	err_free(w.err);
}

/* ---- what a walk reads ---- */

static void mark_tables(struct rounds *r, uint64_t table, unsigned int level)
{
	const uint64_t *entries = ram_at(&r->memory.ram, table, GUEST_PAGE_SIZE);

	if (!entries || r->tables[table / GUEST_PAGE_SIZE])
		return;
	r->tables[table / GUEST_PAGE_SIZE] = 1;
	for (unsigned int i = 0; i < 512 && level > 0; i++)
		if ((entries[i] & 0x81) == 1) /* present, and no huge page */
			mark_tables(r, entries[i] & 0xffffffffff000ull, level - 1);
}

static struct err *find_tables(struct rounds *r)
{
	struct kernel *k = walks_kernel(r->walks);
	uint64_t root;

	r->tables = calloc(r->memory.ram.size / GUEST_PAGE_SIZE, 1);
	if (!r->tables)
		return err_nomem();
	ERR_TRY(kernel_symbol(k, "init_top_pgt", &root));
	ERR_TRY(kernel_translate(k, root, &root));
	mark_tables(r, root, kernel_info(k)->five_levels ? 4 : 3);
	return NULL;
}

static void collect_tables(const struct rounds *r, struct target *t)
{
	t->tables.words = malloc((t->all.count + 1) * sizeof(*t->tables.words));
	if (!t->tables.words)
		damage_fail("no", "memory");
	for (unsigned int i = 0; i < t->all.count; i++)
		if (r->tables[t->all.words[i] / (GUEST_PAGE_SIZE / 8)])
			t->tables.words[t->tables.count++] = t->all.words[i];
}

/* The first line of its kind takes the model, or adopts; the others find that at hand. */
static unsigned int first_line(const struct rounds *r, bool adopts)
{
	unsigned int line = 0;

	while (walks_adopts(r->walks, line) != adopts)
		line++;
	return line;
}

static struct err *trace_line(struct rounds *r, unsigned int line)
{
	struct walk w = {.rounds = r, .line = line, .json = true};
	struct target *t = &r->targets[line];

	if (line == first_line(r, walks_adopts(r->walks, line)))
		walks_forget(r->walks, walks_adopts(r->walks, line));
	ERR_TRY(trace_run(&r->memory.ram, run_walk, &w, &t->all));
	str_deinit(&w.output);
	collect_tables(r, t);
	if (r->verbose)
		printf("%s reads %u words, %u of page tables\n", walks_line(r->walks, line),
		       t->all.count, t->tables.count);
	return err_wrap(w.err, "%s", walks_line(r->walks, line));
}

/* What an adoption reads is too much to be taken apart for each line. */
static struct err *trace_all(struct rounds *r)
{
	unsigned int adopting = first_line(r, true);

	for (unsigned int i = 0; i < walks_count(r->walks); i++)
		if (i == adopting || !walks_adopts(r->walks, i))
			ERR_TRY(trace_line(r, i));
	return NULL;
}

/* ---- a round ---- */

static unsigned int choose_line(const struct rounds *r, bool adopts, struct chance *c)
{
	unsigned int sum = 0, at, line;

	for (line = 0; line < walks_count(r->walks); line++)
		sum += walks_adopts(r->walks, line) == adopts ? walks_weight(r->walks, line) : 0;
	at = chance_of(c, sum);
	for (line = 0;; line++) {
		unsigned int weight =
			walks_adopts(r->walks, line) == adopts ? walks_weight(r->walks, line) : 0;

		if (at < weight)
			return line;
		at -= weight;
	}
}

static void do_harm(struct rounds *r, const unsigned int *lines, struct chance *c)
{
	const bool adopts = walks_adopts(r->walks, lines[0]);
	uint64_t direct_map = kernel_direct_map(walks_kernel(r->walks), 0);

	do {
		unsigned int line = lines[chance_of(c, WALKS)];

		if (adopts || !chance_of(c, WALKS))
			line = first_line(r, adopts);
		harm(&r->memory, &r->targets[line], direct_map, c);
	} while (r->memory.changes->count < CHANGES_MAX / 2 && chance_of(c, 2));
}

static void show_changes(const struct rounds *r)
{
	const struct changes *c = r->memory.changes;

	for (unsigned int i = 0; i < c->count; i++)
		printf("0x%" PRIx64 ": %" PRIu64 " bytes, now 0x%" PRIx64 "\n", c->list[i].offset,
		       c->list[i].len, memory_word(&r->memory, c->list[i].offset & ~7ull));
	fflush(stdout);
}

void rounds_do(struct rounds *r)
{
	struct chance chance = {r->seed * 0xd1342543de82ef95ull + r->progress->round};
	bool adopts = !chance_of(&chance, ADOPT_ONE_OF);
	unsigned int lines[WALKS];

	for (unsigned int i = 0; i < WALKS; i++)
		lines[i] = choose_line(r, adopts, &chance);
	do_harm(r, lines, &chance);
	if (r->verbose)
		show_changes(r);
	walks_forget(r->walks, adopts);
	for (unsigned int i = 0; i < WALKS; i++) {
		make_walk(r, lines[i], chance_of(&chance, 2));
		/* Without a kernel the next answer would be the same. */
		if (!walks_has_kernel(r->walks, adopts))
			break;
	}
	memory_undo(&r->memory);
	walks_forget(r->walks, adopts);
}

/* ---- all of it ---- */

struct err *rounds_init(struct rounds *r, const char *core)
{
	size_t lines;

	ERR_TRY(memory_load(core, &r->memory));
	r->sum = memory_sum(&r->memory);
	ERR_TRY(walks_create(&r->memory, &r->walks));
	lines = walks_count(r->walks);
	r->targets = calloc(lines, sizeof(*r->targets));
	r->progress = mmap(NULL, sizeof(*r->progress) + lines * sizeof(struct tally),
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!r->targets || r->progress == MAP_FAILED)
		return err_nomem();
	ERR_TRY(find_tables(r));
	return trace_all(r);
}

void rounds_deinit(struct rounds *r)
{
	for (unsigned int i = 0; r->targets && i < walks_count(r->walks); i++) {
		places_deinit(&r->targets[i].all);
		places_deinit(&r->targets[i].tables);
	}
	free(r->targets);
	free(r->tables);
	walks_destroy(r->walks);
	memory_deinit(&r->memory);
}

bool rounds_is_whole(const struct rounds *r)
{
	return memory_sum(&r->memory) == r->sum;
}
