/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/halts.h"
#include "vmm/breaks.h"

#include <stdlib.h>
#include <string.h>

struct halt {
	unsigned int number;
	char *text;
	struct machine_break *places;
	unsigned int place_count;
	uint64_t every, asked; /* guest ns; when it was last asked */
	uint64_t hits, stops;
	const struct halt_ops *ops;
	void *context;
};

struct halts {
	struct machine *machine;
	struct halt *list;
	unsigned int count;
	unsigned int last_number;
};

struct err *halts_create(struct machine *machine, struct halts **ret)
{
	struct halts *h = calloc(1, sizeof(*h));

	if (!h)
		return err_nomem();
	h->machine = machine;
	*ret = h;
	return NULL;
}

static void free_halt(struct halt *halt)
{
	free(halt->text);
	free(halt->places);
}

static void destroy_halt(struct halt *halt)
{
	if (halt->ops->destroy)
		halt->ops->destroy(halt->context);
	free_halt(halt);
}

void halts_destroy(struct halts *h)
{
	if (!h)
		return;
	for (unsigned int i = 0; i < h->count; i++)
		destroy_halt(&h->list[i]);
	free(h->list);
	free(h);
}

/* All places of the first `count` halts. */
static struct err *set_places(struct halts *h, unsigned int count)
{
	struct machine_break places[MACHINE_BREAKS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		for (unsigned int p = 0; p < h->list[i].place_count; p++) {
			if (n == MACHINE_BREAKS_MAX)
				return err_new(ERR_REFUSED, "at most %d places to stop at",
					       MACHINE_BREAKS_MAX);
			places[n++] = h->list[i].places[p];
		}
	return machine_set_breaks(h->machine, places, n);
}

static struct err *copy(const struct halt_spec *spec, struct halt *ret)
{
	*ret = (struct halt){.place_count = spec->place_count,
			     .every = spec->every,
			     .ops = spec->ops,
			     .context = spec->context};
	ret->text = strdup(spec->text);
	ret->places = calloc(spec->place_count + 1, sizeof(*ret->places));
	if (!ret->text || !ret->places) {
		free_halt(ret);
		return err_nomem();
	}
	if (spec->place_count)
		memcpy(ret->places, spec->places, spec->place_count * sizeof(*ret->places));
	return NULL;
}

struct err *halts_add(struct halts *h, const struct halt_spec *spec, unsigned int *ret_number)
{
	struct halt *list = reallocarray(h->list, h->count + 1, sizeof(*list));
	struct err *err;

	if (!list)
		return err_nomem();
	h->list = list;
	ERR_TRY(copy(spec, &list[h->count]));
	list[h->count].asked = machine_time(h->machine);
	err = spec->place_count ? set_places(h, h->count + 1) : NULL;
	if (err) {
		free_halt(&list[h->count]);
		return err;
	}
	*ret_number = list[h->count++].number = ++h->last_number;
	return NULL;
}

static struct err *no_such(const struct halts *h, unsigned int number)
{
	struct str s = {0};
	struct err *err;

	for (unsigned int i = 0; i < h->count; i++)
		str_addf(&s, "%s%u", i ? ", " : "; there are ", h->list[i].number);
	err = err_new(ERR_NOT_FOUND, "no number %u%s", number, str_text(&s));
	str_deinit(&s);
	return err;
}

struct err *halts_delete(struct halts *h, unsigned int number)
{
	struct halt gone;
	unsigned int i = 0;

	while (i < h->count && h->list[i].number != number)
		i++;
	if (i == h->count)
		return no_such(h, number);
	gone = h->list[i];
	memmove(&h->list[i], &h->list[i + 1], (--h->count - i) * sizeof(gone));
	destroy_halt(&gone);
	return gone.place_count ? set_places(h, h->count) : NULL;
}

struct err *halts_renew(struct halts *h)
{
	for (unsigned int i = 0; i < h->count; i++)
		if (h->list[i].place_count)
			return set_places(h, h->count);
	return NULL;
}

bool halts_at(const struct halts *h, unsigned int i, struct halt_info *ret)
{
	if (i >= h->count)
		return false;
	*ret = (struct halt_info){h->list[i].number, h->list[i].text, h->list[i].hits,
				  h->list[i].stops};
	return true;
}

/* ---- judging ---- */

/* "2: break do_exit: ...". */
static bool judge(struct halt *halt, const struct machine_hit *hit, struct str *what)
{
	struct str saw = {0};
	bool stop = false;
	struct err *err = halt->ops->judge(halt->context, hit, &stop, &saw);

	if (err) {
		str_clear(&saw);
		str_add(&saw, err_detail(err));
		stop = true;
	}
	err_free(err);
	if (stop) {
		str_addf(what, "%s%u: %s%s%s", what->len ? "\n" : "", halt->number, halt->text,
			 saw.len ? ": " : "", str_text(&saw));
		halt->stops++;
	}
	str_deinit(&saw);
	return stop;
}

static bool is_at(const struct halt *halt, const struct machine_hit *hit)
{
	for (unsigned int i = 0; i < halt->place_count; i++) {
		const struct machine_break *p = &halt->places[i];

		if (p->kind != BREAK_WRITE && hit->kind != BREAK_WRITE && p->address == hit->pc)
			return true;
		/* A store of up to 64 bytes may begin before what is watched. */
		if (p->kind == BREAK_WRITE && hit->kind == BREAK_WRITE &&
		    hit->data < p->address + p->length && hit->data + 64 > p->address)
			return true;
	}
	return false;
}

bool halts_hit(struct halts *h, struct str *what)
{
	struct machine_hit hit;
	bool stop;

	if (!machine_hit(h->machine, &hit))
		return false;
	stop = hit.kind == BREAK_STEP;
	for (unsigned int i = 0; i < h->count; i++)
		if (is_at(&h->list[i], &hit)) {
			h->list[i].hits++;
			stop |= judge(&h->list[i], &hit, what);
		}
	return stop;
}

static uint64_t next_of(const struct halt *halt)
{
	return halt->every ? (halt->asked / halt->every + 1) * halt->every : UINT64_MAX;
}

struct err *halts_begin_anew(struct halts *h, uint64_t now)
{
	for (unsigned int i = 0; i < h->count; i++)
		h->list[i].asked = now;
	return h->count ? set_places(h, h->count) : NULL;
}

uint64_t halts_next(const struct halts *h, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int i = 0; i < h->count; i++)
		if (next_of(&h->list[i]) < next)
			next = next_of(&h->list[i]);
	/* Nobody was asked for a while: at once. */
	return next > now ? next : now + 1;
}

bool halts_due(struct halts *h, uint64_t now, struct str *what)
{
	bool stop = false;

	for (unsigned int i = 0; i < h->count; i++) {
		if (next_of(&h->list[i]) > now)
			continue;
		h->list[i].asked = now;
		stop |= judge(&h->list[i], NULL, what);
	}
	return stop;
}
