/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log's ring, laid out by hand: eight descriptors and 256 bytes of text. */
#include "coord/printk.h"

#include "tests/unit/coord/fake_kernel.h"

#define PRB (KERNEL_BASE + 0x100) /* the variable */
#define RING (KERNEL_BASE + 0x200)
#define DESCS (KERNEL_BASE + 0x1000)
#define INFOS (KERNEL_BASE + 0x2000)
#define DATA (KERNEL_BASE + 0x3000)
#define COUNT_BITS 3
#define SIZE_BITS 8

enum { RESERVED, COMMITTED, FINALIZED, REUSABLE };
enum { DESC_SIZE = 24, INFO_SIZE = 32 };

static void ring_types(struct btf *b)
{
	int u64 = btf__add_int(b, "long unsigned int", 8, 0),
	    u32 = btf__add_int(b, "unsigned int", 4, 0);
	int u16 = btf__add_int(b, "short unsigned int", 2, 0),
	    u8 = btf__add_int(b, "unsigned char", 1, 0);
	int atomic = btf__add_struct(b, "atomic64", 8), place, descs, data;

	FAKE_MEMBER(b, "counter", u64, 0);
	place = btf__add_struct(b, "prb_data_blk_lpos", 16);
	FAKE_MEMBER(b, "begin", u64, 0);
	FAKE_MEMBER(b, "next", u64, 8);
	btf__add_struct(b, "prb_desc", DESC_SIZE);
	FAKE_MEMBER(b, "state_var", atomic, 0);
	FAKE_MEMBER(b, "text_blk_lpos", place, 8);
	btf__add_struct(b, "printk_info", INFO_SIZE);
	FAKE_MEMBER(b, "seq", u64, 0);
	FAKE_MEMBER(b, "ts_nsec", u64, 8);
	FAKE_MEMBER(b, "text_len", u16, 16);
	FAKE_MEMBER(b, "facility", u8, 18);
	FAKE_BITS(b, "flags", u8, 19 * 8, 5);
	FAKE_BITS(b, "level", u8, 19 * 8 + 5, 3);
	descs = btf__add_struct(b, "prb_desc_ring", 40);
	FAKE_MEMBER(b, "count_bits", u32, 0);
	FAKE_MEMBER(b, "descs", u64, 8);
	FAKE_MEMBER(b, "infos", u64, 16);
	FAKE_MEMBER(b, "head_id", atomic, 24);
	FAKE_MEMBER(b, "tail_id", atomic, 32);
	data = btf__add_struct(b, "prb_data_ring", 16);
	FAKE_MEMBER(b, "size_bits", u32, 0);
	FAKE_MEMBER(b, "data", u64, 8);
	btf__add_struct(b, "printk_ringbuffer", 56);
	FAKE_MEMBER(b, "desc_ring", descs, 0);
	FAKE_MEMBER(b, "text_data_ring", data, 40);
}

static void set_ids(struct kernel *k, uint64_t tail, uint64_t head)
{
	fake_put(k, RING + 24, head, 8);
	fake_put(k, RING + 32, tail, 8);
}

/* An empty ring. */
static struct kernel *make(void)
{
	struct kernel *k = fake_kernel();
	struct btf *b = btf__new_empty();
	const void *raw;
	uint32_t size;

	types_destroy(k->types);
	ring_types(b);
	raw = btf__raw_data(b, &size);
	expect_ok(types_create(raw, size, &k->types));
	btf__free(b);
	fake_symbol(k, "prb", PRB);
	fake_put(k, PRB, RING, 8);
	fake_put(k, RING, COUNT_BITS, 4);
	fake_put(k, RING + 8, DESCS, 8);
	fake_put(k, RING + 16, INFOS, 8);
	fake_put(k, RING + 40, SIZE_BITS, 4);
	fake_put(k, RING + 48, DATA, 8);
	return k;
}

/* Descriptor `id` with its text block at [begin, next) of the data ring's endless positions. */
static void put_desc(struct kernel *k, uint64_t id, unsigned int desc_state, uint64_t begin,
		     uint64_t next)
{
	uint64_t desc = DESCS + id % (1u << COUNT_BITS) * DESC_SIZE;

	fake_put(k, desc, (uint64_t)desc_state << 62 | id, 8);
	fake_put(k, desc + 8, begin, 8);
	fake_put(k, desc + 16, next, 8);
}

static void put_info(struct kernel *k, uint64_t id, uint64_t seq, unsigned int text_len)
{
	uint64_t info = INFOS + id % (1u << COUNT_BITS) * INFO_SIZE;

	fake_put(k, info, seq, 8);
	fake_put(k, info + 8, seq * 1000, 8);
	fake_put(k, info + 16, text_len, 2);
	fake_put(k, info + 19, 6u << 5 | 3, 1);
}

/* A whole record with its text at `begin`, which has room up to the ring's end. */
static void put_record(struct kernel *k, uint64_t id, uint64_t begin, const char *text)
{
	uint64_t len = strlen(text), at = DATA + begin % (1u << SIZE_BITS);

	put_desc(k, id, FINALIZED, begin, begin + (8 + len + 7) / 8 * 8);
	put_info(k, id, id, (unsigned int)len);
	fake_put(k, at, id, 8);
	memcpy(kernel_at(k, at + 8, len), text, len);
}

/* The texts of the newest `max`, joined by '|'. */
static void reads(struct kernel *k, unsigned int max, const char *wanted)
{
	struct printk_log log;
	struct str joined = {0};

	expect_ok(printk_read(k, max, &log));
	for (unsigned int i = 0; i < log.count; i++)
		str_addf(&joined, "%s%s", i ? "|" : "", log.records[i].text);
	assert_string_equal(str_text(&joined), wanted);
	str_deinit(&joined);
	printk_log_deinit(&log);
}

