/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versions, images made here byte by byte, and a cache of them below TEST_DIR. */
#include "vmm/kernel_cache.h"

#include "base/file.h"
#include "base/str.h"
#include "tests/expect.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_version_order(void **state)
{
	static const char *const order[] = {"6.9",          "6.10",   "6.18.15+deb13-cloud-amd64",
					    "7.2-rc1",      "7.2-rc10", "7.2",
					    "7.2.6+deb13",  "7.2.12+deb13", "7.2.12+deb14",
					    "10.0"};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_int_equal(kernel_version_compare(order[i], order[i]), 0);
		for (size_t j = i + 1; j < sizeof(order) / sizeof(order[0]); j++) {
			assert_true(kernel_version_compare(order[i], order[j]) < 0);
			assert_true(kernel_version_compare(order[j], order[i]) > 0);
		}
	}
}

static void test_version_prefix(void **state)
{
	static const char version[] = "7.1.13+deb13-cloud-amd64";

	assert_true(kernel_version_matches(version, version));
	assert_true(kernel_version_matches(version, "7"));
	assert_true(kernel_version_matches(version, "7.1"));
	assert_true(kernel_version_matches(version, "7.1.13"));
	assert_true(kernel_version_matches(version, "7.1.13+deb13"));
	assert_false(kernel_version_matches(version, "7.1.1"));
	assert_false(kernel_version_matches(version, "1"));
	assert_false(kernel_version_matches(version, ""));
	assert_false(kernel_version_matches(version, "7.1.13+deb13-cloud-amd64-dbg"));
}

static char root[512];

static int setup(void **state)
{
	const char *given = getenv("TEST_DIR");

	snprintf(root, sizeof(root), "%s/ktdbg-kernels-XXXXXX", given ? given : "/tmp");
	return mkdtemp(root) && setenv("XDG_CACHE_HOME", root, 1) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static int empty_cache(void **state)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s/ktdbg'", root);
	return system(command);
}

/* 9 MiB, which is taken for a whole kernel, with what is looked for across a block's edge. */
#define UNPACKED (9 << 20)

static char *make_payload(bool sched_ext, bool btf, size_t *ret_len)
{
	static const char ops[] = "\0sched_ext_ops", header[] = {'\x9f', '\xeb', 1, 0, 24, 0, 0, 0, 0, 0, 0, 0};
	char *kernel = calloc(1, UNPACKED), *packed = malloc(UNPACKED);
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	if (sched_ext)
		memcpy(kernel + (4 << 20) - 5, ops, sizeof(ops));
	if (btf)
		memcpy(kernel + (6 << 20) - 3, header, sizeof(header));
	archive_write_set_format_raw(a);
	archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_memory(a, packed, UNPACKED, ret_len), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, kernel, UNPACKED), UNPACKED);
	archive_entry_free(entry);
	archive_write_close(a);
	archive_write_free(a);
	free(kernel);
	return packed;
}

#define SETUP_SECTORS 4
#define HEAD ((SETUP_SECTORS + 1) * 512)

static void put32(char *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* An image file of `version`; a garbage payload when `payload` is NULL. */
static void make_image(const char *path, const char *version, const char *payload, size_t len)
{
	char *image = calloc(1, HEAD + len + 4);

	image[0x1f1] = SETUP_SECTORS;
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	image[0x20e] = 0;
	image[0x20f] = 2; /* the version text is at 0x400 */
	snprintf(image + 0x400, 256, "%s (builder@host) #1 SMP", version);
	put32(image + 0x24c, (uint32_t)len);
	memcpy(image + HEAD, payload, len);
	memcpy(image + HEAD + len, "\0\0\x90\0", 4);
	expect_ok(replace_file(path, image, HEAD + len + 4));
	free(image);
}

static char *image_path(const char *version)
{
	char *path = str_format("%s/ktdbg/kernels/%s", root, version), *image;

	expect_ok(make_directories(path, 0755));
	image = str_format("%s/vmlinuz", path);
	free(path);
	return image;
}

static void add_image(const char *version, bool sched_ext, bool btf)
{
	size_t len;
	char *payload = make_payload(sched_ext, btf, &len), *path = image_path(version);

	make_image(path, version, payload, len);
	free(path);
	free(payload);
}

static void test_reads_what_an_image_holds(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct kernel_image image;
		char *path;

		add_image("7.2.12", i & 1, i & 2);
		path = image_path("7.2.12");
		expect_ok(kernel_image_read(path, &image));
		assert_string_equal(image.version, "7.2.12");
		assert_int_equal(image.sched_ext, i & 1 ? FEATURE_YES : FEATURE_NO);
		assert_int_equal(image.btf, i & 2 ? FEATURE_YES : FEATURE_NO);
		free(path);
	}
}

static void test_an_unknown_compression_is_unknown(void **state)
{
	char *path = image_path("7.0");
	struct kernel_image image;

	make_image(path, "7.0", "????", 4);
	expect_ok(kernel_image_read(path, &image));
	assert_int_equal(image.sched_ext, FEATURE_UNKNOWN);
	assert_int_equal(image.btf, FEATURE_UNKNOWN);
	free(path);
}

