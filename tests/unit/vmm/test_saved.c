/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved machines: what is written comes back, and what was damaged is noticed. */
#include "tests/expect.h"

#include "vmm/saved.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

/* Memory with some pages in it, saved into memfds. */
static void save(struct saved *s, struct ram *ram, unsigned int pieces)
{
	saved_init(s);
	expect_ok(ram_create_pieces(32 * MIB, pieces, ram));
	for (uint64_t at = 0; at < 32 * MIB; at += 3 * MIB)
		memset(ram->base + at, (int)(at / MIB + 1), 5000);
	memset(ram->base + 9 * MIB, 0, 8192); /* touched, but all zero */
	s->ram_fd = memfd_create("ram", MFD_CLOEXEC);
	s->state_fd = memfd_create("state", MFD_CLOEXEC);
	assert_int_equal(write(s->state_fd, "device state", 12), 12);
	expect_ok(saved_write_ram(s, ram));
	expect_ok(saved_measure_state(s, false));
	s->mailbox = 0x1234000;
}

static struct err *load(const struct saved *s, const struct ram *ram)
{
	struct saved_load l;

	ERR_TRY(saved_load_start(&l, s, ram));
	return saved_load_finish(&l);
}

static void memory_comes_back(void **state)
{
	struct saved s;
	struct ram ram, fresh;
	struct stat st;

	/* Saved from one piece or two, loaded into three. */
	for (unsigned int pieces = 1; pieces <= 2; pieces++) {
		save(&s, &ram, pieces);
		assert_int_equal(fstat(s.ram_fd, &st), 0);
		assert_int_equal(st.st_size, 32 * MIB);
		assert_int_equal(st.st_blocks * 512, 10 * 8192); /* zero pages are holes */
		expect_ok(ram_create_pieces(32 * MIB, 3, &fresh));
		expect_ok(load(&s, &fresh));
		assert_memory_equal(fresh.base, ram.base, 32 * MIB);
		ram_deinit(&fresh);
		ram_deinit(&ram);
		saved_deinit(&s);
	}
}

/* What QEMU writes of its timers: the host's clock at both ends of 24 bytes. */
static const char stream[] = "QEVM\x04\0\0\0\x07\x05timer\0\0\0\0\0\0\0\x02"
			     "ticks678\0\0\0\0\0\0\0\0clock678\x7e\0\0\0\x07";
#define STREAM (sizeof(stream) - 1)

static void the_hosts_clock_is_forgotten(void **state)
{
	struct saved s = {.ram_size = MIB}, other;
	char bytes[STREAM], hash[SHA256_TEXT], again[SHA256_TEXT];

	saved_init(&s);
	s.state_fd = memfd_create("state", MFD_CLOEXEC);
	assert_int_equal(write(s.state_fd, stream, STREAM), STREAM);
	other = s;
	expect_ok(saved_measure_state(&other, false));
	saved_hash(&other, hash);
	assert_int_equal(pread(s.state_fd, bytes, STREAM, 0), STREAM);
	assert_memory_equal(bytes, stream, STREAM);
	expect_ok(saved_measure_state(&s, true));
	saved_hash(&s, again);
	assert_string_not_equal(hash, again);
	assert_int_equal(pread(s.state_fd, bytes, STREAM, 0), STREAM);
	assert_memory_equal(bytes, stream, 23);
	assert_memory_equal(bytes + 23, (char[24]){0}, 24);
	assert_memory_equal(bytes + 47, stream + 47, STREAM - 47);
	/* Cut off in the middle of it: nothing is written past the end. */
	assert_int_equal(ftruncate(s.state_fd, 30), 0);
	expect_ok(saved_measure_state(&s, true));
	assert_true(s.state_size == 30);
	saved_deinit(&s);
}

static void description_comes_back(void **state)
{
	char text[SAVED_TEXT], again[SAVED_TEXT];
	struct saved s, t;
	struct ram ram;

	save(&s, &ram, 1);
	saved_init(&t);
	expect_ok(saved_parse(saved_format(&s, text), &t));
	assert_string_equal(saved_format(&t, again), text);
	assert_int_equal(t.mailbox, 0x1234000);
	assert_int_equal(t.state_size, 12);
	expect_ok(saved_check(&s));
	ram_deinit(&ram);
	saved_deinit(&s);
}

static void damaged_descriptions_are_noticed(void **state)
{
	static const char why[] = "the saved machine's description is damaged";
	char text[SAVED_TEXT];
	struct saved s, t;
	struct ram ram;
	size_t len;

	save(&s, &ram, 1);
	saved_format(&s, text);
	len = strlen(text);
	for (size_t cut = 0; cut < len; cut++) {
		char part[SAVED_TEXT];

		memcpy(part, text, cut);
		part[cut] = '\0';
		expect_err(saved_parse(part, &t), ERR_BAD_DATA, why);
	}
	strcat(text, "more");
	expect_err(saved_parse(text, &t), ERR_BAD_DATA, why);
	ram_deinit(&ram);
	saved_deinit(&s);
}

static void damaged_files_are_noticed(void **state)
{
	struct ram ram, fresh, small;
	struct saved s;

	save(&s, &ram, 1);
	expect_ok(ram_create(32 * MIB, &fresh));
	assert_int_equal(pwrite(s.ram_fd, "x", 1, 3 * MIB + 100), 1);
	expect_err(load(&s, &fresh), ERR_BAD_DATA, "the saved guest memory is damaged");
	assert_int_equal(pwrite(s.state_fd, "D", 1, 0), 1);
	expect_err(saved_check(&s), ERR_BAD_DATA, "the saved device state is damaged");
	assert_int_equal(ftruncate(s.state_fd, 11), 0);
	expect_err(saved_check(&s), ERR_BAD_DATA, "the saved machine's files have the wrong size");
	expect_ok(ram_create(16 * MIB, &small));
	expect_err(load(&s, &small), ERR_BAD_DATA, "the saved machine has another memory size");
	ram_deinit(&small);
	ram_deinit(&fresh);
	ram_deinit(&ram);
	saved_deinit(&s);
}

/* A page that has moved, and one that is gone. */
static void moved_pages_are_noticed(void **state)
{
	struct ram ram, fresh;
	struct saved s;
	char page[4096];

	save(&s, &ram, 1);
	expect_ok(ram_create(32 * MIB, &fresh));
	assert_int_equal(pread(s.ram_fd, page, sizeof(page), 0), sizeof(page));
	assert_int_equal(pwrite(s.ram_fd, page, sizeof(page), MIB), sizeof(page));
	memset(page, 0, sizeof(page));
	assert_int_equal(pwrite(s.ram_fd, page, sizeof(page), 0), sizeof(page));
	expect_err(load(&s, &fresh), ERR_BAD_DATA, "the saved guest memory is damaged");
	ram_deinit(&fresh);
	ram_deinit(&ram);
	saved_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_back),
		cmocka_unit_test(the_hosts_clock_is_forgotten),
		cmocka_unit_test(description_comes_back),
		cmocka_unit_test(damaged_descriptions_are_noticed),
		cmocka_unit_test(damaged_files_are_noticed),
		cmocka_unit_test(moved_pages_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
