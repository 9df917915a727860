/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct snapshots {
	struct snapshot kept[SNAPSHOTS_KEPT];
	unsigned int count;
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
