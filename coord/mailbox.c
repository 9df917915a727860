// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/mailbox.h"
#include "vmm/machine.h"

#include <inttypes.h>
#include <string.h>

#define MAILBOX_SIZE ((uint64_t)WIRE_PAGES * WIRE_PAGE_SIZE)

static struct err *check_header(const struct wire_header *h)
{
	if (h->magic != WIRE_MAGIC)
		return err_new(ERR_BAD_DATA, "there is no mailbox");
	if (h->version != WIRE_VERSION)
		return err_new(ERR_BAD_DATA, "the guest's agent speaks version %u, this ktdbg %u",
			       h->version, WIRE_VERSION);
	if (h->page_count != WIRE_PAGES)
		return err_new(ERR_BAD_DATA, "a mailbox of %u pages instead of %u", h->page_count,
			       WIRE_PAGES);
	return NULL;
}

static struct err *copy_page(const struct ram *ram, uint64_t phys, const char *what, void *ret)
{
	const void *p = phys % WIRE_PAGE_SIZE ? NULL : ram_at(ram, phys, WIRE_PAGE_SIZE);

	if (!p)
		return err_new(ERR_BAD_DATA, "the mailbox's %s at 0x%" PRIx64 " is not in RAM", what, phys);
	memcpy(ret, p, WIRE_PAGE_SIZE);
	return NULL;
}

struct err *mailbox_open(const struct ram *ram, uint64_t phys, struct mailbox *ret)
{
	struct wire_header h;
	struct wire_list list;

	if (phys == MACHINE_NO_MAILBOX)
		return err_new(ERR_ABSENT,
			       "that is the work of ktdbg's agent, and there is none in a dump or in a guest "
			       "that was attached to");
	ERR_TRY(copy_page(ram, phys, "header", &h));
	ERR_TRY(err_wrap(check_header(&h), "0x%" PRIx64, phys));
	ERR_TRY(copy_page(ram, h.list_phys, "list of pages", &list));
	for (unsigned int i = 0; i < WIRE_PAGES; i++) {
		ret->page[i] = (uint64_t)list.frame[i] * WIRE_PAGE_SIZE;
		if (!ram_at(ram, ret->page[i], WIRE_PAGE_SIZE))
			return err_new(ERR_BAD_DATA, "page %u of the mailbox lies at 0x%" PRIx64
				       ", which is not in RAM", i, ret->page[i]);
	}
	if (ret->page[0] != phys)
		return err_new(ERR_BAD_DATA, "the mailbox at 0x%" PRIx64 " says it lies at 0x%" PRIx64,
			       phys, ret->page[0]);
	ret->ram = ram;
	return NULL;
}

uint64_t mailbox_phys(const struct mailbox *m, uint64_t offset)
{
	if (offset >= MAILBOX_SIZE)
		return 0;
	return m->page[offset / WIRE_PAGE_SIZE] + offset % WIRE_PAGE_SIZE;
}

/* `part` bytes at `offset` that lie in one page. */
static uint8_t *one_part(const struct mailbox *m, uint64_t offset, size_t len, size_t *part)
{
	size_t room = WIRE_PAGE_SIZE - offset % WIRE_PAGE_SIZE;

	*part = len < room ? len : room;
	return ram_at(m->ram, mailbox_phys(m, offset), *part);
}

static struct err *check_range(uint64_t offset, size_t len)
{
	if (offset > MAILBOX_SIZE || len > MAILBOX_SIZE - offset)
		return err_new(ERR_BAD_DATA, "%zu bytes at %" PRIu64 " reach past the mailbox's end", len,
			       offset);
	return NULL;
}

struct err *mailbox_read(const struct mailbox *m, uint64_t offset, void *buffer, size_t len)
{
	uint8_t *to = buffer;
	size_t part;

	ERR_TRY(check_range(offset, len));
	for (; len; offset += part, to += part, len -= part) {
		const uint8_t *from = one_part(m, offset, len, &part);

		if (!from)
			return err_fault(mailbox_phys(m, offset));
		memcpy(to, from, part);
	}
	return NULL;
}

struct err *mailbox_write(const struct mailbox *m, uint64_t offset, const void *buffer, size_t len)
{
	const uint8_t *from = buffer;
	size_t part;

	ERR_TRY(check_range(offset, len));
	for (; len; offset += part, from += part, len -= part) {
		uint8_t *to = one_part(m, offset, len, &part);

		if (!to)
			return err_fault(mailbox_phys(m, offset));
		memcpy(to, from, part);
	}
	return NULL;
}

struct err *mailbox_header(const struct mailbox *m, struct wire_header *ret)
{
	struct wire_header h;

	ERR_TRY(mailbox_read(m, 0, &h, sizeof(h)));
	ERR_TRY(check_header(&h));
	if (h.worker_high > WIRE_WORKERS)
		h.worker_high = WIRE_WORKERS;
	h.scheduler[sizeof(h.scheduler) - 1] = '\0';
	*ret = h;
	return NULL;
}

struct err *mailbox_worker(const struct mailbox *m, unsigned int slot, struct wire_worker *ret)
{
	struct wire_worker w;

	if (slot >= WIRE_WORKERS)
		return err_new(ERR_BAD_DATA, "worker slot %u of %u", slot, WIRE_WORKERS);
	ERR_TRY(mailbox_read(m, (uint64_t)WIRE_WORKER_PAGE * WIRE_PAGE_SIZE + slot * sizeof(w), &w,
			     sizeof(w)));
	w.cgroup[sizeof(w.cgroup) - 1] = '\0';
	w.comm[sizeof(w.comm) - 1] = '\0';
	if (w.state > WIRE_WORKER_DEAD)
		w.state = WIRE_WORKER_FREE;
	if (w.phase_count > WIRE_PHASES)
		w.phase_count = WIRE_PHASES;
	*ret = w;
	return NULL;
}

struct err *mailbox_phase(const struct mailbox *m, unsigned int slot, unsigned int phase,
			  struct wire_phase *ret)
{
	uint64_t i = (uint64_t)slot * WIRE_PHASES + phase;

	if (slot >= WIRE_WORKERS || phase >= WIRE_PHASES)
		return err_new(ERR_BAD_DATA, "phase %u of worker slot %u", phase, slot);
	return mailbox_read(m, (uint64_t)WIRE_PHASE_PAGE * WIRE_PAGE_SIZE + i * sizeof(*ret), ret,
			    sizeof(*ret));
}

struct err *mailbox_response(const struct mailbox *m, struct wire_response *ret)
{
	struct wire_response r;

	ERR_TRY(mailbox_read(m, (uint64_t)WIRE_RESPONSE_PAGE * WIRE_PAGE_SIZE, &r, sizeof(r)));
	if (r.text_len > WIRE_TEXT_SIZE || r.value_count > 16)
		return err_new(ERR_BAD_DATA, "the agent's answer claims %u bytes of text and %u values",
			       r.text_len, r.value_count);
	r.message[sizeof(r.message) - 1] = '\0';
	*ret = r;
	return NULL;
}
