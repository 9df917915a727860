/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mailbox as a guest could have left it: the input is its memory. Whatever it holds, reading ends
 * with a value in range or an error, and stays inside guest memory (AddressSanitizer watches that).
 */
#include "tests/fuzz/fuzz.h"

#include "coord/mailbox.h"

#define RAM_SIZE (8u << 20)
#define PAGE(i) ((uint64_t)(16 + (i)) * WIRE_PAGE_SIZE)

/* A header that would be taken, so that not every input ends at its magic; the input goes over it. */
static void honest(uint8_t *base)
{
	struct wire_header h = {.magic = WIRE_MAGIC, .version = WIRE_VERSION, .page_count = WIRE_PAGES,
				.list_phys = PAGE(WIRE_LIST_PAGE)};
	struct wire_list list;

	for (unsigned int i = 0; i < WIRE_PAGES; i++)
		list.frame[i] = (uint32_t)(PAGE(i) / WIRE_PAGE_SIZE);
	memcpy(base + PAGE(0), &h, sizeof(h));
	memcpy(base + PAGE(WIRE_LIST_PAGE), &list, sizeof(list));
}

/* Pieces: a u16 of where (in units of 8 bytes, over the first pages), a u8 of how many, the bytes. */
static void scribble(uint8_t *base, const uint8_t *data, size_t size)
{
	while (size > 3) {
		size_t at = (size_t)(data[0] | data[1] << 8) * 8, len = data[2];

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		memcpy(base + PAGE(0) + at, data, len);
		data += len;
		size -= len;
	}
}

static void check(int good)
{
	if (!good)
		abort();
}

static void read_all(const struct mailbox *m)
{
	struct wire_response r;
	struct wire_worker w;
	struct wire_header h;
	struct err *err = mailbox_header(m, &h);

	if (!err)
		check(h.worker_high <= WIRE_WORKERS && strlen(h.scheduler) < sizeof(h.scheduler));
	err_free(err);
	err = mailbox_response(m, &r);
	if (!err)
		check(r.text_len <= WIRE_TEXT_SIZE && r.value_count <= 16 &&
		      strlen(r.message) < sizeof(r.message));
	err_free(err);
	for (unsigned int i = 0; i <= WIRE_WORKERS; i += 31) {
		err = mailbox_worker(m, i, &w);
		if (!err)
			check(w.state <= WIRE_WORKER_DEAD && strlen(w.cgroup) < sizeof(w.cgroup) &&
			      strlen(w.comm) < sizeof(w.comm));
		err_free(err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ram ram; /* made once: a mapping a run would be all that is measured */
	struct mailbox m;
	struct err *err;

	if (!ram.base)
		err_free(ram_create(RAM_SIZE, &ram));
	memset(ram.base + PAGE(0), 0, 130 * WIRE_PAGE_SIZE); /* as far as scribble() reaches */
	honest(ram.base);
	scribble(ram.base, data, size);
	err = mailbox_open(&ram, PAGE(0), &m);
	if (!err)
		read_all(&m);
	err_free(err);
	return 0;
}