static void test_records_in_order(void **state)
{
	struct kernel *k = make();
	struct printk_log log;

	put_record(k, 3, 0, "one");
	put_record(k, 4, 16, "two, longer");
	put_record(k, 5, 40, "three");
	set_ids(k, 3, 5);
	reads(k, 100, "one|two, longer|three");
	reads(k, 2, "two, longer|three");
	expect_ok(printk_read(k, 1, &log));
	assert_int_equal(log.records[0].seq, 5);
	assert_int_equal(log.records[0].time, 5000);
	assert_int_equal(log.records[0].level, 6);
	assert_string_equal(log.damage, "");
	printk_log_deinit(&log);
	fake_kernel_free(k);
}

static void test_ids_and_text_wrap_around(void **state)
{
	struct kernel *k = make();

	/* The block begins 8 bytes before the end and so lies at the ring's start, one turn later.
	 */
	put_record(k, 7, 200, "before");
	put_desc(k, 8, FINALIZED, 248, 256 + 24);
	put_info(k, 8, 8, 7);
	memcpy(kernel_at(k, DATA + 8, 7), "wrapped", 7);
	put_record(k, 9, 256 + 24, "after");
	/* This one ends exactly where the ring does. */
	put_record(k, 10, 256 + 240, "at end");
	set_ids(k, 7, 10);
	reads(k, 100, "before|wrapped|after|at end");
	fake_kernel_free(k);
}

static void test_what_is_not_a_record_is_left_out(void **state)
{
	struct kernel *k = make();

	put_record(k, 1, 0, "good");
	put_record(k, 2, 16, "being written");
	put_desc(k, 2, RESERVED, 16, 48);
	put_record(k, 3, 48, "reusable");
	put_desc(k, 3, REUSABLE, 48, 64);
	put_record(k, 4 + 8, 64, "of a later turn");
	put_desc(k, 5, COMMITTED, 1, 1); /* without text */
	put_info(k, 5, 5, 0);
	put_record(k, 6, 96, "last");
	set_ids(k, 1, 6);
	reads(k, 100, "good||last");
	fake_kernel_free(k);
}

static void test_lengths_are_bounded_by_the_block(void **state)
{
	struct kernel *k = make();

	put_record(k, 1, 0, "12345678");
	put_info(k, 1, 1, 60000);
	put_record(k, 2, 16, "x");
	put_desc(k, 2, FINALIZED, 16, 16); /* no room for anything */
	put_record(k, 3, 32, "y");
	put_desc(k, 3, FINALIZED, 32, 33333); /* turns ahead */
	set_ids(k, 1, 3);
	reads(k, 100, "12345678||");
	fake_kernel_free(k);
}

static void test_a_bad_page_is_named_and_the_rest_is_shown(void **state)
{
	struct kernel *k = make();
	struct printk_log log;

	/* The second half of the text lies in the page that is not mapped. */
	fake_put(k, RING + 48, KERNEL_BASE + HOLE - 64, 8);
	put_desc(k, 1, FINALIZED, 0, 24);
	put_info(k, 1, 1, 4);
	memcpy(kernel_at(k, KERNEL_BASE + HOLE - 64 + 8, 4), "fine", 4);
	put_desc(k, 2, FINALIZED, 64, 96);
	put_info(k, 2, 2, 10);
	set_ids(k, 1, 2);
	expect_ok(printk_read(k, 100, &log));
	assert_int_equal(log.count, 1);
	assert_string_equal(log.records[0].text, "fine");
	assert_string_equal(log.damage, "record 2: bad address 0xffff888000080008");
	printk_log_deinit(&log);
	fake_kernel_free(k);
}

static void test_a_tail_far_behind_is_bounded(void **state)
{
	struct kernel *k = make();

	for (uint64_t id = 1000; id < 1008; id++)
		put_record(k, id, (id - 1000) * 16, "r");
	set_ids(k, 1, 1007);
	reads(k, 100, "r|r|r|r|r|r|r|r");
	/* And a tail ahead of the head, as no kernel has it. */
	set_ids(k, 2000, 1007);
	reads(k, 100, "r|r|r|r|r|r|r|r");
	fake_kernel_free(k);
}

static void test_impossible_rings(void **state)
{
	struct kernel *k = make();
	struct printk_log log;

	fake_put(k, RING, 40, 4);
	expect_err(printk_read(k, 10, &log), ERR_BAD_DATA,
		   "the log's ring has impossible sizes: 2^40 descriptors, 2^8 bytes");
	fake_put(k, PRB, KERNEL_BASE + HOLE, 8);
	expect_err(printk_read(k, 10, &log), ERR_FAULT,
		   "reading the log's ring: bad address 0xffff888000080000");
	k->symbol_count = 0;
	expect_err(printk_read(k, 10, &log), ERR_ABSENT,
		   "this kernel keeps its log in no ring that is known here");
	fake_kernel_free(k);
}

static void test_kernels_without_such_types(void **state)
{
	struct kernel *k = fake_kernel();
	struct printk_log log;

	expect_err(printk_read(k, 10, &log), ERR_ABSENT,
		   "this kernel keeps its log in no ring that is known here");
	fake_kernel_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_in_order),
		cmocka_unit_test(test_ids_and_text_wrap_around),
		cmocka_unit_test(test_what_is_not_a_record_is_left_out),
		cmocka_unit_test(test_lengths_are_bounded_by_the_block),
		cmocka_unit_test(test_a_bad_page_is_named_and_the_rest_is_shown),
		cmocka_unit_test(test_a_tail_far_behind_is_bounded),
		cmocka_unit_test(test_impossible_rings),
		cmocka_unit_test(test_kernels_without_such_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
