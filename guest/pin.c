// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BPF maps pinned under the guest's bpffs, so that programs in the guest find them by name. A pin ends with
 * the scope in which it was made.
 */
#include "guest/agent.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* bpffs takes no name with a dot: libbpf makes it an underscore too. */
static void pin_path(const char *map, char *path, size_t size)
{
	snprintf(path, size, BPFFS "/%s", map);
	for (char *p = path + strlen(BPFFS "/"); *p; p++)
		if (*p == '.' || *p == '/')
			*p = '_';
}

static int pin(uint32_t id, const char *path)
{
	union bpf_attr by_id = {.map_id = id}, object = {.pathname = (uint64_t)(uintptr_t)path};
	int fd = bpf(BPF_MAP_GET_FD_BY_ID, &by_id), errnum = 0;

	if (fd < 0)
		return errno;
	object.bpf_fd = (uint32_t)fd;
	if (bpf(BPF_OBJ_PIN, &object))
		errnum = errno;
	close(fd);
	return errnum;
}

int op_bpf_pin(struct agent *a, const void *payload)
{
	const struct wire_pin *r = payload;
	struct pin *p = &a->pins[a->pin_count];
	int errnum;

	if (!WIRE_TEXT_OK(r->name) || !r->name[0])
		return agent_fail(a, EINVAL, "malformed request");
	if (a->pin_count == AGENT_PINS)
		return agent_fail(a, ENOSPC, "%d maps are pinned, more are not kept account of", AGENT_PINS);
	pin_path(r->name, p->path, sizeof(p->path));
	errnum = pin(r->map_id, p->path);
	if (errnum)
		return agent_fail(a, errnum, "pinning map %u as %s: %s", r->map_id, p->path,
				  strerror(errnum));
	p->scope = a->header->scope;
	agent_text(a, "%s", p->path);
	a->pin_count++;
	return 0;
}

void pins_end(struct agent *a, uint32_t scope)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < a->pin_count; i++)
		if (a->pins[i].scope >= scope)
			unlink(a->pins[i].path);
		else
			a->pins[kept++] = a->pins[i];
	a->pin_count = kept;
}
