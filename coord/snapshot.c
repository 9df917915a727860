/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/snapshot.h"

#include "coord/globals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct snapshots {
	struct snapshot kept[SNAPSHOTS_KEPT];
	unsigned int count;
	struct snapshot_watch watches[SNAPSHOT_WATCHES];
	unsigned int watch_count;
};

static void deinit(struct snapshot *snapshot)
{
	model_destroy(snapshot->model);
	free(snapshot->dsqs);
}

struct err *snapshots_create(struct snapshots **ret)
{
	struct snapshots *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem();
	*ret = s;
	return NULL;
}

void snapshots_destroy(struct snapshots *s)
{
	if (!s)
		return;
	for (unsigned int i = 0; i < s->count; i++)
		deinit(&s->kept[i]);
	free(s);
}

static struct err *check_name(const char *name)
{
	if (!*name || strlen(name) >= SNAPSHOT_NAME)
		return err_new(ERR_USAGE, "a snapshot's name has from 1 to %d characters",
			       SNAPSHOT_NAME - 1);
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")])
		return err_new(ERR_USAGE, "\"%s\" is no name of a snapshot: letters, digits, _ . : -", name);
	return NULL;
}

static struct err *take(struct coord *c, struct snapshot *ret)
{
	struct model_layout *layout;
	struct str damage = {0};
	struct kernel *k;
	struct err *err;

	ERR_TRY(coord_layout(c, &layout));
	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(model_take(k, layout, &ret->model));
	ret->model->time = coord_time(c);
	err = model_all_dsqs(k, ret->model, &ret->dsqs, &ret->dsq_count, &damage);
	str_deinit(&damage);
	if (err)
		model_destroy(ret->model);
	return err;
}

static void drop(struct snapshots *s, unsigned int i)
{
	deinit(&s->kept[i]);
	s->count--;
	memmove(&s->kept[i], &s->kept[i + 1], (s->count - i) * sizeof(s->kept[0]));
}

static int find(const struct snapshots *s, const char *name)
{
	for (unsigned int i = 0; i < s->count; i++)
		if (strcmp(s->kept[i].name, name) == 0)
			return (int)i;
	return -1;
}

struct err *snapshots_take(struct snapshots *s, struct coord *c, const char *name,
			   const struct snapshot **ret)
{
	struct snapshot snapshot = {0};
	int old = find(s, name);

	ERR_TRY(check_name(name));
	ERR_TRY(take(c, &snapshot));
	strcpy(snapshot.name, name);
	if (old >= 0)
		drop(s, (unsigned int)old);
	else if (s->count == SNAPSHOTS_KEPT)
		drop(s, 0);
	s->kept[s->count] = snapshot;
	*ret = &s->kept[s->count++];
	return NULL;
}

const struct snapshot *snapshots_at(const struct snapshots *s, unsigned int i)
{
	return i < s->count ? &s->kept[i] : NULL;
}

struct err *snapshots_find(const struct snapshots *s, const char *name, const struct snapshot **ret)
{
	int at = find(s, name);
	struct str names = {0};
	struct err *err;

	if (at >= 0) {
		*ret = &s->kept[at];
		return NULL;
	}
	for (unsigned int i = 0; i < s->count; i++)
		str_addf(&names, "%s%s", i ? ", " : "", s->kept[i].name);
	err = err_new(ERR_NOT_FOUND, "no snapshot %s; there is %s", name,
		      s->count ? str_text(&names) : "none");
	str_deinit(&names);
	return err;
}

/* ---- snapshots of writes ---- */

/* Tell the machine what is watched now; its counters begin anew. */
static struct err *apply_watches(struct snapshots *s, struct coord *c)
{
	struct machine_spy spies[SNAPSHOT_WATCHES];

	for (unsigned int i = 0; i < s->watch_count; i++)
		spies[i] = (struct machine_spy){s->watches[i].address, s->watches[i].len};
	return machine_spy(coord_machine(c), spies, s->watch_count, SNAPSHOT_WATCH_EVERY);
}

