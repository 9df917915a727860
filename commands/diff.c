/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/diff.h"

#include <stdlib.h>
#include <string.h>

/* ---- alignment ---- */

/* The part of both lists between their common beginning and their common end. */
struct middle {
	unsigned int a, b; /* where it begins */
	unsigned int a_count, b_count;
	diff_same_fn same;
	void *context;
};

/*
 * Myers' greedy search: reach[k] is how far into the first list a path of d edits gets on diagonal
 * k. The frontier of each d is kept to walk the path back.
 */
struct search {
	const struct middle *m;
	int *frontiers[DIFF_MAX + 1]; /* of d: 2d + 1 numbers, diagonal k at k + d */
	int edits;		      /* -1: more than DIFF_MAX */
};

/* A diagonal that no path of d edits inside both lists gets to. */
#define UNREACHED (-0x40000000)

static int frontier_at(const struct search *s, int d, int k)
{
	return k < -d || k > d ? UNREACHED : s->frontiers[d][k + d];
}

/* Whether the best way to diagonal k with d edits comes down from k + 1 (a line added). */
static bool comes_down(const struct search *s, int d, int k)
{
	return k == -d || (k != d && frontier_at(s, d - 1, k - 1) < frontier_at(s, d - 1, k + 1));
}

static int follow(const struct middle *m, int x, int k)
{
	while (x < (int)m->a_count && x - k < (int)m->b_count &&
	       m->same(m->context, m->a + (unsigned int)x, m->b + (unsigned int)(x - k)))
		x++;
	return x;
}

/* Where a path of d edits enters diagonal k, before it follows equal lines. */
static int enter(const struct search *s, int d, int k)
{
	int x;

	if (d == 0)
		return 0;
	x = comes_down(s, d, k) ? frontier_at(s, d - 1, k + 1) : frontier_at(s, d - 1, k - 1) + 1;
	if (x < 0 || x > (int)s->m->a_count || x - k > (int)s->m->b_count)
		return UNREACHED;
	return x;
}

/* Extends all diagonals by one edit; true when the end is reached. */
static bool extend(struct search *s, int d)
{
	const struct middle *m = s->m;

	for (int k = -d; k <= d; k += 2) {
		int x = enter(s, d, k);

		if (x != UNREACHED)
			x = follow(m, x, k);
		s->frontiers[d][k + d] = x;
		if (x == (int)m->a_count && x - k == (int)m->b_count)
			return true;
	}
	return false;
}

static struct err *search_run(struct search *s)
{
	s->edits = -1;
	for (int d = 0; d <= DIFF_MAX; d++) {
		s->frontiers[d] = calloc((size_t)d * 2 + 1, sizeof(int));
		if (!s->frontiers[d])
			return err_nomem();
		if (extend(s, d)) {
			s->edits = d;
			return NULL;
		}
	}
	return NULL;
}

/* Back from the end: every diagonal step is a pair. */
static void search_pairs(const struct search *s, unsigned int *pairs)
{
	const struct middle *m = s->m;
	int x = (int)m->a_count, k = (int)m->a_count - (int)m->b_count;

	for (int d = s->edits; d >= 0; d--) {
		bool down = d > 0 && comes_down(s, d, k);
		int start = enter(s, d, k);

		while (x > start) {
			x--;
			pairs[m->a + (unsigned int)x] = m->b + (unsigned int)(x - k);
		}
		if (d == 0)
			break;
		if (!down)
			x--;
		k += down ? 1 : -1;
	}
}

static struct err *align_middle(const struct middle *m, unsigned int *pairs)
{
	struct search *s = calloc(1, sizeof(*s));
	struct err *err;

	if (!s)
		return err_nomem();
	s->m = m;
	err = search_run(s);
	if (!err && s->edits >= 0)
		search_pairs(s, pairs);
	for (int d = 0; d <= DIFF_MAX; d++)
		free(s->frontiers[d]);
	free(s);
	return err;
}

struct err *diff_align(unsigned int a_count, unsigned int b_count, diff_same_fn same, void *context,
		       unsigned int *ret_pairs)
{
	struct middle m = {0, 0, a_count, b_count, same, context};

	for (unsigned int i = 0; i < a_count; i++)
		ret_pairs[i] = DIFF_NONE;
	for (; m.a_count && m.b_count && same(context, m.a, m.b);
	     m.a++, m.b++, m.a_count--, m.b_count--)
		ret_pairs[m.a] = m.b;
	while (m.a_count && m.b_count && same(context, m.a + m.a_count - 1, m.b + m.b_count - 1)) {
		m.a_count--;
		m.b_count--;
		ret_pairs[m.a + m.a_count] = m.b + m.b_count;
	}
	return m.a_count && m.b_count ? align_middle(&m, ret_pairs) : NULL;
}

