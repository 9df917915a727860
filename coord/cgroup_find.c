// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/cgroup_find.h"

#include "coord/types.h"

#include <string.h>

#define MAX_CHILDREN 65536
#define NAME_SIZE 256 /* NAME_MAX of kernfs, and a NUL */

struct cgroup_layout {
	int64_t children, sibling; /* of the cgroup's own css, from the cgroup */
	int64_t flags;		   /* of its own css */
	int64_t online;		   /* the flag of one that was not removed */
	int64_t node;		   /* cgroup.kn */
	int64_t name;		   /* kernfs_node.name */
	int64_t root;		   /* cgroup_root.cgrp */
};

static struct err *find_cgroup_layout(const struct types *types, struct cgroup_layout *l)
{
	struct err *err;

	*l = (struct cgroup_layout){
		.children = types_offset(types, "cgroup", "self.children"),
		.sibling = types_offset(types, "cgroup", "self.sibling"),
		.flags = types_offset(types, "cgroup", "self.flags"),
		.node = types_offset(types, "cgroup", "kn"),
		.name = types_offset(types, "kernfs_node", "name"),
		.root = types_offset(types, "cgroup_root", "cgrp"),
	};
	err = types_enumerator(types, "CSS_ONLINE", &l->online);
	if (err) {
		err_free(err);
		l->online = -1;
	}
	if (l->children < 0 || l->sibling < 0 || l->flags < 0 || l->online < 0 || l->node < 0 ||
	    l->name < 0 || l->root < 0)
		return err_new(ERR_ABSENT, "this kernel's cgroups are laid out in an unknown way");
	return NULL;
}

/* A removed cgroup stays in the list until nothing refers to it any more. */
static struct err *has_name(struct kernel *k, const struct cgroup_layout *l, uint64_t cgroup,
			    const char *name, size_t len, bool *ret)
{
	char buffer[NAME_SIZE];
	uint64_t node, text;
	uint32_t flags;

	*ret = false;
	ERR_TRY(kernel_read_u32(k, cgroup + (uint64_t)l->flags, &flags));
	if (!(flags & (uint32_t)l->online))
		return NULL;
	ERR_TRY(kernel_read_u64(k, cgroup + (uint64_t)l->node, &node));
	ERR_TRY(kernel_read_u64(k, node + (uint64_t)l->name, &text));
	ERR_TRY(kernel_read_string(k, text, buffer, sizeof(buffer)));
	*ret = strlen(buffer) == len && memcmp(buffer, name, len) == 0;
	return NULL;
}

static struct err *find_child(struct kernel *k, const struct cgroup_layout *l, uint64_t parent,
			      const char *name, size_t len, bool *found, uint64_t *ret)
{
	uint64_t head = parent + (uint64_t)l->children, entry;

	*found = false;
	ERR_TRY(kernel_read_u64(k, head, &entry));
	for (unsigned int i = 0; entry != head; i++) {
		uint64_t child = entry - (uint64_t)l->sibling;

		if (i == MAX_CHILDREN)
			return err_new(ERR_BAD_DATA, "a list of cgroups has no end");
		ERR_TRY(has_name(k, l, child, name, len, found));
		if (*found) {
			*ret = child;
			return NULL;
		}
		ERR_TRY(kernel_read_u64(k, entry, &entry));
	}
	return NULL;
}

struct err *cgroup_find(struct kernel *k, const char *path, bool *found, uint64_t *ret)
{
	struct cgroup_layout l;
	uint64_t cgroup;

	*found = false;
	ERR_TRY(find_cgroup_layout(kernel_types(k), &l));
	ERR_TRY(kernel_symbol(k, "cgrp_dfl_root", &cgroup));
	cgroup += (uint64_t)l.root;
	/* The agent's own cgroup is the root. */
	if (strcmp(path, "@runner") == 0)
		path = "";
	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");

		ERR_TRY(find_child(k, &l, cgroup, path, len, found, &cgroup));
		if (!*found)
			return NULL;
		path += len;
	}
	*found = true;
	*ret = cgroup;
	return NULL;
}