static void keep_counts(struct snapshots *s, struct coord *c)
{
	for (unsigned int i = 0; i < s->watch_count; i++)
		s->watches[i].counted += machine_spy_writes(coord_machine(c), i);
}

/* What its type says, else one word: symbols do not say how long they are. */
static uint64_t size_of(struct kernel *k, const char *symbol)
{
	const struct types *t = kernel_types(k);
	uint32_t type;
	struct err *err = global_type(t, symbol, &type);
	uint64_t size = err ? 0 : types_size(t, type);

	err_free(err);
	return size ? size : sizeof(uint64_t);
}

/* Between two symbols that mark the ends of a section. */
static bool lies_in(struct kernel *k, uint64_t address, const char *first, const char *end)
{
	uint64_t from, to;

	return kernel_find_symbol(k, first, &from) && kernel_find_symbol(k, end, &to) && address >= from &&
	       address < to;
}

static struct err *find_variable(struct coord *c, const char *symbol, struct snapshot_watch *ret)
{
	struct kernel *k;

	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(kernel_symbol(k, symbol, &ret->address));
	if (lies_in(k, ret->address, "_stext", "_etext"))
		return err_new(ERR_REFUSED, "%s is code, to which nobody writes", symbol);
	if (!kernel_in_image(k, ret->address) || lies_in(k, ret->address, "__per_cpu_start", "__per_cpu_end"))
		return err_new(ERR_REFUSED, "%s is a per-CPU variable, which has no address of its own", symbol);
	ret->len = size_of(k, symbol);
	strcpy(ret->symbol, symbol);
	return NULL;
}

static int find_watch(const struct snapshots *s, const char *symbol)
{
	for (unsigned int i = 0; i < s->watch_count; i++)
		if (strcmp(s->watches[i].symbol, symbol) == 0)
			return (int)i;
	return -1;
}

struct err *snapshots_watch(struct snapshots *s, struct coord *c, const char *symbol)
{
	struct snapshot_watch watch = {0};
	struct err *err;

	if (strlen(symbol) >= sizeof(watch.symbol))
		return err_new(ERR_USAGE, "%.20s...: the name is too long", symbol);
	if (find_watch(s, symbol) >= 0)
		return err_new(ERR_REFUSED, "%s is watched already", symbol);
	if (s->watch_count == SNAPSHOT_WATCHES)
		return err_new(ERR_REFUSED, "%d variables are watched already, which is all that can be",
			       SNAPSHOT_WATCHES);
	ERR_TRY(find_variable(c, symbol, &watch));
	keep_counts(s, c);
	s->watches[s->watch_count++] = watch;
	err = apply_watches(s, c);
	if (err)
		s->watch_count--;
	return err;
}

struct err *snapshots_unwatch(struct snapshots *s, struct coord *c, const char *symbol)
{
	int at = find_watch(s, symbol);

	if (at < 0)
		return err_new(ERR_NOT_FOUND, "%s is not watched", symbol);
	keep_counts(s, c);
	s->watch_count--;
	memmove(&s->watches[at], &s->watches[at + 1],
		(s->watch_count - (unsigned int)at) * sizeof(s->watches[0]));
	return apply_watches(s, c);
}

const struct snapshot_watch *snapshots_watched(const struct snapshots *s, struct coord *c, unsigned int i,
					       uint64_t *ret_writes)
{
	if (i >= s->watch_count)
		return NULL;
	*ret_writes = s->watches[i].counted + machine_spy_writes(coord_machine(c), i);
	return &s->watches[i];
}

struct err *snapshots_written(struct snapshots *s, struct coord *c, unsigned int i)
{
	const struct snapshot *taken;
	char name[SNAPSHOT_NAME];

	if (i >= s->watch_count)
		return NULL;
	snprintf(name, sizeof(name), "%s.%u", s->watches[i].symbol, ++s->watches[i].taken);
	return snapshots_take(s, c, name, &taken);
}