/* ---- the unified form ---- */

struct lines {
	const char **text; /* each ends at its '\n' or at the end */
	unsigned int count;
};

struct texts {
	struct lines a, b;
	unsigned int *pairs;
};

static struct err *split(const char *text, struct lines *ret)
{
	unsigned int count = 0, i = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		count++;
	ret->text = calloc(count + 1, sizeof(*ret->text));
	if (!ret->text)
		return err_nomem();
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		ret->text[i++] = p;
	ret->count = count;
	return NULL;
}

static bool same_text(void *context, unsigned int a, unsigned int b)
{
	const struct texts *t = context;
	size_t len = strcspn(t->a.text[a], "\n");

	return len == strcspn(t->b.text[b], "\n") && memcmp(t->a.text[a], t->b.text[b], len) == 0;
}

static void add_line(struct str *s, char mark, const char *line)
{
	str_add_c(s, mark);
	str_add_n(s, line, strcspn(line, "\n"));
	str_add_c(s, '\n');
}

/* A place in both lists. */
struct place {
	unsigned int a, b;
};

static bool paired(const struct texts *t, struct place at)
{
	return at.a < t->a.count && at.b < t->b.count && t->pairs[at.a] == at.b;
}

static bool at_end(const struct texts *t, struct place at)
{
	return at.a >= t->a.count && at.b >= t->b.count;
}

/* One step past a pair, a removed line or an added one. */
static void step(const struct texts *t, struct place *at, struct str *s)
{
	if (paired(t, *at)) {
		if (s)
			add_line(s, ' ', t->a.text[at->a]);
		at->a++;
		at->b++;
	} else if (at->a < t->a.count && t->pairs[at->a] == DIFF_NONE) {
		if (s)
			add_line(s, '-', t->a.text[at->a]);
		at->a++;
	} else {
		if (s)
			add_line(s, '+', t->b.text[at->b]);
		at->b++;
	}
}

/* The end of the hunk that begins at the difference `at`: differences no more than two contexts
 * apart. */
static struct place hunk_end(const struct texts *t, struct place at)
{
	struct place end = at;
	unsigned int equal = 0;

	while (!at_end(t, at) && equal <= 2 * DIFF_CONTEXT) {
		bool same = paired(t, at);

		step(t, &at, NULL);
		equal = same ? equal + 1 : 0;
		if (!same)
			end = at;
	}
	for (unsigned int i = 0; i < DIFF_CONTEXT && paired(t, end); i++)
		step(t, &end, NULL);
	return end;
}

/* "N,COUNT" as diff(1) counts: an empty side names the line before it. */
static void add_range(struct str *s, char mark, unsigned int from, unsigned int to)
{
	unsigned int count = to - from;

	str_addf(s, "%c%u", mark, count ? from + 1 : from);
	if (count != 1)
		str_addf(s, ",%u", count);
}

static struct place add_hunk(const struct texts *t, struct place difference, struct str *s)
{
	struct place at = difference, end = hunk_end(t, difference);

	for (unsigned int i = 0;
	     i < DIFF_CONTEXT && at.a && at.b && paired(t, (struct place){at.a - 1, at.b - 1});
	     i++) {
		at.a--;
		at.b--;
	}
	str_add(s, "@@ ");
	add_range(s, '-', at.a, end.a);
	str_add_c(s, ' ');
	add_range(s, '+', at.b, end.b);
	str_add(s, " @@\n");
	while (at.a != end.a || at.b != end.b)
		step(t, &at, s);
	return end;
}

static void add_hunks(const struct texts *t, const char *a_name, const char *b_name, struct str *s)
{
	struct place at = {0, 0};
	bool first = true;

	while (!at_end(t, at)) {
		if (paired(t, at)) {
			step(t, &at, NULL);
			continue;
		}
		if (first)
			str_addf(s, "--- %s\n+++ %s\n", a_name, b_name);
		first = false;
		at = add_hunk(t, at, s);
	}
}

struct err *diff_unified(const char *a, const char *b, const char *a_name, const char *b_name,
			 struct str *ret)
{
	struct texts t = {0};
	struct err *err = split(a, &t.a);

	if (!err)
		err = split(b, &t.b);
	if (!err) {
		t.pairs = calloc(t.a.count + 1, sizeof(*t.pairs));
		err = t.pairs ? NULL : err_nomem();
	}
	if (!err)
		err = diff_align(t.a.count, t.b.count, same_text, &t, t.pairs);
	if (!err) {
		add_hunks(&t, a_name, b_name, ret);
		err = str_error(ret);
	}
	free(t.pairs);
	free(t.a.text);
	free(t.b.text);
	return err;
}