static void test_images_that_are_none(void **state)
{
	char *path = image_path("bad"), text[700], version[KERNEL_VERSION_TEXT], head[0x250] = {0};
	struct kernel_image image;

	snprintf(text, sizeof(text), "%s is no x86 boot image (bzImage)", path);
	expect_ok(replace_file(path, "", 0));
	expect_err(kernel_image_read(path, &image), ERR_BAD_DATA, text);
	expect_ok(replace_file(path, "HdrSHdrSHdrS", 12));
	expect_err(kernel_image_version(path, version), ERR_BAD_DATA, text);

	/* The version points behind the end. */
	memcpy(head + 0x202, "HdrS\x0f\x02\0\0\0\0\0\0\xff\xff", 14);
	expect_ok(replace_file(path, head, sizeof(head)));
	snprintf(text, sizeof(text), "%s does not say its kernel version", path);
	expect_err(kernel_image_read(path, &image), ERR_BAD_DATA, text);

	/* A payload longer than the file is not read at all. */
	make_image(path, "7.0", "", 0);
	assert_int_equal(truncate(path, 0x500), 0);
	expect_ok(kernel_image_read(path, &image));
	assert_int_equal(image.btf, FEATURE_UNKNOWN);
	expect_err_with(kernel_image_read("/none", &image), ERR_OS, "No such file or directory");
	free(path);
}

static void test_lists_newest_first_and_keeps_what_it_found(void **state)
{
	char *note, *again, *path;
	struct kernel_list list;

	add_image("7.1.9", true, true);
	add_image("7.1.13", false, true);
	path = image_path("junk");
	expect_ok(replace_file(path, "junk", 4));
	free(path);
	for (int round = 0; round < 2; round++) {
		expect_ok(kernel_cache_list(&list));
		assert_int_equal(list.count, 2);
		assert_string_equal(list.entries[0].image.version, "7.1.13");
		assert_true(list.entries[0].is_default);
		assert_int_equal(list.entries[0].image.sched_ext, FEATURE_NO);
		assert_int_equal(list.entries[1].image.sched_ext, FEATURE_YES);
		assert_false(list.entries[1].is_default);
		note = str_format("%s.note", list.entries[1].path);
		expect_ok(read_whole_file(note, 1000, &again, NULL));
		assert_non_null(strstr(again, "\nsched_ext yes\nbtf yes\n"));
		free(again);
		free(note);
		kernel_list_deinit(&list);
	}
}

static void test_a_note_about_another_file_is_not_believed(void **state)
{
	/* The note knows the file by its size and the second it was written. */
	static const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char *path = image_path("7.1.9");
	struct kernel_list list;

	add_image("7.1.9", true, true);
	expect_ok(kernel_cache_list(&list));
	kernel_list_deinit(&list);
	add_image("7.1.9", false, false);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	free(path);
	expect_ok(kernel_cache_list(&list));
	assert_int_equal(list.entries[0].image.sched_ext, FEATURE_NO);
	kernel_list_deinit(&list);
}

static void assert_resolves(const char *wanted, const char *version)
{
	char *expected = str_format("%s/ktdbg/kernels/%s/vmlinuz", root, version), *path;

	expect_ok(kernel_cache_resolve(wanted, &path));
	assert_string_equal(path, expected);
	free(path);
	free(expected);
}

static void test_resolves_versions_prefixes_and_paths(void **state)
{
	char *path = image_path("7.1.9"), *found;

	add_image("7.1.9", true, true);
	add_image("7.1.13", true, true);
	add_image("6.19.14+deb13", true, true);
	assert_resolves(NULL, "7.1.13");
	assert_resolves("7.1", "7.1.13");
	assert_resolves("7.1.9", "7.1.9");
	assert_resolves("6", "6.19.14+deb13");
	expect_ok(kernel_cache_resolve(path, &found));
	assert_string_equal(found, path);
	free(found);
	free(path);
}

static void test_what_does_not_resolve(void **state)
{
	char *path;

	add_image("7.1.9", true, true);
	expect_err(kernel_cache_resolve("7.2", &path), ERR_ENVIRONMENT,
		   "no kernel 7.2 in the cache; cached: 7.1.9 (`ktdbg kernel fetch 7.2` gets it where the "
		   "archive has it)");
	expect_err(kernel_cache_resolve("/none/vmlinuz", &path), ERR_ENVIRONMENT,
		   "kernel /none/vmlinuz: No such file or directory");
	empty_cache(NULL);
	expect_err(kernel_cache_resolve("7.2", &path), ERR_ENVIRONMENT,
		   "no kernel 7.2 in the cache (`ktdbg kernel fetch 7.2` gets it where the archive has it)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_order),
		cmocka_unit_test(test_version_prefix),
		cmocka_unit_test_setup(test_reads_what_an_image_holds, empty_cache),
		cmocka_unit_test_setup(test_an_unknown_compression_is_unknown, empty_cache),
		cmocka_unit_test_setup(test_images_that_are_none, empty_cache),
		cmocka_unit_test_setup(test_lists_newest_first_and_keeps_what_it_found, empty_cache),
		cmocka_unit_test_setup(test_a_note_about_another_file_is_not_believed, empty_cache),
		cmocka_unit_test_setup(test_resolves_versions_prefixes_and_paths, empty_cache),
		cmocka_unit_test_setup(test_what_does_not_resolve, empty_cache),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
