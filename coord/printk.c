/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/printk.h"

#include "coord/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bits of prb_desc.state_var: the state above, the descriptor's id below. */
#define DESC_STATE_SHIFT 62
#define DESC_ID_MASK (~0ull >> 2)
enum desc_state { DESC_RESERVED, DESC_COMMITTED, DESC_FINALIZED, DESC_REUSABLE };

/* Text that one record may have: the kernel's LOG_LINE_MAX is about 1 KiB. */
#define TEXT_MAX 8192
#define BITS_MAX 24

struct ring {
	struct kernel *kernel;
	unsigned int count_bits, size_bits;
	uint64_t descs, infos, data;
	uint64_t head_id, tail_id;
	uint32_t desc_size, info_size;
	struct field state, begin, next;
	struct field seq, time, text_len, level;
};

static void layout(struct ring *r, const struct types *t)
{
	field_find(t, "prb_desc", "state_var.counter", &r->state);
	field_find(t, "prb_desc", "text_blk_lpos.begin", &r->begin);
	field_find(t, "prb_desc", "text_blk_lpos.next", &r->next);
	field_find(t, "printk_info", "seq", &r->seq);
	field_find(t, "printk_info", "ts_nsec", &r->time);
	field_find(t, "printk_info", "text_len", &r->text_len);
	field_find(t, "printk_info", "level", &r->level);
}

static struct err *struct_size(const struct types *t, const char *name, uint32_t *ret)
{
	uint32_t type;

	ERR_TRY(types_parse(t, name, &type));
	*ret = (uint32_t)types_size(t, type);
	return NULL;
}

static struct err *absent(void)
{
	return err_new(ERR_ABSENT, "this kernel keeps its log in no ring that is known here");
}

/* The members of struct printk_ringbuffer at `address`. */
static struct err *open_at(struct ring *r, const struct types *t, uint64_t address)
{
	static const char *const paths[] = {
		"desc_ring.count_bits",	     "desc_ring.descs",
		"desc_ring.infos",	     "desc_ring.head_id.counter",
		"desc_ring.tail_id.counter", "text_data_ring.size_bits",
		"text_data_ring.data"};
	uint64_t values[sizeof(paths) / sizeof(paths[0])];
	struct object o;

	object_init(&o, r->kernel, address);
	for (unsigned int i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct field f;

		field_find(t, "printk_ringbuffer", paths[i], &f);
		if (!f.present)
			return absent();
		values[i] = object_read(&o, &f);
	}
	if (o.faulted)
		return err_wrap(err_fault(o.fault), "reading the log's ring");
	if (values[0] < 1 || values[0] > BITS_MAX || values[5] < 4 || values[5] > BITS_MAX + 8)
		return err_new(ERR_BAD_DATA,
			       "the log's ring has impossible sizes: 2^%" PRIu64
			       " descriptors, 2^%" PRIu64 " bytes",
			       values[0], values[5]);
	r->count_bits = (unsigned int)values[0];
	r->descs = values[1];
	r->infos = values[2];
	r->head_id = values[3] & DESC_ID_MASK;
	r->tail_id = values[4] & DESC_ID_MASK;
	r->size_bits = (unsigned int)values[5];
	r->data = values[6];
	return NULL;
}

static struct err *open_ring(struct kernel *k, struct ring *ret)
{
	const struct types *t = kernel_types(k);
	uint64_t symbol, address;
	struct err *err;

	*ret = (struct ring){.kernel = k};
	layout(ret, t);
	if (!ret->state.present || !ret->begin.present || !ret->next.present || !ret->seq.present ||
	    !ret->time.present || !ret->text_len.present)
		return absent();
	ERR_TRY(struct_size(t, "struct prb_desc", &ret->desc_size));
	ERR_TRY(struct_size(t, "struct printk_info", &ret->info_size));
	err = kernel_symbol(k, "prb", &symbol);
	if (err) {
		err_free(err);
		return absent();
	}
	ERR_TRY(kernel_read_u64(k, symbol, &address));
	return open_at(ret, t, address);
}

/* Where a record's text lies and how long its block is; false for records without text and for
 * positions that make no sense. */
static bool find_text(const struct ring *r, uint64_t begin, uint64_t next, uint64_t *ret_address,
		      uint64_t *ret_len)
{
	const uint64_t size = 1ull << r->size_bits, mask = size - 1;
	const uint64_t turn = begin >> r->size_bits, last_turn = (next - 1) >> r->size_bits;
	uint64_t start = begin & mask, len;

	if (begin & 1)
		return false;
	if (turn == last_turn && next > begin) {
		len = next - begin;
	} else if (turn + 1 == last_turn) {
		/* A block that would cross the end is laid at the ring's start instead. */
		start = 0;
		len = ((next - 1) & mask) + 1;
	} else {
		return false;
	}
	if (len <= sizeof(uint64_t) || start + len > size)
		return false;
	*ret_address = r->data + start + sizeof(uint64_t);
	*ret_len = len - sizeof(uint64_t);
	return true;
}

static struct err *read_text(const struct ring *r, struct object *desc, uint64_t wanted, char **ret)
{
	uint64_t address, len;
	char *text;
	struct err *err;

	if (!find_text(r, object_read(desc, &r->begin), object_read(desc, &r->next), &address,
		       &len))
		len = 0;
	if (len > wanted)
		len = wanted;
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	text = calloc(1, len + 1);
	if (!text)
		return err_nomem();
	err = len ? kernel_read(r->kernel, address, text, len) : NULL;
	if (err) {
		free(text);
		return err;
	}
	*ret = text;
	return NULL;
}

/* The record of descriptor `id`; *found false for one that is being written or was reused. */
static struct err *read_record(const struct ring *r, uint64_t id, bool *found,
			       struct printk_record *ret)
{
	uint64_t index = id & ((1ull << r->count_bits) - 1), state;
	struct object desc, info;

	*found = false;
	object_init(&desc, r->kernel, r->descs + index * r->desc_size);
	object_init(&info, r->kernel, r->infos + index * r->info_size);
	state = object_read(&desc, &r->state);
	if (desc.faulted)
		return err_fault(desc.fault);
	if ((state & DESC_ID_MASK) != id || (state >> DESC_STATE_SHIFT != DESC_COMMITTED &&
					     state >> DESC_STATE_SHIFT != DESC_FINALIZED))
		return NULL;
	ret->seq = object_read(&info, &r->seq);
	ret->time = object_read(&info, &r->time);
	ret->level = (unsigned int)object_read(&info, &r->level);
	ERR_TRY(read_text(r, &desc, object_read(&info, &r->text_len), &ret->text));
	if (info.faulted) {
		free(ret->text);
		return err_fault(info.fault);
	}
	*found = true;
	return NULL;
}

static void note_damage(struct printk_log *log, uint64_t id, struct err *err)
{
	if (!log->damage[0])
		snprintf(log->damage, sizeof(log->damage), "record %" PRIu64 ": %s", id,
			 err_detail(err));
	err_free(err);
}

/* Ids in use, oldest first, at most `max` of the newest. The tail may never be further back than
 * the ring is long. */
static uint64_t first_id(const struct ring *r, unsigned int max, unsigned int *ret_count)
{
	uint64_t used = ((r->head_id - r->tail_id) & DESC_ID_MASK) + 1;

	if (used > 1ull << r->count_bits)
		used = 1ull << r->count_bits;
	if (used > max)
		used = max;
	*ret_count = (unsigned int)used;
	return (r->head_id - used + 1) & DESC_ID_MASK;
}

struct err *printk_read(struct kernel *k, unsigned int max, struct printk_log *ret)
{
	struct printk_log log = {0};
	struct ring ring;
	unsigned int count;
	uint64_t id;

	ERR_TRY(open_ring(k, &ring));
	id = first_id(&ring, max, &count);
	log.records = calloc(count + 1, sizeof(*log.records));
	if (!log.records)
		return err_nomem();
	for (unsigned int i = 0; i < count; i++, id = (id + 1) & DESC_ID_MASK) {
		bool found;
		struct err *err = read_record(&ring, id, &found, &log.records[log.count]);

		if (err)
			note_damage(&log, id, err);
		else if (found)
			log.count++;
	}
	*ret = log;
	return NULL;
}

void printk_log_deinit(struct printk_log *log)
{
	for (unsigned int i = 0; i < log->count; i++)
		free(log->records[i].text);
	free(log->records);
	*log = (struct printk_log){0};
}
